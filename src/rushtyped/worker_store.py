"""The transitions that only a registered worker may ask for: bytes in, bytes out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from enum import IntEnum
from typing import Any, NamedTuple

from rushtyped.index_store import Value
from rushtyped.keys import new_token
from rushtyped.lua import load_script
from rushtyped.store import Store

LONGEST_POP = 1.0
"""Seconds for which one pop waits: nothing but a task ends it, so a stop is heard of only then."""


class Verdict(IntEnum):
    """Whether a worker may go on, as the scripts tell with every reply."""

    GO = 0
    """It may start another task."""
    STOPPED = 1
    """It was asked to stop."""
    SPENT = 2
    """The budget is spent."""
    LOST = 3
    """It does not run any more as far as the network knows."""
    FULL = 4
    """The running tasks of others take all that is left of the budget."""
    EXCESS = 5
    """Less is left of the budget than was asked for."""


class Claimed(NamedTuple):
    """A task that was popped."""

    key: str
    xs: bytes
    xs_extra: bytes | None
    attempt: int


class Started(NamedTuple):
    """Reply to a request for running tasks: those for a pop have the claimed one."""

    verdict: Verdict
    n_finished: int
    event: bytes
    """The newest event, where the verdict is FULL, to wait for the next one from."""
    left: int
    """What is left of the budget, where the verdict is EXCESS."""
    claimed: Claimed | None = None


class Finished(NamedTuple):
    """Reply to a request to finish tasks: per task 1 moved, 0 not, -1 unknown."""

    verdict: Verdict
    n_finished: int
    moved: list[int]


class WorkerStore:
    """The transitions of one worker; keys and scripts are made ready once."""

    def __init__(self, store: Store, worker_id: str) -> None:
        self.store = store
        self.worker_id = worker_id
        self._channel = store.channel
        self._request = 0
        keys, worker = store.keys, store.keys.worker(worker_id)
        self._worker = worker
        ours = (worker.tasks, worker.terminate)
        self._push = load_script("push_running_tasks")
        self._push_keys = (
            *(8, keys.meta, keys.all, keys.running, keys.finished, keys.events),
            *(keys.running_workers, *ours, keys.prefix, worker_id),
        )
        self._finish = load_script("finish_tasks")
        self._finish_keys = (
            *(7, keys.meta, keys.running, keys.finished, keys.events),
            *(keys.running_workers, *ours, keys.prefix, worker_id),
        )
        self._claim = load_script("claim_task")
        self._claim_keys = (
            *(10, keys.meta, keys.queue, keys.running, keys.finished, keys.events),
            *(keys.running_workers, *ours, worker.pending, worker.record),
            *(keys.prefix, worker_id),
        )

    def register(self, record: Mapping[str, Value], lease: float) -> bool:
        """Register the worker, with a lease of so many seconds; False where the id is taken."""
        keys, worker = self.store.keys, self._worker
        names = (
            *(keys.workers, keys.running_workers, worker.record, worker.heartbeat, keys.events),
        )
        fields = (part for pair in record.items() for part in pair)
        arguments = (self.worker_id, new_token(), int(lease * 1000), *fields)
        return bool(self.store.run("register_worker", names, *arguments))

    def push_running_tasks(self, *tasks: Value) -> Started:
        """Create running tasks of key, xs and xs_extra ('' for none), all in one flat row."""
        verdict, n_finished, detail = self._channel.run(self._push, *self._push_keys, *tasks)
        return _started(verdict, n_finished, detail)

    def finish_tasks(self, *tasks: Value) -> Finished:
        """Finish tasks of key, ys and ys_extra ('' for none), all in one flat row."""
        verdict, n_finished, *moved = self._channel.run(self._finish, *self._finish_keys, *tasks)
        return Finished(Verdict(verdict), n_finished, moved)

    def pop_task(self, seconds: float) -> Started:
        """Move the first queued task to this worker and claim it; wait on the server for one."""
        # by the clock, so that a copy of this worker goes on with larger numbers
        self._request = max(self._request + 1, time.time_ns() // 1000)
        arguments = (*self._claim_keys, self._request)
        names = (self.store.keys.queue, self._worker.pending)
        if seconds > 0:
            timeout = max(0.001, min(seconds, LONGEST_POP))
            move: tuple[Value, ...] = ("BLMOVE", *names, "LEFT", "RIGHT", timeout)
        else:
            move = ("LMOVE", *names, "LEFT", "RIGHT")
        reply, is_repeat = self._channel.run_after(move, self._claim, *arguments)
        started = _started(*reply)
        if is_repeat and started.verdict is Verdict.GO and started.claimed is None:
            return self.pop_task(seconds)  # the move may have been lost, too
        return started

    def check(self) -> tuple[Verdict, int]:
        """Look whether the worker may go on, and count the finished tasks."""
        keys = self.store.keys
        names = (keys.meta, keys.finished, keys.running_workers, self._worker.terminate)
        verdict, n_finished = self.store.run("check_worker", names, self.worker_id)
        return Verdict(verdict), n_finished


def _started(verdict: int, n_finished: int, detail: bytes | int, *task: Any) -> Started:
    claimed = None
    if task:
        key, xs, xs_extra, attempt = task
        claimed = Claimed(key.decode(), xs, xs_extra, int(attempt))
    if isinstance(detail, int):
        return Started(Verdict(verdict), n_finished, b"", detail, claimed)
    return Started(Verdict(verdict), n_finished, detail, 0, claimed)
