"""Celery, a queue of tasks over many brokers."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, ClassVar

from tests.benchmarks.peers.crew import run_together
from tests.benchmarks.peers.noop import BEGINNINGS, XS, noop
from tests.benchmarks.peers.queue import TaskQueue, seconds_between

TASK = "noop"


class CeleryQueue(TaskQueue):
    """Tasks by `apply_async`, one after the other; a worker in one process.

    All defaults (no results are kept) but the pool `solo`, which runs tasks in the worker's own
    process, and the options `--without-gossip`, `--without-mingle`, `--without-heartbeat`.
    """

    name: ClassVar[str] = "Celery"
    module: ClassVar[str] = "celery"

    def __init__(self, url: str, name: str = "peers") -> None:
        self._address = (url, name)
        self._app = _app(url, name)

    def enqueue(self, n: int) -> None:
        """Queue n tasks over one connection."""
        task = self._app.tasks[TASK]
        with self._app.producer_or_acquire() as producer:
            for _ in range(n):
                task.apply_async(kwargs=XS, producer=producer)

    def work_off(self, n: int) -> float:
        """Have one worker work until it has done n tasks."""
        return seconds_between(run_together(1, _worker, *self._address, n), n)


def _app(url: str, name: str, task: Callable[..., float] = noop) -> Any:
    app = import_module("celery").Celery(name, broker=url.replace("unix://", "redis+socket://"))
    app.conf.task_default_queue = name
    app.task(task, name=TASK)
    app.finalize()
    return app


def _worker(url: str, name: str, n: int) -> Callable[[], list[float]]:
    shutdown = import_module("celery.exceptions").WorkerShutdown

    def count(**xs: float) -> float:
        value = noop(**xs)
        if len(BEGINNINGS) == n:
            raise shutdown(0)
        return value

    worker = _app(url, name, count).Worker(
        pool="solo",
        loglevel="ERROR",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )

    def work() -> list[float]:
        worker.start()
        return BEGINNINGS

    return work
