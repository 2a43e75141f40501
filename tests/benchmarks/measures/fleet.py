"""Hundreds of workers that each decide what to try next from all results so far."""

from __future__ import annotations

import json
import random
import time
from functools import partial
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import psutil

from tests.benchmarks.measure import OURS, Bar, Measure
from tests.benchmarks.scene import FULL, Scene
from tests.benchmarks.tasks import Ten, TenNetwork, TenWorker, Value
from tests.waiting import wait_until

READY, GATE, REPORTS = "fleet:ready", "fleet:gate", "fleet:reports"
WORKER_BYTES = 45_000_000
"""Memory that a worker takes which has imported Polars, as far as it does not share that."""
PATIENCE = 120.0
STARTED_AT_ONCE = 32
"""Workers that are started at once: each imports Polars, which all others would wait for."""
PUBLISHED = (
    "Published for R rush with 448 workers, on as many cores: 71 to 95 %. Here they share "
    "the cores of one machine, for which each waits in `fetch` and `finish`."
)


class Fleet(NamedTuple):
    """How many workers there are, and how long their evaluations take."""

    n_workers: int
    seconds: float
    """Length of the run."""
    shortest: float
    longest: float


LARGE = Fleet(n_workers=448, seconds=40.0, shortest=0.1, longest=10.0)
SMALL = Fleet(n_workers=32, seconds=2.0, shortest=0.05, longest=0.5)


class Report(NamedTuple):
    """What a worker has done in its time, in seconds."""

    whole: float
    evaluating: float
    fetching: float
    deciding: float
    running: float
    """In `running_task`."""
    finishing: float
    computing: float
    """What the processor was busy with this worker."""
    n_tasks: int


def measure_fleet(scene: Scene) -> list[Measure]:
    """Sum up how long workers evaluate, and how long they are busy with the network."""
    fleet = LARGE if scene.effort == FULL else SMALL
    free = psutil.virtual_memory().available // WORKER_BYTES
    fleet = fleet._replace(n_workers=min(fleet.n_workers, free))
    with (
        scene.on_all_cores(),
        TenNetwork("fleet", redis=scene.url) as network,
        TemporaryDirectory() as messages,
    ):
        reports, memory = _run(scene.client, network, fleet, Path(messages))
    scene.clear()
    whole = sum(report.whole for report in reports)
    each = f"{fleet.n_workers} workers that fetch all results before each of their tasks"
    length = f"{fleet.shortest:g} to {fleet.longest:g} s"
    return [
        Measure(
            f"share of worker time outside rushtyped: {each}, of {length}",
            "%",
            {OURS: [100 * sum(report.evaluating for report in reports) / whole]},
            (Bar(OURS, least=99.0),),
            note=f"{PUBLISHED} {_shares(reports)} "
            f"A worker takes {memory:.0f} MB with pages divided that are shared. The clock starts "
            "once all workers have imported Polars.",
        ),
        Measure(
            f"tasks of {each}, of {length}",
            "tasks/s",
            {OURS: [sum(report.n_tasks for report in reports) / fleet.seconds]},
        ),
    ]


def _shares(reports: list[Report]) -> str:
    """Say how much of the time goes to what."""
    whole = sum(report.whole for report in reports)
    parts = ("fetching", "deciding", "running", "finishing")
    shares = (
        f"{part} {100 * sum(getattr(report, part) for report in reports) / whole:.2f} %"
        for part in parts
    )
    computing = sum(report.computing for report in reports)
    each = 1000 * computing / sum(report.n_tasks for report in reports)
    return f"Of the time, {', '.join(shares)}. A task takes {each:.2g} ms of a core."


def _run(
    client: Any, network: TenNetwork, fleet: Fleet, messages: Path
) -> tuple[list[Report], float]:
    """Let the fleet work for its time; return its reports, and the megabytes of a worker."""
    loop = partial(search, seconds=fleet.seconds, shortest=fleet.shortest, longest=fleet.longest)
    n_started = 0
    while n_started < fleet.n_workers:
        n_started += (n := min(STARTED_AT_ONCE, fleet.n_workers - n_started))
        network.start_local_workers(loop, n_workers=n, message_log=messages)
        _wait_until_ready(client, network, n_started, messages)
    pids = network.worker_info["pid"].to_list()[:: max(1, fleet.n_workers // 8)]
    memory = mean(psutil.Process(pid).memory_full_info().pss for pid in pids) / 1e6
    client.rpush(GATE, *range(fleet.n_workers))
    ended = fleet.seconds + PATIENCE
    wait_until(
        lambda: client.llen(REPORTS) == fleet.n_workers, description="all reported", timeout=ended
    )
    return [Report(*json.loads(report)) for report in client.lrange(REPORTS, 0, -1)], memory


def _wait_until_ready(client: Any, network: TenNetwork, n: int, messages: Path) -> None:
    """Wait until all have fetched their first frame; say why where one has ended before."""

    def are_ready() -> bool:
        if lost := network.detect_lost_workers():
            said = [path.read_text() for path in messages.iterdir() if lost[0] in path.name]
            raise RuntimeError(f"{len(lost)} workers have ended: {said}")
        return int(client.get(READY) or 0) == n

    wait_until(are_ready, description=f"{n} workers are ready", timeout=PATIENCE)


def search(worker: TenWorker, *, seconds: float, shortest: float, longest: float) -> None:
    """Try points near the best one of all workers, and report what the time went to."""
    client: Any = worker.connector
    worker.fetch_finished_tasks()
    choice = random.Random(client.incr(READY))
    while client.blpop(GATE, timeout=10) is None:
        pass
    spent = dict.fromkeys(("evaluating", "fetching", "deciding", "running", "finishing"), 0.0)
    n_tasks = 0
    clock = time.perf_counter
    computed = time.process_time()
    began = now = clock()

    def note(part: str) -> None:
        nonlocal now
        now, before = clock(), now
        spent[part] += now - before

    while (left := seconds - (now - began)) > 0 and not worker.terminated:
        finished = worker.fetch_finished_tasks()
        note("fetching")
        place = finished["y"].arg_min()
        x = choice.gauss(0.0 if place is None else finished["x0"][place], 1.0)
        length = choice.uniform(shortest, longest)
        note("deciding")
        task = worker.running_task(Ten(**dict.fromkeys(Ten.model_fields, x)))
        note("running")
        time.sleep(min(length, left))
        note("evaluating")
        task.finish(Value(y=(x - 3.0) ** 2))
        note("finishing")
        n_tasks += 1
    computing = time.process_time() - computed
    report = Report(now - began, **spent, computing=computing, n_tasks=n_tasks)
    client.rpush(REPORTS, json.dumps(report))
