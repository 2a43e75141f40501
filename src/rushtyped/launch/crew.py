"""The workers of a network as its manager sees them: those it started, and the others by leases."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

from loguru import logger

from rushtyped.errors import (
    ServerAccessError,
    ServerError,
    ServerUnreachableError,
    WorkerStartError,
)
from rushtyped.keys import new_token
from rushtyped.launch.engine import EngineWorker, EngineWorkers
from rushtyped.launch.local import LocalWorker, LocalWorkers
from rushtyped.lease_store import LeaseStore
from rushtyped.models import Condition
from rushtyped.packer import Packer
from rushtyped.printable import excerpt
from rushtyped.store import Store
from rushtyped.waiter import SLICE, Watch

StopType = Literal["kill", "terminate"]
MAX_ATTEMPTS = 3
"""Times that a task is tried in all when lost workers' tasks are queued again."""

_WATCH = 0.25
"""Seconds between two looks at the worker processes while waiting."""
_WATCH_LEASES = 1.0
"""Seconds between two looks while only others have started workers."""
_RECOVERY = 1.0
"""Seconds that the leases have, beside their length, to be renewed after the server was away."""
_GRACE = 5.0
"""Seconds that workers have to end by themselves when their network is left."""
_DEATH = 5.0
"""Seconds within which a killed process is gone."""
_PAUSE = 0.02

_KILLED = Condition(type="WorkerKilled", message="Worker was killed")
_LOST = "Worker has crashed or was killed"
WORKER_LOST = Condition(type="WorkerLost", message=_LOST)
"""Why a task fails whose worker has gone, where nothing more is known of that."""


class Crew:
    """Watches and stops the workers of one network."""

    def __init__(self, store: Store, packer: Packer[Any, Any, Any, Any]) -> None:
        self.local: LocalWorkers = LocalWorkers()
        self.engines: EngineWorkers = EngineWorkers()
        self._store = store
        self._packer = packer
        self._leases = LeaseStore(store)
        self._start_failures: list[str] = []
        self._dismissed: set[str] = set()  # asked to end before they had registered
        self._expired_since: dict[str, float] = {}  # when a lease was first seen to have run out

    @property
    def pause(self) -> float:
        """Seconds after which to look at the workers again while waiting."""
        return _WATCH if any(self.local) or any(self.engines) else _WATCH_LEASES

    def stop(self, how: StopType, ids: Sequence[str] | None) -> None:
        """Stop workers, all that run or are about to where none is named."""
        asked = self._store.stop_workers(how, ids or ())
        coming = [
            worker
            for worker in self._alive()
            if worker.worker_id not in asked and (not ids or worker.worker_id in ids)
        ]
        idle = set(ids or ()) - set(asked) - {worker.worker_id for worker in coming}
        if idle:
            logger.warning("Workers {} do not run: nothing to stop", sorted(idle))
        if how == "kill":  # one that was starting may have registered meanwhile
            self._kill([*asked, *(worker.worker_id for worker in coming)])
            return
        for worker in coming:
            self._dismiss(worker)

    def kill_all(self) -> None:
        """Kill all workers before a reset, which does the rest where something is damaged."""
        try:
            self.stop("kill", None)
        except ServerError as error:
            if isinstance(error, ServerUnreachableError | ServerAccessError):
                raise
            logger.warning("Not all workers were settled: {}", error)

    def detect_lost(self, *, requeue: bool, max_attempts: int) -> list[str]:
        """Find workers that are dead or frozen, and settle their tasks; return their ids."""
        attempts = max_attempts if requeue else 0
        lost = [
            *self._lost_local(attempts),
            *self._lost_on_engines(attempts),
            *self._lost_by_lease(attempts),
        ]
        for worker_id, reason in lost:
            logger.error("Worker {} is lost: {}", excerpt(worker_id), excerpt(reason))
        return [worker_id for worker_id, _ in lost]

    def registered(self, ids: Sequence[str] | None) -> set[str]:
        """Ids of those that run or were started here, or of these ids, that have registered."""
        everybody, running = self._store.registered()
        ours = self.local.ever_started | self.engines.ever_started
        return running | (everybody & ours) if ids is None else everybody & set(ids)

    def is_deserted(self) -> bool:
        """Whether no worker runs, and none that was started here is about to.

        Raises WorkerStartError where none is left since one could not begin.
        """
        alive = {worker.worker_id for worker in self._alive()}
        everybody, running = self._store.registered()
        if running or alive - everybody:
            return False
        self.raise_start_failures()
        return True

    def watch(self, look: Callable[[], object] | None) -> Watch:
        """Return how to look after the workers while waiting; without `look` only for events."""
        pause = SLICE if look is None else self.pause
        return Watch(pause, look or list, self.is_deserted)

    def raise_start_failures(self) -> None:
        """Raise WorkerStartError where workers that were started here could not begin."""
        if self._start_failures:
            failures, self._start_failures = self._start_failures, []
            raise WorkerStartError("\n".join(failures))

    def leave(self, *, in_peace: bool) -> None:
        """Stop the workers that were started here; in peace, they first have time to end."""
        if in_peace:
            self._let_end()
        self.detect_lost(requeue=False, max_attempts=0)
        ids = [worker.worker_id for worker in self._alive()]
        if ids:
            self.stop("kill", ids)
        self.local.close()

    def _alive(self) -> list[LocalWorker | EngineWorker]:
        """List the workers that were started here and have not ended."""
        return [*self.local.alive(), *self.engines.alive()]

    def _let_end(self) -> None:
        alive = self._alive()
        if alive:
            self.stop("terminate", [worker.worker_id for worker in alive])
        deadline = time.monotonic() + _GRACE
        while self._alive() and time.monotonic() < deadline:
            time.sleep(_PAUSE)

    def _lost_local(self, attempts: int) -> list[tuple[str, str]]:
        lost = []
        for worker in self.local.dead():
            reason = f"{_LOST} ({worker.ending})"
            if self._settle_lost(worker.worker_id, reason, attempts):
                lost.append((worker.worker_id, reason))
            elif worker.code != 0 and not self._is_known(worker.worker_id):
                self._note_start_failure(worker.worker_id, worker.ending, worker.last_messages())
            self.local.forget(worker)
        return lost

    def _lost_on_engines(self, attempts: int) -> list[tuple[str, str]]:
        lost = []
        for worker in self.engines.ended():
            problem = worker.problem
            reason = f"{_LOST} ({problem or 'its call has ended'})"
            if self._settle_lost(worker.worker_id, reason, attempts):
                lost.append((worker.worker_id, reason))
            elif problem and not self._is_known(worker.worker_id):
                self._note_start_failure(worker.worker_id, problem, "")
                self._dismiss_on_engines([worker], "terminate")
            self.engines.forget(worker)
        return lost

    def _lost_by_lease(self, attempts: int) -> list[tuple[str, str]]:
        lost = []
        expired, now = self._leases.lost(), time.monotonic()
        seen = {each: self._expired_since.get(each, now) for each in expired}
        self._expired_since = seen
        for worker_id, seconds in expired.items():
            reason = f"{_LOST} (no sign of life)"
            is_due = self._could_be_renewed(worker_id, seconds, seen[worker_id])
            if is_due and self._settle_lost(worker_id, reason, attempts, only_expired=True):
                lost.append((worker_id, reason))
        return lost

    def _could_be_renewed(self, worker_id: str, seconds: float, expired_since: float) -> bool:
        """Whether this server has been there for as long as a lease lasts, so that it counts.

        A connection that was lost may tell of an outage, but one that is lost all the time, or
        whenever it is idle, does not: the lease has then been seen to have run out for long.
        """
        since = time.monotonic() - min(self._store.channel.recovered_at, expired_since)
        return min(since, self._leases.served_for(worker_id)) > seconds + _RECOVERY

    def _kill(self, ids: Sequence[str]) -> None:
        """Kill workers by their processes where these are ours, else by whoever renews leases."""
        ours = [worker for worker in self.local if worker.worker_id in ids]
        for worker in ours:
            worker.send(signal.SIGKILL)
        self._dismiss_on_engines([each for each in self.engines if each.worker_id in ids], "kill")
        for worker in ours:
            self.local.wait(worker, _DEATH)
        for worker_id in ids:
            self._settle(worker_id, _KILLED, attempts=0, fail_pending=True)
            self._dismissed.add(worker_id)
        for worker in ours:
            self.local.forget(worker)

    def _dismiss(self, worker: LocalWorker | EngineWorker) -> None:
        """Ask a worker to end that has not registered yet."""
        self._dismissed.add(worker.worker_id)
        if isinstance(worker, LocalWorker):
            worker.send(signal.SIGTERM)
        else:
            self._dismiss_on_engines([worker], "terminate")

    def _dismiss_on_engines(self, workers: Sequence[EngineWorker], how: StopType) -> None:
        """Take workers back, and have those end whose call an engine makes all the same."""
        self._leases.dismiss([worker.worker_id for worker in workers], how)
        for worker in workers:
            worker.cancel()

    def _settle_lost(
        self, worker_id: str, reason: str, attempts: int, *, only_expired: bool = False
    ) -> bool:
        condition = WORKER_LOST.model_copy(update={"message": reason})
        return self._settle(
            worker_id,
            condition,
            attempts=attempts,
            fail_pending=not attempts,
            only_expired=only_expired,
        )

    def _settle(
        self,
        worker_id: str,
        condition: Condition,
        *,
        attempts: int,
        fail_pending: bool,
        only_expired: bool = False,
    ) -> bool:
        return self._store.settle_worker(
            worker_id,
            new_token(),
            self._packer.condition(condition),
            max_attempts=attempts,
            fail_pending=fail_pending,
            reason=condition.message,
            only_expired=only_expired,
        )

    def _is_known(self, worker_id: str) -> bool:
        """Whether a worker has registered, or was asked to end before it could."""
        return worker_id in self._dismissed or worker_id in self._store.worker_ids()

    def _note_start_failure(self, worker_id: str, ending: str, messages: str) -> None:
        self._start_failures.append(
            f"worker {worker_id!r} ended before it registered ({ending})"
            + (f"; its last messages:\n{messages}" if messages else "")
        )


def countdown(seconds: float | None) -> Callable[[], float]:
    """Return what tells how many seconds are left."""
    deadline = float("inf") if seconds is None else time.monotonic() + seconds
    return lambda: deadline - time.monotonic()
