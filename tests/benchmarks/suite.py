"""The figures as a file of pyperf, by which two runs can be compared.

`python -m pyperf compare_to before.json after.json --table`
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from tests.benchmarks.measure import Measure

_UNITS = {"s": "second", "bytes": "byte"}


def write_suite(measures: Sequence[Measure], path: Path) -> None:
    """Write the figures that pyperf has units for; a file that is there is replaced."""
    pyperf = import_module("pyperf")  # only those who want the file need it
    benchmarks = [
        pyperf.Benchmark(
            [
                pyperf.Run(
                    list(figures),
                    metadata={"name": name, "unit": unit, "loops": 1},
                    collect_metadata=place == 0,
                )
            ]
        )
        for place, (name, unit, figures) in enumerate(_series(measures))
    ]
    pyperf.BenchmarkSuite(benchmarks).dump(str(path), replace=True)


def _series(measures: Sequence[Measure]) -> Iterator[tuple[str, str, Sequence[float]]]:
    for measure in measures:
        if measure.unit in _UNITS:
            for contestant, figures in measure.figures.items():
                yield f"{measure.name}: {contestant}", _UNITS[measure.unit], figures
