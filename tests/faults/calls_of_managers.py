"""Calls of a Network, and what makes one."""

from __future__ import annotations

import pickle
import re
from concurrent.futures import Future
from typing import Any

import polars as pl
from loguru import logger

from rushtyped import Network
from rushtyped.log_store import LogStore
from rushtyped.logs.records import pack_note
from rushtyped.worker_store import WorkerStore
from tests.faults.call import Call, read
from tests.faults.scene import NAME, Scene
from tests.models import ParamNetwork, Params, Scores, serve
from tests.waiting import wait_until

REPAIRS = ("verify_tasks", "verify_workers", "verify_owned")
"""The commands of `verify` that write; it sends many more."""


class FullEngine:
    """An engine that has no room for any worker yet."""

    @staticmethod
    def submit(*_: object, **__: object) -> Future[Any]:
        return Future()


def make_network(scene: Scene, name: str = NAME, **options: Any) -> ParamNetwork:
    return Network[Params, Scores](
        name, redis=scene.endpoint, retry_timeout=scene.patience, **options
    )


def lose_worker(scene: Scene) -> None:
    """Let the lease of a worker run out, at a server that has been there for long enough."""
    lost = WorkerStore(scene.store, "lost")
    lost.register({"heartbeat_expire": 0.001}, 0.001)
    lost.push_running_tasks("lost-task", b"\x80", b"")
    heartbeat = scene.store.keys.worker("lost").heartbeat
    wait_until(
        lambda: (
            not scene.stage.client.exists(heartbeat)
            and scene.stage.client.info("server")["uptime_in_seconds"] > 1
        ),
        description="the lease has run out",
    )


def write_log(scene: Scene) -> None:
    records = [pack_note(30, "WARNING", message) for message in ("one", "two")]
    LogStore(scene.store).push("w1", 2, 10, records)


def write_script(scene: Scene) -> str:
    """Write the line of a worker without the patience that it hands on."""
    return re.sub(r" --retry-timeout=\S+", "", scene.network.worker_script(serve))


def misplace(scene: Scene) -> None:
    """Take a queued task out of the queue, and put a running one in."""
    queue = scene.store.keys.queue
    scene.stage.client.lrem(queue, 1, scene.queued[0])
    scene.stage.client.rpush(queue, scene.running[0])


def list_twice(scene: Scene) -> None:
    """List a finished task twice."""
    scene.stage.client.rpush(scene.store.keys.finished, scene.finished[0])


def repair(scene: Scene) -> pl.DataFrame:
    return scene.network.verify(repair=True).sort("problem", "where")


def print_log(scene: Scene) -> list[str]:
    """Print the log, and return what was printed."""
    printed: list[str] = []
    sink = logger.add(
        lambda message: printed.append(message.record["message"]),
        filter=lambda record: "worker_id" in record["extra"],
    )
    try:
        scene.network.print_log()
    finally:
        logger.remove(sink)
    return printed


CALLS: dict[str, Call] = {
    "Network()": Call(make_network, contacts=True),
    "Network(), the first": Call(lambda s: make_network(s, "new"), contacts=True),
    "Network(), with a budget": Call(
        lambda s: make_network(s, max_tasks=5, max_seconds=60.0), contacts=True, wakes=True
    ),
    "Network(), from a pickle": Call(lambda s: pickle.loads(pickle.dumps(s.network))),
    "Network.open": Call(
        lambda s: Network.open(NAME, redis=s.endpoint, retry_timeout=s.patience), contacts=True
    ),
    "Network.start_workers": Call(
        lambda s: s.network.start_workers(serve, executor=FullEngine(), n_workers=2)
    ),
    "Network.worker_script": Call(write_script),
    "Network.wait_for_workers": read(lambda s: s.network.wait_for_workers(1)),
    "Network.wait_until_done": read(
        lambda s: s.network.wait_until_done(), lambda s: s.worker.set_terminated()
    ),
    "Network.stop_workers": Call(lambda s: s.network.stop_workers(), wakes=True),
    "Network.stop_workers, terminate": Call(
        lambda s: s.network.stop_workers("terminate", worker_ids=["w1"]), wakes=True
    ),
    "Network.detect_lost_workers": Call(
        lambda s: s.network.detect_lost_workers(), lose_worker, may_wait=True
    ),
    "Network.detect_lost_workers, requeue": Call(
        lambda s: s.network.detect_lost_workers(requeue=True), lose_worker, may_wait=True
    ),
    "Network.verify": read(lambda s: s.network.verify(), misplace, commands=REPAIRS),
    "Network.verify, with repair": Call(repair, misplace, commands=REPAIRS),
    "Network.verify, with repair of a task listed twice": Call(
        repair, list_twice, commands=REPAIRS, wakes=True
    ),
    "Network.expire": Call(lambda s: s.network.expire(3600.0), wakes=True),
    "Network.expire, taken back": Call(
        lambda s: s.network.expire(None), lambda s: s.network.expire(3600.0), wakes=True
    ),
    "Network.read_log": read(lambda s: s.network.read_log(), write_log),
    "Network.print_log": Call(print_log, write_log),
    "Network.fail_tasks": Call(lambda s: s.network.fail_tasks()),
    "Network.fail_tasks, of some": Call(
        lambda s: s.network.fail_tasks([*s.queued, *s.running], "given up")
    ),
    "Network.reset": Call(lambda s: s.network.reset(), wakes=True),
    "Network.reset, workers stay": Call(lambda s: s.network.reset(workers=False)),
}
