"""Workers register, leave, are lost, and come back late."""

from __future__ import annotations

from typing import Generic

from hypothesis import strategies as st
from hypothesis.stateful import rule

from rushtyped.codec import encode_condition
from rushtyped.errors import WorkerIdTakenError
from rushtyped.keys import new_token, new_worker_id
from rushtyped.task import XE, YE, X, Y
from rushtyped.testing.machine.agreement import agree
from rushtyped.testing.machine.model import (
    CRASHED,
    EXPIRED,
    KILLED,
    MOST_ATTEMPTS,
    ModelWorker,
)
from rushtyped.testing.machine.rules.acting import PLACE, WHO, refused
from rushtyped.testing.machine.rules.managing import ManagingMachine
from rushtyped.testing.machine.system import LEASE
from rushtyped.worker_store import WorkerStore

LEASE_CHANGE = st.sampled_from(["run out", "run out", "end", "renew", "look"])
HOW = st.sampled_from(["end", "die", "kill", "die and requeue", "die and requeue"])


class StaffingMachine(ManagingMachine[X, Y, XE, YE], Generic[X, Y, XE, YE]):
    """The rules by which workers come and go."""

    @rule(place=PLACE, how=HOW)
    def replace_worker(self, *, place: str, how: str) -> None:
        """Let a worker leave, or find it dead by its process; it may come back late."""
        worker = self.workers[place]
        worker_id, requeue = worker.worker_id, how == "die and requeue"
        if how == "end":
            worker.set_terminated()
            self.model.leave(worker_id)
        elif how == "kill":
            self.network.stop_workers("kill", worker_ids=[worker_id])
            self.model.ask(worker_id, "kill")
            self.model.settle(worker_id, KILLED, requeue=False, keep_popped=False)
        else:
            runs = self.model.is_running(worker_id)
            agree("the settling", self._settle(worker_id, requeue=requeue), runs)
            self.model.settle(worker_id, CRASHED, requeue=requeue, keep_popped=requeue)
            again = self._settle(worker_id, requeue=not requeue)
            agree("another settling", again, expected=False)
        self._replace(place)

    def _settle(self, worker_id: str, *, requeue: bool, only_expired: bool = False) -> bool:
        return self._store.settle_worker(
            worker_id,
            new_token(),
            encode_condition(CRASHED),
            max_attempts=MOST_ATTEMPTS if requeue else 0,
            fail_pending=not requeue,
            reason=CRASHED.message,
            only_expired=only_expired,
        )

    @rule(who=st.lists(WHO, min_size=1, max_size=2), what=LEASE_CHANGE)
    def change_leases(self, *, who: list[str], what: str) -> None:
        """Let leases run out, or renew them, end them or only look, as their holder does."""
        ids = list(dict.fromkeys(self._worker(each).worker_id for each in who))
        if what == "run out":
            names = [self._keys.worker(worker_id).heartbeat for worker_id in ids]
            self._channel.call("DEL", *names)
            for worker_id in ids:
                self.model.lose_lease(worker_id)
        else:
            seconds = {"renew": LEASE, "end": 0.0, "look": -1.0}[what]
            replies = self._leases.renew(dict.fromkeys(ids, seconds))
            expected = [self.model.renew(worker_id, seconds) for worker_id in ids]
            agree("the leases", [reply.name for reply in replies], expected)

    @rule(requeue=st.booleans())
    def detect_lost_workers(self, *, requeue: bool) -> None:
        """Find workers lost whose lease has run out; one that has a lease is not settled."""
        lost = self.model.lost()
        for worker_id in self.model.workers.keys() - lost:
            early = self._settle(worker_id, requeue=requeue, only_expired=True)
            agree("the settling of a worker with a lease", early, expected=False)
        found = self.network.detect_lost_workers(requeue=requeue)
        agree("the lost workers", sorted(found), sorted(lost))
        for worker_id in found:
            self.model.settle(worker_id, EXPIRED, requeue=requeue, keep_popped=requeue)
        for place in ("first", "second"):
            if self.workers[place].worker_id in lost:
                self._replace(place)

    def _ask_to_stop(self, worker_id: str) -> None:
        self.network.stop_workers("terminate", worker_ids=[worker_id])
        self.model.ask(worker_id, "terminate")

    def _ask_to_kill(self, worker_id: str) -> None:
        """Do the first half of a kill, as a manager does that dies before it settles the tasks."""
        self._store.stop_workers("kill", [worker_id])
        self.model.ask(worker_id, "kill")

    def _register(self, taken: str) -> None:
        """Register under an id that is taken, and as a worker that loses its lease at once."""
        if taken in self.model.workers:
            worker_type = self._worker_type
            refused(
                WorkerIdTakenError,
                lambda: worker_type(self.network.network_id, redis=self.redis, worker_id=taken),
            )
        worker_id = new_worker_id()
        newcomer = WorkerStore(self._store, worker_id)
        agree("the registering", newcomer.register({"pid": 1}, LEASE), expected=True)
        early = self._settle(worker_id, requeue=False, only_expired=True)
        agree("the settling of a worker with a lease", early, expected=False)
        self._channel.call("DEL", self._keys.worker(worker_id).heartbeat)
        late = self._settle(worker_id, requeue=False, only_expired=True)
        agree("the settling of a worker without a lease", late, expected=True)
        self.model.workers[worker_id] = ModelWorker(running=False, leased=False)
