"""Measure rushtyped beside the least that its work takes and its peers; write the page of that.

`python -m tests.benchmarks.run --quick` tries everything in a small form and writes nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.machine import described
from tests.benchmarks.measure import Measure
from tests.benchmarks.measures.bulk import measure_bulk
from tests.benchmarks.measures.calls import measure_calls
from tests.benchmarks.measures.fetch import measure_fetch
from tests.benchmarks.measures.fleet import measure_fleet
from tests.benchmarks.measures.latency import measure_latency
from tests.benchmarks.measures.start import measure_start
from tests.benchmarks.measures.throughput import measure_throughput
from tests.benchmarks.measures.wake import measure_wake
from tests.benchmarks.page import all_met, page
from tests.benchmarks.scene import FULL, QUICK, Scene, server
from tests.benchmarks.suite import write_suite

MEASURES: dict[str, Callable[[Scene], list[Measure]]] = {
    "calls": measure_calls,
    "bulk": measure_bulk,
    "fetch": measure_fetch,
    "throughput": measure_throughput,
    "wake": measure_wake,
    "start": measure_start,
    "fleet": measure_fleet,
    "latency": measure_latency,
}
PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def measure_all(names: list[str], *, quick: bool) -> tuple[list[Measure], str]:
    """Take the named measures one after the other; also say which server they were taken on."""
    measures: list[Measure] = []
    with server(QUICK if quick else FULL) as scene:
        info = scene.client.info("server")
        for name in names:
            print(f"{name} ...", file=sys.stderr, flush=True)
            measures += MEASURES[name](scene)
    return measures, f"{info.get('server_name', 'redis')} {info.get('valkey_version', '')}".strip()


def main() -> int:
    """Print the page and, of a whole run, write it; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small form, in about a minute")
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=list(MEASURES))
    parser.add_argument("--json", type=Path, help="also write a suite for pyperf")
    asked = parser.parse_args()
    measures, name = measure_all(asked.only, quick=asked.quick)
    text = page(measures, described(name))
    print(text)
    if not asked.quick and asked.only == list(MEASURES):
        PAGE.write_text(text)
    if asked.json is not None:
        write_suite(measures, asked.json)
    return int(not all(map(all_met, measures)))


if __name__ == "__main__":
    sys.exit(main())
