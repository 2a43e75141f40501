"""Measure rushtyped beside the least that its work takes and its peers; write the page of that.

`python -m tests.benchmarks.run --quick` tries everything in a small form and writes nothing.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.growth import NOTE, Point, growth_table, take_growth
from tests.benchmarks.machine import described
from tests.benchmarks.measure import Measure
from tests.benchmarks.measures.bulk import measure_bulk
from tests.benchmarks.measures.calls import measure_calls
from tests.benchmarks.measures.fetch import measure_fetch
from tests.benchmarks.measures.fleet import measure_fleet
from tests.benchmarks.measures.latency import measure_latency
from tests.benchmarks.measures.live_page import measure_live_page
from tests.benchmarks.measures.server import measure_server
from tests.benchmarks.measures.start import measure_start
from tests.benchmarks.measures.throughput import measure_throughput
from tests.benchmarks.measures.wake import measure_wake
from tests.benchmarks.page import all_met, page
from tests.benchmarks.plots import draw
from tests.benchmarks.scene import FULL, QUICK, Effort, Scene, server
from tests.benchmarks.suite import write_suite

MEASURES: dict[str, Callable[[Scene], list[Measure]]] = {
    "calls": measure_calls,
    "bulk": measure_bulk,
    "fetch": measure_fetch,
    "throughput": measure_throughput,
    "server": measure_server,
    "wake": measure_wake,
    "start": measure_start,
    "fleet": measure_fleet,
    "latency": measure_latency,
    "live page": measure_live_page,
}
DOCS = Path(__file__).parents[2] / "docs"
GROWTH = "growth"
PICTURE = Path("images") / "growth.svg"


@dataclass
class Found:
    """All that was measured."""

    machine: str
    measures: list[Measure] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)


def take(names: Sequence[str], effort: Effort) -> Found:
    """Take the named measures one after the other."""
    with server(effort) as scene:
        found = Found(described(scene.version))
        for name in names:
            began = time.monotonic()
            if name == GROWTH:
                found.points = take_growth(scene)
            else:
                found.measures += MEASURES[name](scene)
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return found


def growth(points: Sequence[Point]) -> tuple[str, ...]:
    """Write the part of the page about growth."""
    if not points:
        return ()
    picture = f"![How time and memory grow]({PICTURE.as_posix()})"
    return "## Growth", "", picture, "", growth_table(points), NOTE


def main() -> int:
    """Print the page and, of a whole run, write it; exit code 1 where a bar is missed."""
    everything = [*MEASURES, GROWTH]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small form, in about a minute")
    parser.add_argument("--only", nargs="+", choices=everything, default=everything)
    parser.add_argument("--json", type=Path, help="also write a suite for pyperf")
    asked = parser.parse_args()
    found = take(asked.only, QUICK if asked.quick else FULL)
    text = page(found.measures, found.machine, growth(found.points))
    print(text)
    if not asked.quick and asked.only == everything:
        (DOCS / "benchmarks.md").write_text(text)
        draw(found.points, DOCS / PICTURE)
    if asked.json is not None:
        write_suite(found.measures, asked.json)
    return int(not all(map(all_met, found.measures)))


if __name__ == "__main__":
    sys.exit(main())
