"""Who acts in a rule, on which tasks, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic

from hypothesis import strategies as st

from rushtyped.errors import BudgetSpentError, WorkerStoppedError
from rushtyped.keys import new_task_keys
from rushtyped.models import TaskState
from rushtyped.task import XE, YE, X, Y
from rushtyped.tasks import Tasks
from rushtyped.testing.machine.agreement import agree
from rushtyped.testing.machine.system import System
from rushtyped.worker import Worker
from rushtyped.worker_store import Verdict, WorkerStore

WHO = st.sampled_from(["first", "first", "second", "second", "late"])
"""Two workers that run, and the last one that does not run any more."""
PLACE = st.sampled_from(["first", "second"])
ANYBODY = st.sampled_from(["manager", "first", "second", "late"])
NUMBER = st.integers(0, 2)
COUNT = st.integers(1, 3)
AIMS = st.lists(
    st.tuples(st.sampled_from(["own", "own", "own", *map(str, TaskState)]), NUMBER),
    min_size=1,
    max_size=3,
)
"""Tasks, by what is true of them and a number; some calls name one twice."""
EXTRA = st.none() | st.integers(0, 1)
"""Which of the history's extras to use, if any."""
RESULT = st.integers(0, 1)
"""Which of the history's ys to use."""

Aim = tuple[str, int]


class ActingMachine(System[X, Y, XE, YE], Generic[X, Y, XE, YE]):
    """Turns what rules are drawn with into workers, tasks and values."""

    def _worker(self, who: str) -> Worker[X, Y, XE, YE]:
        return self.workers.get(who, self.workers["first"])

    def _anybody(self, who: str) -> tuple[Tasks[X, Y, XE, YE], str | None]:
        """Find who acts, and the id that tasks of its making have."""
        if who == "manager":
            return self.network, None
        worker = self._worker(who)
        return worker, worker.worker_id

    def _ys(self, result: int) -> Y:
        yss = self._drawn().yss
        return yss[result % len(yss)]

    def _xs_extra(self, extra: int | None) -> list[XE] | None:
        return _chosen(self._drawn().xss_extra, extra)

    def _ys_extra(self, extra: int | None) -> list[YE] | None:
        return _chosen(self._drawn().yss_extra, extra)

    def _aimed(self, aims: Sequence[Aim], worker_id: str | None = None) -> list[str]:
        """Turn what a rule aims at into keys of tasks that there are; a manager owns the queued."""
        keys = []
        for aim, number in aims:
            match aim:
                case "own" if worker_id is not None:
                    found = self.model.of_worker(worker_id)
                case "own" | "queued":
                    found = self.model.queued_anywhere()
                case _:
                    found = self.model.index(aim)
            if found:
                keys.append(found[number % len(found)])
        return keys

    def _may_start(self, worker: Worker[X, Y, XE, YE], n: int) -> bool:
        """Say whether the model lets the worker start n tasks; else see it refused."""

        def start() -> object:
            return worker.push_running_tasks(self.next_xss(n))

        match self.model.verdict(worker.worker_id, n):
            case "FULL":  # the public call would wait until there is room
                ours = WorkerStore(self._store, worker.worker_id)
                row = [part for key in new_task_keys(n) for part in (key, b"xs", b"")]
                agree("the verdict", ours.push_running_tasks(*row).verdict.name, Verdict.FULL.name)
                agree("terminated", worker.terminated and worker.terminated, expected=False)
            case "SPENT" | "EXCESS":
                refused(BudgetSpentError, start)
            case "STOPPED" | "LOST":
                refused(WorkerStoppedError, start)
            case _:
                return True
        return False

    def _set_budget(self, most: int) -> None:
        most = max(1, most)
        joined = self._network_type(self.network.network_id, redis=self.redis, max_tasks=most)
        joined.reconnect()
        self._store.set_budget(most, None)  # as it did, to be seen repeated
        self.model.set_budget(most)

    def _die_between_move_and_claim(self, worker_id: str) -> None:
        """Move a task out of the queue, as a worker does that dies before it claims it."""
        if self.model.is_running(worker_id):
            pending = self._keys.worker(worker_id).pending
            self._channel.call("LMOVE", self._keys.queue, pending, "LEFT", "RIGHT")
            self.model.move(worker_id)

    def _check_terminated(self, worker: Worker[X, Y, XE, YE]) -> None:
        over = self.model.verdict(worker.worker_id) in ("LOST", "STOPPED", "SPENT")
        agree(f"terminated of worker {worker.worker_id}", worker.terminated, over)


def refused(error: type[Exception], call: Callable[[], Any]) -> None:
    """Fail unless a call raises an error of this class."""
    try:
        reply = call()
    except error:
        return
    raise AssertionError(f"a call returned {reply!r}, but the model says {error.__name__}")


def _chosen(extras: Sequence[Any], extra: int | None) -> list[Any] | None:
    return None if extra is None else [extras[extra % len(extras)]]
