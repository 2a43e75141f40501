"""The JSON Schemas in `schemas/` are those of what is written to Redis."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from rushtyped.cli import main
from rushtyped.lua import load_script, script_names
from rushtyped.wire import RECORDS, WIRE_VERSION

SCHEMAS = Path(__file__).parents[2] / "schemas"


def contents(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.iterdir()}


def test_the_schema_files_are_those_that_are_exported(tmp_path: Path) -> None:
    """Write them anew with `rushtyped schema export` when this fails on purpose."""
    assert main(["schema", "export", str(tmp_path)]) == 0
    assert contents(tmp_path) == contents(SCHEMAS)


@pytest.mark.parametrize("name", RECORDS)
def test_each_schema_is_valid_and_has_the_version_of_the_format(name: str) -> None:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["version"] == int(WIRE_VERSION) == 1


def test_scripts_are_exported_as_they_are_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "a" / "b"
    assert main(["schema", "export", "--scripts", str(directory)]) == 0
    exported = contents(directory)
    assert set(exported) == {f"{name}.json" for name in RECORDS} | {
        f"{name}.lua" for name in script_names()
    }
    assert exported["push_tasks.lua"].encode() == load_script("push_tasks").source
    assert "-- include" not in "".join(exported.values())
    assert set(capsys.readouterr().out.split()) == {str(directory / name) for name in exported}


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_directory_that_cannot_be_written_to_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    (tmp_path / "file").write_text("kept")
    assert main(["schema", "export", str(tmp_path / place)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(
        f"rushtyped: DIRECTORY must be one that can be written to but '{tmp_path}"
    )
    assert (tmp_path / "file").read_text() == "kept"
