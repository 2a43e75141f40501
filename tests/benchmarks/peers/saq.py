"""SAQ, a queue of asynchronous functions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from importlib import import_module
from typing import Any, ClassVar

from tests.benchmarks.peers.crew import run_together
from tests.benchmarks.peers.noop import BEGINNINGS, XS, noop_in_loop
from tests.benchmarks.peers.queue import SharedQueue, seconds_between

AT_ONCE = 1000
SECONDS_TO_THE_END = 0.1
"""How long a worker looks for a further task; not counted."""


class SaqQueue(SharedQueue):
    """Tasks by `enqueue`, gathered; workers that run one at a time.

    All defaults (results are kept for 600 s) but `concurrency=1`, since a worker of the others
    runs one task at a time too, and `burst`, which ends a worker when the queue is empty.
    """

    name: ClassVar[str] = "SAQ"
    module: ClassVar[str] = "saq"

    def __init__(self, url: str, name: str = "peers") -> None:
        self._address = (url, name)

    def enqueue(self, n: int) -> None:
        """Queue n tasks."""
        asyncio.run(_enqueue(*self._address, n))

    def work_off(self, n: int) -> float:
        """Have one worker work."""
        return self.work_off_with(1, n)

    def work_off_with(self, n_workers: int, n: int) -> float:
        """Have workers work until the queue is empty."""
        return seconds_between(run_together(n_workers, _worker, *self._address), n)


def _queue(url: str, name: str) -> Any:
    """Open a queue; `Queue.from_url` takes no address of a socket."""
    return import_module("saq.queue.redis").RedisQueue.from_url(url, name=name)


async def _enqueue(url: str, name: str, n: int) -> None:
    queue = _queue(url, name)
    await queue.connect()
    for first in range(0, n, AT_ONCE):
        tasks = range(first, min(n, first + AT_ONCE))
        await asyncio.gather(*(queue.enqueue(noop_in_loop.__name__, **XS) for _ in tasks))
    await queue.disconnect()


def _worker(url: str, name: str) -> Callable[[], list[float]]:
    """Import what a worker needs; its parts belong to the loop that runs them."""
    saq = import_module("saq")
    logging.getLogger("saq").setLevel(logging.ERROR)

    async def serve() -> None:
        queue = _queue(url, name)
        await queue.connect()
        worker = saq.Worker(
            queue,
            [noop_in_loop],
            concurrency=1,
            burst=True,
            dequeue_timeout=SECONDS_TO_THE_END,
        )
        await worker.start()
        await queue.disconnect()

    def work() -> list[float]:
        asyncio.run(serve())
        return BEGINNINGS

    return work
