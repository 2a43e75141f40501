"""A network with a manager and two workers, compared with a model after each step."""

from __future__ import annotations

import time
from typing import Any, ClassVar, Generic

from hypothesis import currently_in_test_context, note
from hypothesis.stateful import RuleBasedStateMachine, invariant

from rushtyped.channel import Channel
from rushtyped.codec import task_codec
from rushtyped.connect import Server
from rushtyped.heartbeat.holder import LEASES
from rushtyped.keys import NetworkKeys, new_network_id, new_worker_id
from rushtyped.lease_store import LeaseStore
from rushtyped.network import Network
from rushtyped.selection import ALL_FIELDS
from rushtyped.specialisation import specialise
from rushtyped.store import Store
from rushtyped.task import XE, YE, Task, X, Y
from rushtyped.tasks import Tasks
from rushtyped.testing.machine.agreement import ensure
from rushtyped.testing.machine.comparison import (
    check_frame,
    check_records,
    check_shown,
    check_stored,
)
from rushtyped.testing.machine.laws import check_laws
from rushtyped.testing.machine.model import Model, ModelWorker
from rushtyped.testing.machine.parameters import completed, models_of, parameters_of
from rushtyped.testing.machine.quiet import Quiet
from rushtyped.testing.machine.recording import Recorder, Request
from rushtyped.testing.machine.snapshot import Snapshot, read_snapshot
from rushtyped.testing.machine.values import Values
from rushtyped.testing.stored_keys import delete_network, names_of
from rushtyped.worker import Worker

LEASE = 1000.0
"""Seconds of a lease: longer than any history."""
_UPTIME = 2.0
"""Seconds after whose start a server is believed when it says that a lease has run out."""
_PAUSE = 0.05


class System(RuleBasedStateMachine, Generic[X, Y, XE, YE]):
    """What the rules act on; every request that they cause is sent twice."""

    redis: ClassVar[Server | None] = "embedded"
    _parameters: ClassVar[tuple[Any, ...]] = ()

    def __class_getitem__(cls, parameters: Any) -> Any:
        return super().__class_getitem__(completed(cls, parameters))  # type: ignore[misc]  # Generic has it

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._parameters = parameters_of(cls, System) or cls._parameters

    def __init__(self) -> None:
        name = type(self).__name__
        self._models = models_of(name, self._parameters)
        super().__init__()
        self._quiet = Quiet()
        try:
            self._begin(name)
        except BaseException:
            self._quiet.end()  # what was not made is not torn down
            raise

    def _begin(self, name: str) -> None:
        self._network_type: Any = specialise(Network, tuple(self._models))
        self._worker_type: Any = specialise(Worker, tuple(self._models))
        self.network: Network[X, Y, XE, YE] = self._network_type(new_network_id(), redis=self.redis)
        self.model: Model[X, Y, XE, YE] = Model(task_codec(self._models))
        self._channel = _channel_of(self.network)
        self._keys = NetworkKeys(self.network.network_id)
        self._store = Store(self._channel, self._keys)
        self._leases = LeaseStore(self._store)
        self._schema = self.network.fetch_tasks(fields=ALL_FIELDS).schema
        self._recorder = Recorder(self._repeat)
        self._recorder.listen(self._channel)
        self._settled: list[Request] = []
        self._values: Values[X, Y, XE, YE] | None = None
        self._handles: list[tuple[str, Task[X, Y, XE, YE]]] = []
        self._everybody: list[Worker[X, Y, XE, YE]] = []
        self._joined_at: dict[Tasks[X, Y, XE, YE], int] = {}
        self._dropped: list[str] = []
        self.workers: dict[str, Worker[X, Y, XE, YE]] = {
            "first": self._new_worker(),
            "second": self._new_worker(),
        }
        self._readers: dict[str, Tasks[X, Y, XE, YE]] = {
            "manager": self.network,
            "first": self.workers["first"],
        }
        self._seen: dict[str, tuple[int, int]] = {}
        self._is_compared = True
        self._last = self._snapshot()
        self._last_model = self.model.copy()
        if type(self).__module__ != "__main__" and "<locals>" not in type(self).__qualname__:
            self._announce(f"from {type(self).__module__} import {name}")
        while self._leases.uptime() <= _UPTIME:
            time.sleep(_PAUSE)

    def teardown(self) -> None:
        """Delete the network; fail where it has left a Redis key that no network has."""
        self._quiet.end()
        network_id = self.network.network_id
        left = delete_network(self._channel, network_id)
        for tasks in (self.network, *self._everybody):
            tasks.reconnect()
        if self._is_compared:  # else there is an error already, and the model is behind
            known = [*self.model.tasks, *self.model.hashes]
            strange = sorted(
                left - names_of(network_id, task_keys=known, worker_ids=self.model.workers)
            )
            ensure(not strange, f"the network has left the Redis keys {strange}")

    def next_xss(self, n: int) -> list[X]:
        """Return the next n xs of this history, which takes its few values in turns."""
        return self._drawn().next("xs", n)

    def next_yss(self, n: int) -> list[Y]:
        """Return the next n ys of this history, which takes its few values in turns."""
        return self._drawn().next("ys", n)

    def check_laws(self) -> None:
        """Fail unless each task is in one state and all indexes agree, whatever the model says."""
        check_laws(self._snapshot())

    @invariant()
    def check_model(self) -> None:
        """Fail unless what is stored and shown is what the model says; runs after every rule."""
        now, last = self._snapshot(), self._last
        check_laws(now)
        check_stored(self.model, now)
        was_reset = self.model.n_resets > self._last_model.n_resets
        ensure(
            was_reset or now.finished[: len(last.finished)] == last.finished,
            f"finished tasks were {last.finished} and are {now.finished}: some left or moved",
        )
        if self.model == self._last_model:
            changed = now.without_notes().differences(last.without_notes())
            ensure(
                not changed,
                f"{', '.join(changed)} changed in Redis, but the model was told of nothing",
            )
        else:
            check_shown(self.model, self.network, self._schema)
            check_records(self.model, self.network)
            seen = self._readers["first"].fetch_finished_tasks()
            check_frame(self.model, seen, self.model.finished, self._schema)
        if was_reset:
            self._settled.clear()
        self._last, self._last_model = now, self.model.copy()
        self._is_compared = True

    @staticmethod
    def _announce(*lines: str) -> None:
        """Print code before the next step of a failing history."""
        if currently_in_test_context():
            for line in lines:
                note(line)

    def _drawn(self) -> Values[X, Y, XE, YE]:
        if self._values is None:
            raise AssertionError(
                "a history has no values before its begin: use rules, not initialize rules"
            )
        return self._values

    def _snapshot(self) -> Snapshot:
        return read_snapshot(self._channel, self.network.network_id)

    def _new_worker(self) -> Worker[X, Y, XE, YE]:
        worker_id = new_worker_id()
        LEASES.leave_to_parent(worker_id)  # the rules renew the lease, and nobody else
        worker: Worker[X, Y, XE, YE] = self._worker_type(
            self.network.network_id,
            redis=self.redis,
            worker_id=worker_id,
            heartbeat_period=1,
            heartbeat_expire=1,
        )
        self._recorder.listen(_channel_of(worker))
        self._everybody.append(worker)
        self._joined_at[worker] = self.model.n_resets
        self.model.workers[worker_id] = ModelWorker()
        self._leases.renew({worker_id: LEASE})
        return worker

    def _replace(self, place: str) -> None:
        self.workers["late"] = self.workers[place]
        self.workers[place] = self._new_worker()

    def _repeat(self, request: Request) -> None:
        """Send a request once more: the reply is the same, and nothing changes."""
        self._is_compared = False
        before = self._snapshot()
        reply = request.send_again()
        ensure(
            request.is_answered_anew or reply == request.reply,
            f"{request.script} was answered {request.reply}, and its repeat {reply}",
        )
        after = self._snapshot()
        if request.is_announced_twice:
            before, after = before.without_wakes(), after.without_wakes()
        changed = after.differences(before)
        ensure(not changed, f"a repeat of {request.script} changed {', '.join(changed)}")
        if request.is_settled:
            self._settled.append(request)


def _channel_of(tasks: Tasks[X, Y, XE, YE]) -> Channel:
    return tasks._channel  # noqa: SLF001 - requests are seen and repeated there
