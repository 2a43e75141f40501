"""The JSON Schemas in `schemas/` are those of what is written to Redis."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rushtyped.wire import RECORDS, json_schema

SCHEMAS = Path(__file__).parents[2] / "schemas"


@pytest.mark.parametrize("name", RECORDS)
def test_the_schema_file_is_up_to_date(name: str) -> None:
    """Write it anew with `python -m tests.unit.test_wire` when this fails on purpose."""
    assert json.loads((SCHEMAS / f"{name}.json").read_text()) == json_schema(name)


def test_there_is_no_schema_file_of_something_else() -> None:
    assert {path.stem for path in SCHEMAS.glob("*.json")} == set(RECORDS)


if __name__ == "__main__":
    for each in RECORDS:
        text = json.dumps(json_schema(each), indent=2, sort_keys=True)
        (SCHEMAS / f"{each}.json").write_text(text + "\n")
