"""How soon those who wait for a task go on once it is finished."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

import redis

from tests.benchmarks.floors import Floor
from tests.benchmarks.measure import FLOOR, OURS, PING, Bar, Measure
from tests.benchmarks.scene import Scene
from tests.benchmarks.tasks import TEN, VALUE, TenNetwork, TenWorker
from tests.benchmarks.turns import Figures, typical, without_collection

PATIENCE = 30.0
NETWORK, FLOOR_NETWORK = "wake", "wake-floor"
MOST_CALLS = 20
"""Tasks of each contestant a round: the whole machine looks on while one call waits."""
FETCH = "from `finish_tasks` to the return of a blocked `fetch_new_tasks` in another process"
WAIT = "from `finish_tasks` to the return of `wait_for_tasks` in another process"
NOTE = (
    "The floor is a blocked `XREAD` of redis-py that the same writes wake{}: it is above the bar "
    "itself, since two processes have to be woken one after the other, while a PING is one of many "
    "in a row. What is above the floor is a frame of one row, made by Polars with a processor "
    "cache that the other process has just filled; in a row, it takes two thirds of that."
)

Wait = Callable[[str], object]
"""Blocks until the task of a key is finished."""


def measure_wake(scene: Scene) -> list[Measure]:
    """Time from the finishing call in one process to the return of the waiting one in another."""
    network = TenNetwork(NETWORK, redis=scene.url)
    ways = _ways(scene, network)
    figures = {name: Figures({PING: []}) for name in ways}
    with scene.on_one_core(), finisher(scene.url) as pipe:
        for _ in range(scene.effort.rounds):
            for name, waits in ways.items():
                network.fetch_new_tasks()  # those of the other measure, which nobody has to await
                _take_round(scene, pipe, waits, figures[name])
    scene.clear()
    bar = (Bar(OURS, PING, most=5.0),)
    return [
        Measure(FETCH, "s", figures[FETCH], bar, note=NOTE.format(", and a read of the one task")),
        Measure(WAIT, "s", figures[WAIT], note=NOTE.format("")),
    ]


def _ways(scene: Scene, network: TenNetwork) -> dict[str, dict[str, Wait]]:
    """List the calls that wait, by measure and contestant."""
    floor = Floor(scene.client, FLOOR_NETWORK)
    n_read = count()

    def wait_for_event(_: str) -> None:
        scene.client.xread({floor.keys.events: "$"}, count=1, block=int(1000 * PATIENCE))

    def read_new(key: str) -> None:
        wait_for_event(key)
        floor.read_finished(next(n_read), 1, ("xs", "ys"))

    def fetch(_: str) -> None:
        network.fetch_new_tasks(timeout=PATIENCE)

    def wait(key: str) -> None:
        network.wait_for_tasks([key], timeout=PATIENCE)

    return {FETCH: {OURS: fetch, FLOOR: read_new}, WAIT: {OURS: wait, FLOOR: wait_for_event}}


@contextmanager
def finisher(url: str) -> Iterator[Connection]:
    """Run a process that finishes a task at each word, until it gets an empty one."""
    spawn = multiprocessing.get_context("spawn")
    pipe, theirs = spawn.Pipe()
    process = spawn.Process(target=_finish_when_told, args=(url, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield pipe
        pipe.send("")
        process.join(PATIENCE)
    finally:
        process.kill()
        process.join()


def _finish_when_told(url: str, pipe: Connection) -> None:
    """Start a task, tell its key, finish it once another process is blocked, and tell when."""
    worker = TenWorker(NETWORK, redis=url)
    client: Any = redis.Redis.from_url(url)
    floor = Floor(client, FLOOR_NETWORK)
    codec = worker._packer.codec
    xs, ys = codec.xs.encode(TEN), codec.ys.encode(VALUE)
    with client, without_collection():
        while who := pipe.recv():
            if who == OURS:
                (key,) = worker.push_running_tasks([TEN])
            else:
                floor.push_running(key := floor.new_key(), xs)
            pipe.send(key)
            _wait_until_blocked(client)
            began = time.monotonic_ns()
            if who == OURS:
                worker.finish_tasks([key], [VALUE])
            else:
                floor.finish(key, ys)
            pipe.recv()  # whatever is done here before that keeps the waiting one off the core
            pipe.send(began)
    worker.set_terminated()


def _wait_until_blocked(client: Any) -> None:
    """Ask until a call waits on the server; without a pause, which would leave the core cold."""
    deadline = time.monotonic() + PATIENCE
    while client.info("clients")["blocked_clients"] != 1:
        assert time.monotonic() < deadline, "no call waits on the server"


def _take_round(scene: Scene, pipe: Connection, waits: dict[str, Wait], figures: Figures) -> None:
    with without_collection():
        figures[PING].append(typical(scene.client.ping, scene.effort.calls))
        for who, wait in waits.items():
            calls = [_seconds_to_wake(pipe, who, wait) for _ in range(1 + MOST_CALLS)]
            figures.setdefault(who, []).append(median(calls[1:]))


def _seconds_to_wake(pipe: Connection, who: str, wait: Wait) -> float:
    pipe.send(who)
    wait(pipe.recv())
    ended = time.monotonic_ns()
    pipe.send("it is over")
    began: int = pipe.recv()
    return (ended - began) / 1e9
