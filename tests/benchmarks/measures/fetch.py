"""Finished tasks read into frames: all of them, and one new one."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from tests.benchmarks.floors import Floor
from tests.benchmarks.measure import FLOOR, OURS, PING, Bar, Measure
from tests.benchmarks.peers.optuna import OptunaStudy
from tests.benchmarks.peers.presence import absence, absences
from tests.benchmarks.scene import Scene
from tests.benchmarks.tasks import (
    HUNDRED,
    TEN,
    VALUE,
    HundredNetwork,
    HundredWorker,
    TenNetwork,
    TenWorker,
)
from tests.benchmarks.turns import Call, Figures, in_turns, timed, typical, without_collection

FIELDS = (
    *("xs", "ys", "xs_extra", "ys_extra", "worker_id"),
    *("created_at", "started_at", "finished_at", "attempt"),
)
"""What the cache of a reader holds of a finished task, beside its key."""
FLOOR_ROWS = 50_000
PUSHED_AT_ONCE = 20_000
MOST_OF_OPTUNA = 10_000
FEW = 1000
FEW_NOTE = (
    "The floor makes no frame. Polars takes some 10 µs for each column of one, however few rows it "
    "has; from a thousand rows on that is no matter."
)
ONE_NOTE = (
    "Two fifths of it are the server and the way to it. Polars takes some 22 µs to make a frame of "
    "the row, 8 µs to put it below the others and 9 µs to take the columns that are asked for."
)
MANY_VALUES = 20_000_000
"""So many are read once only."""
SLOWEST = "slowest call"
ALL_OF = "`fetch_finished_tasks` (Optuna: `trials_dataframe`) of"
ONE_BESIDE = "`fetch_finished_tasks` (Optuna: `get_trials`) with one new task beside"


class Kind(NamedTuple):
    """Tasks of some width."""

    width: int
    network: Any
    worker: Any
    xs: Any


TEN_FLOATS = 10
LEAST_CACHED = 100
KINDS = (Kind(10, TenNetwork, TenWorker, TEN), Kind(100, HundredNetwork, HundredWorker, HUNDRED))


def measure_fetch(scene: Scene) -> list[Measure]:
    """Time reads of 1 to a million finished tasks."""
    found: list[Measure] = []
    for kind in KINDS:
        filled = Filled(scene, kind)
        for n in scene.effort.sizes:
            filled.fill(n)
            with scene.on_two_cores():
                found.append(_uncached(scene, filled))
            if kind.width == TEN_FLOATS and n >= LEAST_CACHED:
                with scene.on_one_core():
                    found.append(_one_new(scene, filled))
        scene.clear()
    return [*map(_with_peer(scene), found)]


class Filled:
    """A network with finished tasks, some more at each size."""

    def __init__(self, scene: Scene, kind: Kind) -> None:
        self.kind = kind
        self.n = 0
        self.floor = Floor(scene.client, f"fetch-{kind.width}")
        self.worker = kind.worker(self.floor.keys.network_id, redis=scene.url)
        self.network = kind.network(self.floor.keys.network_id, redis=scene.url)

    def fill(self, n: int) -> None:
        """Go up to so many tasks."""
        while self.n < n:
            self.add(min(PUSHED_AT_ONCE, n - self.n))

    def add(self, n: int) -> None:
        """Add finished tasks."""
        self.worker.push_finished_tasks([self.kind.xs] * n, [VALUE] * n)
        self.n += n

    def fetch_all(self) -> None:
        """Fetch all as for the first time."""
        self.network.reset_cache()
        self.network.fetch_finished_tasks()

    def read_floor(self) -> None:
        """Read the same bytes, and unpack them."""
        for first in range(0, self.n, FLOOR_ROWS):
            self.floor.read_finished(first, FLOOR_ROWS, FIELDS)


def _uncached(scene: Scene, filled: Filled) -> Measure:
    calls: dict[str, Call] = {OURS: filled.fetch_all, FLOOR: filled.read_floor}
    few = filled.n * filled.kind.width < MANY_VALUES
    rounds = scene.effort.bulk_rounds if few else 1
    n = max(1, min(scene.effort.calls, 2000 // filled.n))
    figures = in_turns(calls, rounds=rounds, n=n)
    tasks = f"{filled.n:,} tasks of {filled.kind.width} floats"
    bar = Bar(OURS, FLOOR, most=1.4)
    note = FEW_NOTE if filled.n < FEW else ""
    return Measure(f"{ALL_OF} {tasks}, uncached", "s", figures, (bar,), note=note)


def _one_new(scene: Scene, filled: Filled) -> Measure:
    """Fetch after each new task."""
    filled.network.fetch_finished_tasks()
    n_cached = filled.n
    figures = Figures({PING: [], OURS: [], SLOWEST: []})
    for _ in range(scene.effort.rounds):
        with without_collection():
            figures[PING].append(typical(scene.client.ping, scene.effort.calls))
            calls = []
            for _ in range(scene.effort.calls):
                filled.add(1)
                calls.append(timed(filled.network.fetch_finished_tasks))
            gc.collect()
        figures[OURS].append(sorted(calls)[len(calls) // 2])
        figures[SLOWEST].append(max(calls))
    figures[SLOWEST] = [max(figures[SLOWEST])]
    bars = (Bar(OURS, PING, most=7.0), Bar(SLOWEST, most=0.01))
    return Measure(f"{ONE_BESIDE} {n_cached:,}", "s", figures, bars, note=ONE_NOTE)


def _with_peer(scene: Scene) -> Callable[[Measure], Measure]:
    """Return what adds the peer's figures, for numbers of tasks that it can bear.

    It comes after all others, since what it keeps in memory slows down whoever shares that.
    """
    missing = absences(OptunaStudy)
    if not missing and (reason := absence("pandas")):
        missing = {OptunaStudy.name: reason}
    reads: dict[str, Callable[[OptunaStudy], object]] = {
        ALL_OF: OptunaStudy.trials_dataframe,
        ONE_BESIDE: OptunaStudy.get_trials,
    }

    def add(measure: Measure) -> Measure:
        what = next(each for each in reads if measure.name.startswith(each))
        n = int(measure.name.removeprefix(what).split()[0].replace(",", ""))
        if missing or n > MOST_OF_OPTUNA or measure.name.endswith("100 floats, uncached"):
            return replace(measure, missing=missing)
        scene.clear()
        study = OptunaStudy(scene.url, "fetch")
        study.add_finished(n)
        figures = [timed(lambda: reads[what](study)) for _ in range(scene.effort.bulk_rounds)]
        return replace(measure, figures={**measure.figures, OptunaStudy.name: figures})

    return add
