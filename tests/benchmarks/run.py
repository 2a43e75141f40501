"""Time the hot paths on the embedded server, side by side with a PING of the same run.

Client and server share one core, since a round trip across two cores takes three times as long.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median

import redis

from rushtyped import Network, Worker, Xs, Ys
from rushtyped.embedded import release_embedded_server, use_embedded_server
from tests.benchmarks.measure import Measure
from tests.benchmarks.workers import measure_workers

ROUNDS = 20
CALLS = 200
N_TASKS = 100_000


class Point(Xs):
    """Ten floats."""

    x0: float
    x1: float
    x2: float
    x3: float
    x4: float
    x5: float
    x6: float
    x7: float
    x8: float
    x9: float


class Value(Ys):
    """One float."""

    y: float


XS = Point(**{f"x{i}": i + 0.5 for i in range(10)})
YS = Value(y=1.5)

BenchNetwork = Network[Point, Value]
BenchWorker = Worker[Point, Value]


def microseconds(call: Callable[[], object], n: int = CALLS) -> float:
    """Median time of one call."""
    times = []
    for _ in range(n):
        began = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - began)
    return median(times) / 1000


def in_pings(client: redis.Redis, call: Callable[[], object]) -> tuple[float, float]:
    """Median times of a call and of a PING, taken in turns; the call's in PINGs."""
    pings, calls = [], []
    for _ in range(ROUNDS):
        pings.append(microseconds(client.ping))
        calls.append(microseconds(call))
    return median(calls[1:]) / median(pings[1:]), median(pings[1:])


def measure_task(client: redis.Redis, url: str) -> list[Measure]:
    """Time a task's life in its worker."""
    worker = BenchWorker("task", redis=url)

    def one_task() -> None:
        worker.finish_tasks(worker.push_running_tasks([XS]), [YS])

    def popped_task() -> None:
        task = worker.pop_task(timeout=0.0)
        if task is not None:
            task.finish(YS)

    started, ping = in_pings(client, one_task)
    worker.push_tasks([XS] * (ROUNDS * CALLS))
    popped, _ = in_pings(client, popped_task)
    return [
        Measure("PING through redis-py", ping, float("inf"), "us"),
        Measure("push_running_tasks + finish_tasks of one task", started, 4.5, "PINGs"),
        Measure("pop_task + finish of one task", popped, float("inf"), "PINGs"),
    ]


def measure_fetch(client: redis.Redis, url: str) -> list[Measure]:
    """Time fetches of many finished tasks, and weigh the tasks on the server."""
    worker = BenchWorker("fetch", redis=url)
    before = int(client.info("memory")["used_memory"])
    worker.push_finished_tasks([XS] * N_TASKS, [YS] * N_TASKS)
    size = (int(client.info("memory")["used_memory"]) - before) / N_TASKS
    network = BenchNetwork("fetch", redis=url)
    times = []
    for _ in range(5):
        network.reset_cache()
        began = time.perf_counter()
        network.fetch_finished_tasks()
        times.append(time.perf_counter() - began)
    ping = microseconds(client.ping, 2000)
    new = []
    for _ in range(500):
        worker.push_finished_tasks([XS], [YS])
        began = time.perf_counter_ns()
        network.fetch_finished_tasks()
        new.append((time.perf_counter_ns() - began) / 1000)
    nothing, _ = in_pings(client, network.fetch_finished_tasks)
    return [
        Measure(f"fetch_finished_tasks, {N_TASKS:,} tasks, uncached", median(times), 0.8, "s"),
        Measure("fetch_finished_tasks, one new task", median(new) / ping, 12.0, "PINGs"),
        Measure("fetch_finished_tasks, one new task, slowest of 500", max(new) / 1000, 10.0, "ms"),
        Measure("fetch_finished_tasks, nothing new", nothing, float("inf"), "PINGs"),
        Measure("server memory of a finished task", size, 500.0, "bytes"),
    ]


def main() -> int:
    """Print all measures; exit code 1 where a bar is missed."""
    directory = Path(tempfile.mkdtemp(prefix="rushtyped-bench-"))
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if cores:
        os.sched_setaffinity(0, {min(cores)})  # the server inherits it
    socket = use_embedded_server(directory)
    client = redis.Redis(unix_socket_path=str(socket))
    try:
        measures = measure_task(client, f"unix://{socket}")
        measures += measure_fetch(client, f"unix://{socket}")
        if cores:
            os.sched_setaffinity(0, cores)  # workers are to have them all
        measures += measure_workers(f"unix://{socket}")
    finally:
        client.close()
        release_embedded_server(directory)
    packages = ", ".join(f"{name} {version(name)}" for name in ("redis", "polars", "pydantic"))
    print(f"Python {platform.python_version()}, {packages}; ten floats in, one out")
    print(f"{'measure':<58} {'figure':>8} {'bar':>8}")
    print("\n".join(measure.line() for measure in measures))
    return int(any(measure.figure > measure.bar for measure in measures))


if __name__ == "__main__":
    sys.exit(main())
