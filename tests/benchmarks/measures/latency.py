"""How many round trips calls take where the server is some milliseconds away."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple

import redis

from tests.benchmarks.delay import delayed
from tests.benchmarks.measure import PING, Bar, Measure
from tests.benchmarks.samples import ratios
from tests.benchmarks.scene import Scene
from tests.benchmarks.tasks import TEN, VALUE, TenNetwork, TenWorker
from tests.benchmarks.turns import Call, Figures, timed, without_collection

DELAYS = {"1 ms": 0.001, "5 ms": 0.005, "20 ms": 0.020}
SHORT, *_, LONG = DELAYS
WAITED = "waited for"
MANY = 10_000
MOST_ROUNDS = 10
CALLS = 3
"""Single calls of each kind a round."""
NETWORK, CACHED, FULL = "latency", "latency-cached", "latency-full"
PUSH_RUNNING = "`push_running_tasks` of one task"
FINISH = "`finish_tasks` of one task"
POP = "`pop_task`"
FETCH_NEW = "`fetch_finished_tasks` with one new task"
PUSH_MANY = f"`push_tasks` of {MANY:,} tasks"
FETCH_MANY = f"`fetch_finished_tasks` of {MANY:,} tasks, uncached"
NOTE = (
    "In round trips of a PING that goes the same way, by their delay. "
    f'"{WAITED}" leaves out what the call takes on either side: it is the time by which the call '
    f"takes longer with {LONG} than with {SHORT}, in that of the PING."
)


class Prepared(NamedTuple):
    """A call, and what goes before it without a delay and is not timed."""

    call: Call
    prepare: Call = list


Calls = Mapping[str, Prepared]


def measure_latency(scene: Scene) -> list[Measure]:
    """Time calls through ways of several lengths, in turns."""
    TenNetwork(FULL, redis=scene.url).push_finished_tasks([TEN] * MANY, [VALUE] * MANY)
    figures = {name: Figures() for name in DELAYS}
    with (
        scene.on_all_cores(),
        tempfile.TemporaryDirectory(prefix="rushtyped-way-") as directory,
        ExitStack() as ways,
    ):
        urls = {
            name: ways.enter_context(delayed(scene.socket, Path(directory, f"{delay}"), delay))
            for name, delay in DELAYS.items()
        }
        single = {name: _single_calls(scene, url) for name, url in urls.items()}
        bulk = {name: _bulk_calls(url) for name, url in urls.items()}
        for round_number in range(min(MOST_ROUNDS, scene.effort.rounds)):
            for name, found in figures.items():
                _take_round(single[name], CALLS, found)
                if round_number < scene.effort.bulk_rounds:
                    _take_round(bulk[name], 1, found)
    scene.clear()
    return [
        *(_measure(figures, call, DELAYS, 1.3) for call in (PUSH_RUNNING, FINISH, POP, FETCH_NEW)),
        *(_measure(figures, call, [WAITED], 3.0) for call in (PUSH_MANY, FETCH_MANY)),
    ]


def _single_calls(scene: Scene, url: str) -> Calls:
    worker, beside = TenWorker(NETWORK, redis=url), TenNetwork(NETWORK, redis=scene.url)
    running: deque[str] = deque()

    def push() -> None:
        running.extend(worker.push_running_tasks([TEN]))

    def finish() -> None:
        worker.finish_tasks([running.popleft()], [VALUE])

    def pop() -> None:
        assert worker.pop_task() is not None

    return {
        PING: Prepared(redis.Redis.from_url(url).ping),
        PUSH_RUNNING: Prepared(push),
        FINISH: Prepared(finish),
        POP: Prepared(pop, lambda: beside.push_tasks([TEN])),
        FETCH_NEW: _fetch_of_new(scene, url),
    }


def _fetch_of_new(scene: Scene, url: str) -> Prepared:
    network, beside = TenNetwork(CACHED, redis=url), TenNetwork(CACHED, redis=scene.url)
    return Prepared(
        network.fetch_finished_tasks, lambda: beside.push_finished_tasks([TEN], [VALUE])
    )


def _bulk_calls(url: str) -> Calls:
    queue, full = TenNetwork(NETWORK, redis=url), TenNetwork(FULL, redis=url)
    xss = [TEN] * MANY
    return {
        PUSH_MANY: Prepared(lambda: queue.push_tasks(xss)),
        FETCH_MANY: Prepared(full.fetch_finished_tasks, full.reset_cache),
    }


def _take_round(calls: Calls, n: int, figures: Figures) -> None:
    """Time each call n times, after once for nothing."""
    with without_collection():
        for name, (call, prepare) in calls.items():
            seconds = []
            for _ in range(1 + n):
                prepare()
                seconds.append(timed(call))
            figures.setdefault(name, []).append(median(seconds[1:]))


def _measure(
    figures: Mapping[str, Figures], call: str, asked: Iterable[str], most: float
) -> Measure:
    """Make round trips of the seconds by delay."""
    trips = {name: ratios(found[call], found[PING]) for name, found in figures.items()}
    trips[WAITED] = ratios(_longer(figures, call), _longer(figures, PING))
    bars = [Bar(name, most=most) for name in asked]
    return Measure(f"{call}, by the delay", "round trips", trips, bars, note=NOTE)


def _longer(figures: Mapping[str, Figures], call: str) -> list[float]:
    """Seconds by which a call takes longer by the longest way."""
    pairs = zip(figures[LONG][call], figures[SHORT][call], strict=True)
    return [there - here for there, here in pairs]
