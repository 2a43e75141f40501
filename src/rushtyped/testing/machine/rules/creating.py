"""Tasks come into being: queued, running, finished and failed."""

from __future__ import annotations

from typing import Any, Generic

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from hypothesis.strategies import SearchStrategy

from rushtyped.codec import free_names
from rushtyped.models import TaskState
from rushtyped.schema import Group
from rushtyped.task import XE, YE, X, Y
from rushtyped.testing.machine.agreement import agree
from rushtyped.testing.machine.history import imports_of
from rushtyped.testing.machine.rules.acting import ANYBODY, COUNT, EXTRA, NUMBER, ActingMachine
from rushtyped.testing.machine.values import Values, drawn_values, set_apart


def _values_of(group: Group) -> SearchStrategy[list[Any]]:
    """Draw values of the models of whichever machine runs."""
    return st.runner().flatmap(
        lambda machine: drawn_values(machine._models, group)  # noqa: SLF001 - it is a machine of ours
    )


class CreatingMachine(ActingMachine[X, Y, XE, YE], Generic[X, Y, XE, YE]):
    """The rules that create tasks."""

    @initialize(
        xss=_values_of("xs"),
        yss=_values_of("ys"),
        xss_extra=_values_of("xs_extra"),
        yss_extra=_values_of("ys_extra"),
        queued=st.integers(0, 4),
        tries=COUNT,
        running=NUMBER,
        failed=NUMBER,
        room=st.none() | NUMBER,
        dying=st.booleans(),
    )
    def begin(
        self,
        *,
        xss: list[X],
        yss: list[Y],
        xss_extra: list[XE],
        yss_extra: list[YE],
        queued: int,
        tries: int,
        running: int,
        failed: int,
        room: int | None,
        dying: bool,
    ) -> None:
        """Begin with some tasks of each state, and with the values of this history."""
        self._announce(*imports_of([*xss, *yss, *xss_extra, *yss_extra]))
        before = set_apart(xss_extra, ())
        after = set_apart(yss_extra, [name for extra in before for name in free_names(extra)])
        self._values = Values(xss, yss, before, after)
        self._begin_queue(queued, tries)
        for worker in (self.workers["first"], self.workers["second"]):
            popped = worker.pop_task(timeout=0)
            agree("the popped task", popped and popped.key, self.model.pop(worker.worker_id))
            chosen = self.next_xss(running)
            keys = worker.push_running_tasks(chosen)
            self.model.create("running", keys, chosen, worker_id=worker.worker_id)
        chosen = self.next_xss(failed)
        self.model.create("failed", self.network.push_failed_tasks(chosen), chosen)
        if room is not None:
            self._set_budget(len(self.model.running) + room)
        if dying:
            self._die_between_move_and_claim(self.workers["second"].worker_id)

    def _begin_queue(self, n: int, tries: int) -> None:
        xss = self.next_xss(n)
        keys = self.network.push_tasks(xss)
        self.model.create("queued", keys, xss)
        for _ in range(tries - 1):
            agree("the failed tasks", self.network.fail_tasks(keys), self.model.fail(None, keys))
            agree("the retried tasks", self.network.retry_tasks(keys), self.model.retry(keys))

    @rule(who=ANYBODY, n=COUNT, extra=EXTRA)
    def push_tasks(self, *, who: str, n: int, extra: int | None) -> None:
        """Push queued tasks."""
        tasks, _ = self._anybody(who)
        xss, extras = self.next_xss(n), self._xs_extra(extra)
        keys = tasks.push_tasks(xss, xss_extra=extras)
        self.model.create("queued", keys, xss, xss_extra=extras)

    @rule(who=ANYBODY, n=COUNT, extra=EXTRA, ys_extra=EXTRA, fails=st.booleans())
    def push_settled_tasks(
        self, *, who: str, n: int, extra: int | None, ys_extra: int | None, fails: bool
    ) -> None:
        """Push finished or failed tasks."""
        tasks, worker_id = self._anybody(who)
        xss, extras = self.next_xss(n), self._xs_extra(extra)
        fields: dict[str, Any] = {"xss_extra": extras, "worker_id": worker_id}
        if fails:
            keys = tasks.push_failed_tasks(xss, xss_extra=extras, conditions="old")
            fields["condition"] = "old"
        else:
            yss, results_extra = self.next_yss(n), self._ys_extra(ys_extra)
            keys = tasks.push_finished_tasks(xss, yss, xss_extra=extras, yss_extra=results_extra)
            fields |= {"yss": yss, "yss_extra": results_extra}
        state = TaskState.FAILED if fails else TaskState.FINISHED
        self.model.create(state, keys, xss, **fields)
