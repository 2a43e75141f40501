"""What a worker loop is given: it starts tasks, settles them, and reads those of all others."""

from __future__ import annotations

import os
import socket
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Generic

from loguru import logger

from rushtyped.arguments import check_heartbeat, check_seconds
from rushtyped.connect import Server
from rushtyped.errors import (
    BudgetSpentError,
    CorruptDataError,
    WorkerIdTakenError,
    WorkerStoppedError,
)
from rushtyped.heartbeat.holder import LEASES
from rushtyped.index_store import Value
from rushtyped.keys import (
    check_network_id,
    check_worker_id,
    new_task_keys,
    new_token,
    new_worker_id,
)
from rushtyped.models import Condition
from rushtyped.packer import NOTHING, Conditions
from rushtyped.plan import endpoint_for
from rushtyped.selection import check_distinct, check_keys, first_of_each
from rushtyped.store import row_chunks
from rushtyped.task import XE, YE, AnyCondition, Task, X, Y, as_condition
from rushtyped.tasks import RETRY_TIMEOUT, Tasks
from rushtyped.worker_store import Claimed, Started, Verdict, WorkerStore

FRESH = 1.0
"""Seconds for which a reply's verdict answers whether the worker is to stop."""
POP_TIMEOUT = 1.0
NORMAL_END = "ended"
"""Why a worker has ended whose loop has returned, as its record says."""
FIRST_LEASE = 10.0
"""Seconds by which the first lease is longer, since what renews it has to start first."""

_ENDS = (Verdict.STOPPED, Verdict.SPENT, Verdict.LOST)
_ENDED = Condition(type="WorkerTerminated", message="Worker was terminated")
_UNHELD = Condition(
    type="TaskLost", message="The server went back to an earlier state, and the task was lost"
)


class Worker(Tasks[X, Y, XE, YE], Generic[X, Y, XE, YE]):
    """A registered worker of a network.

    Only the worker that runs a task can finish or fail it. One that was declared lost meanwhile
    is told so by `terminated`, by a False or a missing key, and changes nothing.

    A process beside this one renews the worker's lease every `heartbeat_period` seconds (5, at
    least 1), as long as this process and this object live. Without a renewal for
    `heartbeat_expire` seconds (three periods) the worker counts as lost. Raises
    WorkerIdTakenError for the id of another worker of the network.
    """

    def __init__(
        self,
        network_id: str,
        *,
        redis: Server | None = None,
        worker_id: str | None = None,
        heartbeat_period: float | None = None,
        heartbeat_expire: float | None = None,
        retry_timeout: float = RETRY_TIMEOUT,
    ) -> None:
        self._worker_id = new_worker_id() if worker_id is None else check_worker_id(worker_id)
        self._heartbeat = check_heartbeat(heartbeat_period, heartbeat_expire)
        patience = check_seconds("retry_timeout", retry_timeout) or 0.0
        self._stopping = False
        check_network_id(network_id)
        endpoint = endpoint_for(redis)
        self._holder = LEASES.prepare(endpoint, self._worker_id)  # starts while we register
        super().__init__(network_id, endpoint, patience)
        self._register()
        self._restore_what_is_lost()
        self._hold_lease()

    def _open(self) -> None:
        super()._open()
        self._creator = self._worker_id
        self._ours = WorkerStore(self._store, self._worker_id)
        self._verdict = Verdict.GO
        self._verdict_at = float("-inf")
        self._revived_at = float("-inf")

    def __getstate__(self) -> dict[str, object]:
        self._restoration.is_shared = True
        ours = {name: vars(self)[name] for name in ("_worker_id", "_stopping", "_heartbeat")}
        return {**super().__getstate__(), **ours}

    def __setstate__(self, state: dict[str, object]) -> None:
        super().__setstate__(state)
        self._holder = LEASES.prepare(self._endpoint, self._worker_id)
        self._restore_what_is_lost()
        self._restoration.is_shared = True
        self._hold_lease(ends=False)  # it has not ended with a copy

    def _register(self) -> None:
        record: dict[str, Value] = {
            "pid": os.getpid(),
            "hostname": socket.gethostname(),
            "version": version("rushtyped"),
            "heartbeat_period": self._heartbeat[0],
            "heartbeat_expire": self._heartbeat[1],
            "server": self._channel.run_id,
        }
        if not self._ours.register(record, self._heartbeat[1] + FIRST_LEASE):
            raise WorkerIdTakenError(
                f"network {self.network_id!r} has a worker {self._worker_id!r} already: choose "
                "another worker_id, or leave it out to have one made"
            )
        logger.trace("Worker {} registered in network {}", self._worker_id, self.network_id)

    def _restore_what_is_lost(self) -> None:
        """Have a server that lost its newest writes told again what this worker runs and did."""
        unheld = self._packer.condition(_UNHELD)
        self._restoration = self._ours.restore_with(self._membership.epoch, unheld)

    def _hold_lease(self, *, ends: bool = True) -> None:
        """Have the lease renewed for as long as this object and its process live."""
        if self._holder is not None:
            lease = LEASES.lease(self.network_id, self._worker_id, *self._heartbeat, ends=ends)
            weakref.finalize(self, self._holder.drop, self._holder.hold(lease))

    @property
    def worker_id(self) -> str:
        """Name of the worker."""
        return self._worker_id

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"<{name} {self._worker_id!r} of {self.network_id!r} on {self._server}>"

    def _rows(self) -> dict[str, object]:
        return {"worker": self._worker_id, **super()._rows()}

    @property
    def terminated(self) -> bool:
        """Whether the loop is to end: a stop was asked for, the budget is spent, or it is lost.

        Each reply of the server tells, so that a loop which asks after a call pays nothing.
        """
        if self._stopping:
            return True
        now = time.monotonic()
        if now - self._verdict_at > FRESH:
            self._verdict, _ = self._ours.check()
        if self._holder is not None and now - self._revived_at > FRESH:
            self._holder.revive()
            self._revived_at = now
        self._verdict_at = float("-inf")
        return self._verdict in _ENDS

    def stop(self) -> None:
        """Let the loop end after its current task, as if the network had asked for it."""
        self._stopping = True

    def set_terminated(self) -> None:
        """Leave the network: tasks that still run here fail, popped ones go back to the queue."""
        self.leave(_ENDED, NORMAL_END)

    def leave(self, condition: AnyCondition, reason: str) -> None:
        """Leave the network for a reason; tasks that still run here fail with this condition."""
        self._store.settle_worker(
            self._worker_id,
            new_token(),
            self._packer.condition(condition),
            max_attempts=0,
            fail_pending=False,
            reason=reason,
        )
        self._restoration.end()
        self._stopping = True

    def push_running_tasks(
        self, xss: Sequence[X], *, xss_extra: Sequence[XE | Mapping[str, object]] | None = None
    ) -> list[str]:
        """Create tasks that this worker runs from now on, all or none; return their keys.

        Waits while the running tasks of others take all that is left of the budget. Raises
        BudgetSpentError when less is left than asked for, WorkerStoppedError after a stop.
        """
        packed, extras = self._pack(xss, xss_extra)
        if not packed:
            return []
        keys = new_task_keys(len(packed))
        self._run(*(part for row in zip(keys, packed, extras, strict=True) for part in row))
        return keys

    def running_task(
        self, xs: X, *, xs_extra: XE | Mapping[str, object] | None = None
    ) -> Task[X, Y, XE, YE]:
        """Create one task that this worker runs from now on, to be used as a context manager.

        Waits and raises as `push_running_tasks` does.
        """
        key = new_task_keys(1)[0]
        packed = self._packer.codec.xs.encode(xs)
        extra = NOTHING if xs_extra is None else self._packer.extra("xs_extra", xs_extra)
        self._run(key, packed, extra)
        kept = self._packer.unpack_xs_extra(extra or None)
        return Task(self, key, xs, kept, 1)

    def pop_task(self, *, timeout: float = POP_TIMEOUT) -> Task[X, Y, XE, YE] | None:
        """Take the next task from the queue; wait up to `timeout` seconds on the server for one.

        None when the queue stays empty, and as soon as the worker is to stop.
        """
        left = check_seconds("timeout", timeout) or 0.0
        deadline = time.monotonic() + left
        while not self._stopping:
            started = self._ours.pop_task(left)
            self._note(started.verdict)
            if started.claimed is not None:
                task = self._unpack(started.claimed)
                if task is not None:
                    return task
                left = max(0.0, deadline - time.monotonic())
                continue  # the next one may wait already
            if started.verdict not in (Verdict.GO, Verdict.FULL):
                break
            left = deadline - time.monotonic()
            if left <= 0:
                break
            if started.verdict is Verdict.FULL:
                self._wait_for_slot(started, left)
        return None

    def queue(self, *, timeout: float = POP_TIMEOUT) -> Iterator[Task[X, Y, XE, YE]]:
        """Pop tasks until the queue stays empty for `timeout` seconds or the worker is to stop."""
        while (task := self.pop_task(timeout=timeout)) is not None:
            yield task

    def finish_tasks(
        self,
        keys: Sequence[str],
        yss: Sequence[Y],
        *,
        yss_extra: Sequence[YE | Mapping[str, object]] | None = None,
    ) -> list[str]:
        """Finish running tasks of this worker; return the keys of those that it finished.

        Others are left as they are, with a warning. Raises UnknownTaskError for keys of no task.
        """
        keys = check_distinct(check_keys(keys))
        results = self._packer.yss(yss, len(keys))
        extras = self._packer.extras("ys_extra", yss_extra, len(keys))
        if not keys:
            return []
        self._membership.check_many(keys)
        moved: list[int] = []
        for chunk in row_chunks(list(zip(keys, results, extras, strict=True))):
            finished = self._ours.finish_tasks(*(part for row in chunk for part in row))
            self._note(finished.verdict)
            moved += finished.moved
        return self._settled(keys, moved, "finished")

    def fail_tasks(
        self,
        keys: Sequence[str],
        conditions: Conditions = None,
    ) -> list[str]:
        """Fail running tasks of this worker; return the keys of those that it failed, each once.

        Others are left as they are, with a warning; a key that comes again fails with its first
        condition. Raises UnknownTaskError for keys of no task.
        """
        keys = check_keys(keys)
        tasks = first_of_each(keys, self._packer.conditions(conditions, len(keys)))
        keys = [key for key, _ in tasks]
        self._membership.check_many(keys)
        moved = self._ours.fail_tasks(tasks)
        return self._settled(keys, moved, "failed")

    def settle_finished(
        self, key: str, ys: Y, ys_extra: YE | Mapping[str, object] | None = None
    ) -> bool:
        """Finish one task of this worker; what `Task.finish` calls."""
        packed = self._packer.codec.ys.encode(ys)
        extra = NOTHING if ys_extra is None else self._packer.extra("ys_extra", ys_extra)
        finished = self._ours.finish_tasks(key, packed, extra)
        self._note(finished.verdict)
        return self._was_ours(key, finished.moved[0])

    def settle_failed(self, key: str, condition: AnyCondition) -> bool:
        """Fail one task of this worker; what `Task.fail` calls."""
        packed = self._packer.condition(as_condition(condition))
        moved = self._ours.fail_tasks([(key, packed)])
        return self._was_ours(key, moved[0])

    def _was_ours(self, key: str, moved: int) -> bool:
        if moved == 1:
            return True
        logger.warning("Task {} is no longer of worker {}: left as it is", key, self._worker_id)
        return False

    def _note(self, verdict: Verdict) -> None:
        self._verdict = verdict
        self._verdict_at = time.monotonic()

    def _run(self, *row: str | bytes) -> None:
        """Create running tasks, as soon as the budget has room for them."""
        while not self._stopping:
            started = self._ours.push_running_tasks(*row)
            self._note(started.verdict)
            match started.verdict:
                case Verdict.GO:
                    return
                case Verdict.FULL:
                    self._wait_for_slot(started, float("inf"))
                case Verdict.SPENT:
                    raise BudgetSpentError(
                        f"the budget of network {self.network_id!r} is spent with "
                        f"{started.n_finished} finished tasks: no further task may start"
                    )
                case Verdict.EXCESS:
                    raise BudgetSpentError(
                        f"the budget of network {self.network_id!r} leaves {started.left} "
                        f"tasks but {len(row) // 3} were to start: start fewer at once"
                    )
                case _:
                    break
        raise WorkerStoppedError(
            f"worker {self._worker_id!r} was asked to stop, or was declared lost: it may start "
            "no further task, and its loop should end"
        )

    def _wait_for_slot(self, started: Started, seconds: float) -> None:
        self._store.wait_for_event(started.event, min(seconds, POP_TIMEOUT))

    def _unpack(self, claimed: Claimed) -> Task[X, Y, XE, YE] | None:
        """Make a task of what was popped; one that cannot be read fails, and None is returned."""
        try:
            xs = self._packer.unpack_xs(claimed.xs)
            xs_extra = self._packer.unpack_xs_extra(claimed.xs_extra)
        except CorruptDataError as error:
            logger.error("Task {} cannot be read and fails: {}", claimed.key, error)
            self.settle_failed(claimed.key, error)
            return None
        return Task(self, claimed.key, xs, xs_extra, claimed.attempt)
