"""What all task queues are measured by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tests.benchmarks.peers.presence import Peer


class TaskQueue(Peer, Protocol):
    """A queue of no-op tasks of ten floats."""

    def __init__(self, url: str, name: str = "peers") -> None: ...

    def enqueue(self, n: int) -> None:
        """Queue n tasks."""

    def work_off(self, n: int) -> float:
        """Seconds in which one worker works off the n tasks that are queued.

        Its start-up does not count: from the beginning of the first task to that of the last,
        scaled by n / (n - 1).
        """


class SharedQueue(TaskQueue, Protocol):
    """A queue that several workers can be set on at once."""

    def work_off_with(self, n_workers: int, n: int) -> float:
        """Seconds in which so many workers work off the n tasks that are queued, as above."""


def seconds_between(beginnings: Sequence[Sequence[float]], n: int) -> float:
    """Seconds for n tasks, of when those of each worker began.

    Each worker's first task begins when nothing has been done yet, so the time from the first
    beginning to the last is that of fewer tasks, by one for each worker.
    """
    moments = sorted(moment for worker in beginnings for moment in worker)
    if len(moments) != n:
        raise ValueError(f"{n} tasks were queued but {len(moments)} were worked off")
    n_workers = sum(1 for worker in beginnings if worker)
    return (moments[-1] - moments[0]) * n / (n - n_workers)
