"""A network with a manager and two workers, compared with a model after each step."""

from __future__ import annotations

import pickle
from typing import Any, ClassVar

import pytest
from hypothesis.stateful import RuleBasedStateMachine, invariant

from rushtyped import BudgetSpentError, Network, Worker, WorkerStoppedError
from rushtyped.heartbeat.holder import LEASES
from rushtyped.keys import NetworkKeys, new_network_id, new_task_keys, new_worker_id
from rushtyped.lease_store import LeaseStore
from rushtyped.task import Task
from tests.models import Params, Scores, Start, Timing
from tests.stateful.invariants import check_frame, check_records, check_shown, check_stored, x2_of
from tests.stateful.model import Model, ModelTask, ModelWorker
from tests.stateful.recording import Recorder, Request
from tests.stateful.snapshot import (
    Snapshot,
    check_laws,
    delete_network,
    names_of,
    read_snapshot,
)
from tests.waiting import wait_until

AnyNetwork = Network[Params, Scores, Start, Timing]
AnyWorker = Worker[Params, Scores, Start, Timing]
AnyTask = Task[Params, Scores, Start, Timing]

LEASE = 1000.0
"""Seconds of a lease: longer than any history."""


class System(RuleBasedStateMachine):
    """What the rules act on; every request that they cause is sent twice."""

    url: ClassVar[str] = "embedded"

    def __init__(self) -> None:
        super().__init__()
        self.network_id = new_network_id()
        self.keys = NetworkKeys(self.network_id)
        self.model = Model()
        self.recorder = Recorder(self._repeat)
        self.settled: list[Request] = []
        self.gone: list[str] = []
        self.handles: list[AnyTask] = []
        self.n_created = 0
        self.manager = AnyNetwork(self.network_id, redis=self.url)
        self.recorder.listen(self.manager)
        self.aware: set[object] = {self.manager}
        self.client: Any = self.manager.connector
        self.leases = LeaseStore(self.manager._store)
        wait_until(
            lambda: self.leases.uptime() > 2, description="the server has outlasted a short lease"
        )
        self.everybody: list[AnyWorker] = []
        self.workers = {"first": self._new_worker(), "second": self._new_worker()}
        self.seen = {"manager": 0, "first": 0}
        self.readers = {"manager": self.manager, "first": self.workers["first"]}
        self.is_compared = True
        self.last = self._snapshot()
        self.last_model = _copy(self.model)

    def teardown(self) -> None:
        left = delete_network(self.client, self.network_id)
        for tasks in (self.manager, *self.everybody):
            tasks._channel.close()
        self.client.close()
        known = [*self.model.tasks, *self.model.hashes]
        if self.is_compared:  # else there is an error already, and the model is behind
            assert left <= names_of(self.network_id, known, self.model.workers)

    def _new_worker(self) -> AnyWorker:
        worker_id = new_worker_id()
        LEASES.leave_to_parent(worker_id)  # the rules renew the lease, and nobody else
        worker = AnyWorker(
            self.network_id,
            redis=self.url,
            worker_id=worker_id,
            heartbeat_period=1,
            heartbeat_expire=1,
        )
        self.recorder.listen(worker)
        self.everybody.append(worker)
        self.aware.add(worker)
        self.model.workers[worker_id] = ModelWorker()
        self.leases.renew({worker_id: LEASE})
        return worker

    def _replace(self, place: str) -> None:
        self.workers["late"] = self.workers[place]
        self.workers[place] = self._new_worker()

    def _worker(self, who: str) -> AnyWorker:
        return self.workers.get(who, self.workers["first"])

    def _anybody(self, who: str) -> tuple[AnyNetwork | AnyWorker, str | None]:
        """Find who acts, and the id that tasks of its making have."""
        if who == "manager":
            return self.manager, None
        worker = self._worker(who)
        return worker, worker.worker_id

    def _points(self, n: int) -> list[Params]:
        first = float(self.n_created)
        self.n_created += n
        return [Params(x1=first + i, x2=x2_of(first + i)) for i in range(n)]

    def _create(self, state: str, keys: list[str], xss: list[Params], **fields: Any) -> None:
        assert len(keys) == len(xss)
        self.model.create(
            [
                ModelTask(key=key, state=state, x1=xs.x1, **fields)
                for key, xs in zip(keys, xss, strict=True)
            ]
        )

    def _aimed(self, aims: list[tuple[str, int]], worker_id: str | None = None) -> list[str]:
        """Turn what a rule aims at into keys of tasks that there are."""
        keys = []
        for aim, number in aims:
            match aim:
                case "own":
                    found = self.model.of_worker(worker_id or "")
                case "queued":
                    found = self.model.queued_anywhere()
                case _:
                    found = self.model.index(aim)
            if found:
                keys.append(found[number % len(found)])
        return keys

    def _may_start(self, worker: AnyWorker, n: int) -> bool:
        """Say whether the model lets the worker start n tasks; else see it refused."""
        verdict = "STOPPED" if worker._stopping else self.model.verdict(worker.worker_id, n)
        xss = [Params(x1=-1.0, x2=1.0)] * n
        match verdict:
            case "FULL":  # here the public call waits until there is room
                row = [part for key in new_task_keys(n) for part in (key, b"xs", b"")]
                started = worker._ours.push_running_tasks(*row)
                assert started.verdict.name == "FULL"
                worker._note(started.verdict)
            case "SPENT" | "EXCESS":
                with pytest.raises(BudgetSpentError):
                    worker.push_running_tasks(xss)
            case "STOPPED" | "LOST":
                with pytest.raises(WorkerStoppedError):
                    worker.push_running_tasks(xss)
            case _:
                assert verdict == "GO"
        return verdict == "GO"

    def _check_terminated(self, worker: AnyWorker) -> None:
        over = self.model.verdict(worker.worker_id) in ("LOST", "STOPPED", "SPENT")
        assert worker.terminated == (worker._stopping or over)

    def _repeat(self, request: Request) -> None:
        """Send a request once more: the reply is the same, and nothing changes."""
        self.is_compared = False
        before = self._snapshot()
        reply = request.send_again()
        if not request.is_answered_anew:
            assert reply == request.reply, f"a repeated {request.script} was answered anew"
        after = self._snapshot()
        if request.is_announced_twice:
            before, after = before.without_wakes(), after.without_wakes()
        assert after == before, f"a repeated {request.script} wrote"
        if request.is_settled:
            self.settled.append(request)

    def _snapshot(self) -> Snapshot:
        return read_snapshot(self.client, self.network_id)

    @invariant()
    def what_is_stored_and_shown_agrees(self) -> None:
        now = self._snapshot()
        check_laws(now)
        check_stored(self.model, now)
        assert now.finished[: len(self.last.finished)] == self.last.finished or (
            self.model.n_resets > self.last_model.n_resets
        )
        if self.model == self.last_model:
            assert now.without_notes() == self.last.without_notes(), "a refused call wrote"
        else:
            check_shown(self.model, self.manager)
            check_records(self.model, self.manager)
            late_reader = self.workers["first"]
            check_frame(self.model, late_reader.fetch_finished_tasks(), self.model.finished)
        self.last, self.last_model = now, _copy(self.model)
        self.is_compared = True


def _copy(model: Model) -> Model:
    copied = pickle.loads(pickle.dumps(model))
    assert isinstance(copied, Model)
    return copied
