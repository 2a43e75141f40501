"""The manager of a network: starts, watches and stops workers, and reads what they found."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Generic, Literal, Self

from loguru import logger

from rushtyped.arguments import as_list, check_count, check_names, check_options, check_seconds
from rushtyped.connect import Server, resolve_endpoint
from rushtyped.errors import (
    InvalidArgumentError,
    WaitTimeoutError,
    WorkerStartError,
)
from rushtyped.keys import check_worker_id, new_network_id, new_token, new_worker_id
from rushtyped.launch.local import (
    LocalWorker,
    LocalWorkers,
    check_log_directory,
    n_cores,
    start_local_worker,
)
from rushtyped.launch.running import Order
from rushtyped.loops import check_loop, new_secret, pack_loop
from rushtyped.models import Condition
from rushtyped.packer import Conditions
from rushtyped.progress import ProgressLine
from rushtyped.selection import check_keys, moved_keys
from rushtyped.store import Progress
from rushtyped.task import XE, YE, X, Y
from rushtyped.tasks import RETRY_TIMEOUT, Tasks
from rushtyped.worker import Worker

StopType = Literal["kill", "terminate"]
MOST_SECONDS = 1e9
"""Longest budget of time, some thirty years."""
MAX_ATTEMPTS = 3
"""Times that a task is tried in all when lost workers' tasks are queued again."""
_WATCH = 0.25
"""Seconds between two looks at the local worker processes while waiting."""
_CALM = 0.02
"""Seconds for which events are gathered before the next look."""
_GRACE = 5.0
"""Seconds that workers have to end by themselves when their network is left."""

_KILLED = Condition(type="WorkerKilled", message="Worker was killed")
_LOST = "Worker has crashed or was killed"


class Network(Tasks[X, Y, XE, YE], Generic[X, Y, XE, YE]):
    """The manager's view of a network: create or join it by its id, in one call.

    `max_tasks` and `max_seconds` are one budget for all workers, kept in Redis: exactly so many
    tasks finish, and no task starts after so many seconds since the first one. A budget that is
    given replaces the stored one.
    """

    def __init__(
        self,
        network_id: str | None = None,
        *,
        redis: Server | None = None,
        max_tasks: int | None = None,
        max_seconds: float | None = None,
        retry_timeout: float = RETRY_TIMEOUT,
    ) -> None:
        patience = check_seconds("retry_timeout", retry_timeout) or 0.0
        check_count("max_tasks", max_tasks, least=1)
        seconds = check_seconds("max_seconds", max_seconds, most=MOST_SECONDS)
        name = new_network_id() if network_id is None else network_id
        super().__init__(name, resolve_endpoint(redis), patience)
        if max_tasks is not None or seconds is not None:
            self._store.set_budget(max_tasks, seconds)

    def _open(self) -> None:
        super()._open()
        self._local = LocalWorkers()
        self._start_failures: list[str] = []
        self._dismissed: set[str] = set()  # asked to end before they had registered
        self._secret = new_secret()

    def start_local_workers(
        self,
        worker_loop: Callable[[Worker[X, Y, XE, YE]], object],
        *,
        n_workers: int | None = None,
        imports: Sequence[str] = (),
        supervise: bool = True,
        message_log: str | Path | None = None,
        output_log: str | Path | None = None,
    ) -> list[str]:
        """Start processes on this machine that run the loop; return the ids of their workers.

        Starts as many as this process may use cores, unless told otherwise, and does not wait
        for them. Supervised workers end when this process does, even by a kill. The logs are
        directories that get a file for each worker: message_<id>.log, output_<id>.log.
        """
        check_loop(worker_loop, self._packer.codec.schema.models)
        n = check_count("n_workers", n_workers, least=1) or n_cores()
        modules = check_names("imports", imports)
        messages = check_log_directory("message_log", message_log)
        output = check_log_directory("output_log", output_log)
        loop = pack_loop(worker_loop, self._packer.codec.schema.models, self._secret)
        self._membership.join()
        self._store.store_loop(*loop)
        ids = [new_worker_id() for _ in range(n)]
        for worker_id in ids:
            order = Order(
                network_id=self.network_id,
                worker_id=worker_id,
                endpoint=self._endpoint,
                retry_timeout=self._retry_timeout,
                digest=loop.digest,
                secret=self._secret,
                imports=modules,
                supervise=supervise,
            )
            self._local.add(start_local_worker(order, message_log=messages, output_log=output))
        logger.trace("Started {} local workers in network {}", n, self.network_id)
        return ids

    def wait_for_workers(
        self,
        n: int | None = None,
        *,
        worker_ids: Sequence[str] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Wait until n workers, or the named ones, or n of the named ones, have registered.

        Counts workers that run, and those started here even when they have ended since. Raises
        WaitTimeoutError after `timeout` seconds (0 looks once), WorkerStartError when a process
        that was started here has died before it registered.
        """
        ids = _checked_ids(worker_ids)
        if n is None and ids is None:
            raise InvalidArgumentError("wait_for_workers needs n, worker_ids or both")
        wanted = check_count("n", n, least=0) if n is not None else len(ids or ())
        left = _countdown(check_seconds("timeout", timeout))
        while True:
            event = self._store.last_event()
            registered = self._registered(ids)
            if len(registered) >= (wanted or 0):
                return
            self.detect_lost_workers()
            self._raise_start_failures()
            if left() <= 0:
                raise WaitTimeoutError(
                    f"{len(registered)} of {wanted} workers registered within {timeout:g} s: "
                    "look at their messages (message_log=), or wait longer"
                )
            self._store.wait_for_event(event, min(left(), self._pause))

    def wait_until_done(self, *, timeout: float | None = None, progress: bool = False) -> None:
        """Wait until the budget is spent and no task runs, or no worker is left.

        Sees to lost local workers meanwhile. Raises WaitTimeoutError after `timeout` seconds,
        WorkerStartError when no worker is left since none could start.
        """
        left = _countdown(check_seconds("timeout", timeout))
        line = ProgressLine(self.network_id) if progress else None
        while True:
            self.detect_lost_workers()
            state = self._store.progress()
            done = (state.spent and state.running == 0) or self._is_deserted(state)
            if line is not None:
                line.show(state, last=done)
            if done:
                return
            if left() <= 0:
                raise WaitTimeoutError(
                    f"network {self.network_id!r} was not done within {timeout:g} s: "
                    f"{state.finished} tasks are finished, {state.running} run"
                )
            self._store.wait_for_event(state.event, min(left(), self._pause))
            time.sleep(min(_CALM, max(0.0, left())))

    def stop_workers(
        self, type: StopType = "kill", *, worker_ids: Sequence[str] | None = None
    ) -> None:
        """Stop workers, all that run where none is named.

        "kill" ends them at once, and fails their tasks with "Worker was killed"; "terminate" lets
        their loops end after the current task, and returns without waiting for it. Ids that do
        not run are skipped with a warning.
        """
        check_options("type", [type], ("kill", "terminate"))
        ids = _checked_ids(worker_ids)
        if ids == []:
            return
        asked = self._store.stop_workers(type, ids or ())
        starting = [
            worker
            for worker in self._local
            if worker.is_alive
            and worker.worker_id not in asked
            and (not ids or worker.worker_id in ids)
        ]
        idle = set(ids or ()) - set(asked) - {worker.worker_id for worker in starting}
        if idle:
            logger.warning("Workers {} do not run: nothing to stop", sorted(idle))
        if type == "kill":  # one that was starting may have registered meanwhile
            self._kill([*asked, *(worker.worker_id for worker in starting)])
            return
        for worker in starting:
            worker.process.terminate()
            self._dismissed.add(worker.worker_id)

    def detect_lost_workers(self, *, requeue: bool = False) -> list[str]:
        """Find workers whose process has died, and settle their tasks; return their ids.

        The tasks fail with the reason; with `requeue` they go back to the front of the queue
        instead, up to 3 attempts in all.
        """
        lost = []
        for worker in self._local.dead():
            reason = f"{_LOST} ({worker.ending})"
            condition = Condition(type="WorkerLost", message=reason)
            if self._settle(worker.worker_id, condition, requeue=requeue):
                logger.error("Worker {} is lost: {}", worker.worker_id, reason)
                lost.append(worker.worker_id)
            elif worker.process.returncode and not self._is_known(worker.worker_id):
                self._note_start_failure(worker)
            self._local.forget(worker)
        return lost

    def fail_tasks(
        self,
        keys: Sequence[str] | None = None,
        conditions: Conditions = None,
    ) -> list[str]:
        """Fail queued or running tasks, all queued ones where none is named.

        Returns the keys of those that this call failed. Raises UnknownTaskError for keys of no
        task; then nothing is changed.
        """
        chosen = self.queued_tasks if keys is None else check_keys(keys)
        reasons = self._packer.conditions(conditions, len(chosen))
        tasks = list(zip(chosen, reasons, strict=True))
        if keys is not None:
            self._membership.check_many(chosen)
        moved = self._store.fail_tasks("", new_token(), tasks)
        if keys is None:
            return moved_keys(chosen, moved)
        return self._settled(chosen, moved, "failed")

    def reset(self, *, workers: bool = True) -> None:
        """Delete all tasks, and with `workers` kill and forget the workers too.

        The budget stays, its clock starts anew. All readers notice it.
        """
        if workers:
            self.stop_workers("kill")
        self._store.reset(new_token(), workers=workers)
        self._membership.note_reset(joined=not workers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the workers that were started here; the data stay."""
        if kind is None:
            self._dismiss()
        self.detect_lost_workers()
        ids = [worker.worker_id for worker in self._local]
        if ids:
            self.stop_workers("kill", worker_ids=ids)
        self._channel.close()

    def _dismiss(self) -> None:
        """Ask the workers that were started here to end, and give them time to do so."""
        alive = [worker for worker in self._local if worker.is_alive]
        if alive:
            self.stop_workers("terminate", worker_ids=[worker.worker_id for worker in alive])
        deadline = time.monotonic() + _GRACE
        for worker in alive:
            worker.wait(deadline - time.monotonic())

    def _kill(self, worker_ids: Sequence[str]) -> None:
        for worker_id in worker_ids:
            if worker_id in self._local:
                self._local[worker_id].kill()
            self._settle(worker_id, _KILLED)
            if worker_id in self._local:
                self._local.forget(self._local[worker_id])

    def _settle(self, worker_id: str, condition: Condition, *, requeue: bool = False) -> bool:
        return self._store.settle_worker(
            worker_id,
            new_token(),
            self._packer.condition(condition),
            max_attempts=MAX_ATTEMPTS if requeue else 0,
            fail_pending=not requeue,
            reason=condition.message,
        )

    @property
    def _pause(self) -> float:
        return _WATCH if any(self._local) else 5.0

    def _watch(self) -> tuple[float, Callable[[], object]]:
        return self._pause, self.detect_lost_workers

    def _registered(self, ids: Sequence[str] | None) -> set[str]:
        everybody, running = self._store.registered()
        ours = self._local.ever_started
        return running | (everybody & ours) if ids is None else everybody & set(ids)

    def _is_deserted(self, state: Progress) -> bool:
        """Whether no worker runs, and none is about to."""
        if state.running_workers:
            return False
        alive = {worker.worker_id for worker in self._local if worker.is_alive}
        if alive - set(self._store.worker_ids()):
            return False
        self._raise_start_failures()
        return True

    def _is_known(self, worker_id: str) -> bool:
        """Whether a worker has registered, or was asked to end before it could."""
        return worker_id in self._dismissed or worker_id in self._store.worker_ids()

    def _note_start_failure(self, worker: LocalWorker) -> None:
        messages = worker.last_messages()
        self._start_failures.append(
            f"worker {worker.worker_id!r} ended before it registered ({worker.ending})"
            + (f"; its last messages:\n{messages}" if messages else "")
        )

    def _raise_start_failures(self) -> None:
        if self._start_failures:
            failures, self._start_failures = self._start_failures, []
            raise WorkerStartError("\n".join(failures))


def _checked_ids(worker_ids: Sequence[str] | None) -> list[str] | None:
    if worker_ids is None:
        return None
    return [check_worker_id(each) for each in as_list("worker_ids", worker_ids)]


def _countdown(seconds: float | None) -> Callable[[], float]:
    """Return what tells how many seconds are left."""
    deadline = float("inf") if seconds is None else time.monotonic() + seconds
    return lambda: deadline - time.monotonic()
