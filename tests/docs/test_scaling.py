"""docs/scaling.md: its figures are those of the benchmarks, and its table is what its code says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "scaling.md").read_text(encoding="utf-8")
BENCHMARKS = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0}
COSTS = re.findall(r"^\| the \w+, .+ \| \w \| ([\d.]+) µs \|$", PAGE, re.MULTILINE)
ROWS = re.findall(r"^\| (\d+) (ms|s|min) \| (.+) \|$", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """What the code of the page defines."""
    found: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0], found)
    return found


def test_the_costs_are_those_that_were_measured(names: dict[str, Any]) -> None:
    assert len(COSTS) == 5
    for cost in COSTS:
        assert f" {cost} µs" in BENCHMARKS
    constants = [names[name] * 1e6 for name in ("OWN", "POP", "FETCH", "ROW")]
    assert constants == pytest.approx([float(cost) for cost in COSTS[:4]])


@pytest.mark.parametrize(("n", "unit", "cells"), ROWS, ids=[f"{n} {unit}" for n, unit, _ in ROWS])
def test_the_table_follows_from_the_formula(
    names: dict[str, Any], n: str, unit: str, cells: str
) -> None:
    seconds = float(n) * SECONDS[unit]
    found = [names["workers"](seconds), names["queue_workers"](seconds)]
    expected = [f"{value:,.0f}" for each in found for value in (each, each / seconds)]
    assert cells.split(" | ") == expected


def test_the_formula_solves_what_the_server_is_busy_with(names: dict[str, Any]) -> None:
    assert len(ROWS) == 6
    fixed, row = names["OWN"] + names["FETCH"], names["ROW"]
    for seconds in (0.01, 1.0, 600.0):
        n = names["workers"](seconds)
        assert n / seconds * (fixed + n * row) == pytest.approx(names["BUSY"])
