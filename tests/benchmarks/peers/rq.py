"""RQ, a queue of Python calls."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, ClassVar

from redis import Redis

from tests.benchmarks.peers.crew import run_together
from tests.benchmarks.peers.noop import BEGINNINGS, XS, noop
from tests.benchmarks.peers.queue import SharedQueue, seconds_between


class RqQueue(SharedQueue):
    """Tasks by `enqueue_many`, workers that don't fork.

    All defaults (results are kept for 500 s) but `SimpleWorker`, which runs tasks in its own
    process, and the logging level.
    """

    name: ClassVar[str] = "RQ"
    module: ClassVar[str] = "rq"

    def __init__(self, url: str, name: str = "peers") -> None:
        self._address = (url, name)
        self._queue = _queue(url, name)

    def enqueue(self, n: int) -> None:
        """Queue n tasks in one transaction."""
        prepare = self._queue.prepare_data
        self._queue.enqueue_many([prepare(noop, kwargs=XS) for _ in range(n)])

    def work_off(self, n: int) -> float:
        """Have one worker work."""
        return self.work_off_with(1, n)

    def work_off_with(self, n_workers: int, n: int) -> float:
        """Have workers work until the queue is empty."""
        return seconds_between(run_together(n_workers, _worker, *self._address), n)


def _queue(url: str, name: str) -> Any:
    return import_module("rq").Queue(name, connection=Redis.from_url(url))


def _worker(url: str, name: str) -> Callable[[], list[float]]:
    queue = _queue(url, name)
    worker = import_module("rq").SimpleWorker([queue], connection=queue.connection)

    def work() -> list[float]:
        worker.work(burst=True, logging_level="ERROR")
        return BEGINNINGS

    return work
