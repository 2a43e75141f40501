"""The transitions that only a registered worker may ask for: bytes in, bytes out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

from loguru import logger

from rushtyped.index_store import Value
from rushtyped.journal import Journal
from rushtyped.keys import is_name, new_token
from rushtyped.lua import load_script
from rushtyped.restoration import Registration, Restoration
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


_VERDICTS = tuple(Verdict)  # faster than to call it


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
        self._journal = Journal()
        self._restoration: Restoration | None = None
        self._registration: Registration | None = None
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
            *(keys.meta, keys.workers, keys.running_workers),
            *(worker.record, worker.heartbeat, keys.events),
        )
        fields = (part for pair in record.items() for part in pair)
        token = new_token()
        self._registration = Registration(token, lease, record)
        arguments = (self.worker_id, token, int(lease * 1000), *fields)
        return bool(self.store.run("register_worker", names, *arguments))

    def restore_with(self, epoch: bytes, unheld: bytes) -> Restoration:
        """Restore from now on what a server has forgotten that went back to an earlier state."""
        self._restoration = Restoration(self.store, self.worker_id, self._journal, epoch, unheld)
        self._restoration.registration = self._registration
        return self._restoration

    def push_running_tasks(self, *tasks: str | bytes) -> Started:
        """Create running tasks of key, xs and xs_extra ('' for none), all in one flat row."""
        journal, call = self._journal, object()
        journal.calls.add(call)
        try:
            reply = self._channel.run(self._push, *self._push_keys, *tasks)
            if reply[0] == Verdict.GO:
                for i in range(0, len(tasks), 3):
                    journal.begin(str(tasks[i]), 1, tasks[i + 1], tasks[i + 2])
        finally:
            journal.calls.remove(call)
        self._look_for_unheld()
        verdict, n_finished, detail = reply
        return _started(verdict, n_finished, detail)

    def finish_tasks(self, *tasks: str | bytes) -> Finished:
        """Finish tasks of key, ys and ys_extra ('' for none), all in one flat row."""
        run, arguments = self._channel.run, (*self._finish_keys, *tasks)
        verdict, n_finished, *moved = run(self._finish, *arguments)
        if -1 in moved and self._has_lost(tasks[::3]):
            verdict, n_finished, *moved = run(self._finish, *arguments)
        journal, i = self._journal, 0
        for outcome in moved:
            if outcome == 1:
                journal.settle(str(tasks[i]), "finished", tasks[i + 1], tasks[i + 2])
            elif -1 not in moved:
                journal.drop(str(tasks[i]))
            i += 3
        return Finished(_VERDICTS[verdict], n_finished, moved)

    def fail_tasks(self, tasks: Sequence[tuple[str, bytes]]) -> list[int]:
        """Fail tasks of key and condition: per task 1 moved, 0 not, -1 unknown."""
        token = new_token()
        moved = self.store.fail_tasks(self.worker_id, token, tasks)
        if -1 in moved and self._has_lost([key for key, _ in tasks]):
            moved = self.store.fail_tasks(self.worker_id, token, tasks)
        for (key, condition), outcome in zip(tasks, moved, strict=True):
            if outcome == 1:
                self._journal.settle(key, "failed", condition, b"")
            elif -1 not in moved:
                self._journal.drop(key)
        return moved

    def _has_lost(self, keys: Sequence[Value]) -> bool:
        """Whether tasks that the server does not know run here; it is told of them, then."""
        if not self._journal.holds([str(key) for key in keys]):
            return False
        self._channel.renew()
        return True

    def _look_for_unheld(self) -> None:
        if self._restoration is not None and self._restoration.is_due:
            self._restoration.fail_unheld()

    def pop_task(self, seconds: float) -> Started:
        """Move the first queued task to this worker and claim it; wait on the server for one."""
        journal, call = self._journal, object()
        journal.calls.add(call)
        try:
            started = self._pop_task(seconds)
            if started.claimed is not None:
                key, xs, xs_extra, attempt = started.claimed
                journal.begin(key, attempt, xs, xs_extra or b"")
        finally:
            journal.calls.remove(call)
        self._look_for_unheld()
        return started

    def _pop_task(self, seconds: float) -> Started:
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
            return self._pop_task(seconds)  # the move may have been lost, too
        return started

    def check(self) -> tuple[Verdict, int]:
        """Look whether the worker may go on, and count the finished tasks."""
        keys = self.store.keys
        names = (keys.meta, keys.finished, keys.running_workers, self._worker.terminate)
        verdict, n_finished = self.store.run("check_worker", names, self.worker_id)
        return _VERDICTS[verdict], n_finished


def _started(verdict: int, n_finished: int, detail: bytes | int, *task: Any) -> Started:
    claimed = None
    if task and is_name(task[0]):
        key, xs, xs_extra, attempt = task
        number = int(attempt) if attempt and attempt.isdigit() else 1  # as none else is written
        claimed = Claimed(key.decode(), xs or b"", xs_extra, number)
    elif task:
        logger.error("No task is named {!r}, which was popped: it fails in the end", task[0][:80])
    if isinstance(detail, int):
        return Started(_VERDICTS[verdict], n_finished, b"", detail, claimed)
    return Started(_VERDICTS[verdict], n_finished, detail, 0, claimed)
