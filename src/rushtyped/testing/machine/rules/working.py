"""Workers take tasks, start their own, and settle them."""

from __future__ import annotations

from typing import Generic

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from rushtyped.errors import InvalidArgumentError
from rushtyped.models import Condition
from rushtyped.task import XE, YE, Task, X, Y
from rushtyped.testing.machine.agreement import agree
from rushtyped.testing.machine.rules.acting import (
    AIMS,
    COUNT,
    EXTRA,
    PLACE,
    RESULT,
    WHO,
    Aim,
    refused,
)
from rushtyped.testing.machine.rules.creating import CreatingMachine

ENDING = st.sampled_from(["keep", "keep", "keep", "finish", "fail", "leave"])
MESSAGE = st.sampled_from(["diverged", "out of memory"])
_LEFT = Condition(type="TaskNotFinished", message="The task's block ended without a result")
_ODD = Condition(type="T", message="m")


class WorkingMachine(CreatingMachine[X, Y, XE, YE], Generic[X, Y, XE, YE]):
    """The rules by which tasks run and end."""

    @precondition(lambda self: self.model.queued_anywhere() or len(self.model.tasks) % 7 == 6)
    @rule(who=WHO, ending=ENDING)
    def pop_task(self, *, who: str, ending: str) -> None:
        """Pop the next task, and use it as a context manager or keep it."""
        worker = self._worker(who)
        task = worker.pop_task(timeout=0)
        expected = self.model.pop(worker.worker_id)
        agree("the popped task", task.key if task else None, expected)
        self._check_terminated(worker)
        if task is not None:
            known = self.model.tasks[task.key]
            agree("its xs", task.xs, known.xs)
            agree("its xs_extra", task.xs_extra, known.xs_extra)
            agree("its attempt", task.attempt, known.attempt)
            self._run_block(worker.worker_id, task, ending)

    @rule(place=PLACE)
    def die_between_move_and_claim(self, *, place: str) -> None:
        """Take a task out of the queue, and no more."""
        self._die_between_move_and_claim(self.workers[place].worker_id)

    @rule(who=WHO, n=COUNT, extra=EXTRA)
    def push_running_tasks(self, *, who: str, n: int, extra: int | None) -> None:
        """Create tasks that run at once, or see them refused."""
        worker = self._worker(who)
        if self._may_start(worker, n):
            xss, extras = self.next_xss(n), self._xs_extra(extra)
            keys = worker.push_running_tasks(xss, xss_extra=extras)
            self.model.create("running", keys, xss, xss_extra=extras, worker_id=worker.worker_id)
        self._check_terminated(worker)

    @rule(who=WHO, extra=EXTRA, ending=ENDING)
    def running_task(self, *, who: str, extra: int | None, ending: str) -> None:
        """Create one task that runs at once, and use it as a context manager or keep it."""
        worker = self._worker(who)
        if self._may_start(worker, 1):
            (xs,) = self.next_xss(1)
            extras = self._xs_extra(extra)
            task = worker.running_task(xs, xs_extra=extras[0] if extras else None)
            self.model.create(
                "running", [task.key], [xs], xss_extra=extras, worker_id=worker.worker_id
            )
            self._run_block(worker.worker_id, task, ending)

    def _run_block(self, worker_id: str, task: Task[X, Y, XE, YE], ending: str) -> None:
        match ending:
            case "keep":
                self._handles.append((worker_id, task))
            case "finish":
                (ys,) = self.next_yss(1)
                with task:
                    agree("finish of a running task", task.finish(ys), expected=True)
                self.model.finish(worker_id, [task.key], [ys])
            case "fail":
                error = ValueError("no")
                with task:
                    agree("fail of a running task", task.fail(error), expected=True)
                self.model.fail(worker_id, [task.key], error)
            case _:  # "leave"
                with task:
                    pass
                self.model.fail(worker_id, [task.key], _LEFT)

    @precondition(lambda self: self.model.tasks)
    @rule(who=WHO, aims=AIMS, result=RESULT, extra=EXTRA)
    def finish_tasks(self, *, who: str, aims: list[Aim], result: int, extra: int | None) -> None:
        """Finish tasks of any state and any owner; only its own running ones move."""
        worker = self._worker(who)
        ys, extras = self._ys(result), self._ys_extra(extra)
        keys = self._aimed(aims, worker.worker_id)
        if len(set(keys)) < len(keys):
            refused(InvalidArgumentError, lambda: worker.finish_tasks(keys, [ys] * len(keys)))
        keys = list(dict.fromkeys(keys))
        yss = [ys] * len(keys)
        moved = worker.finish_tasks(keys, yss, yss_extra=extras)
        expected = self.model.finish(worker.worker_id, keys, yss, yss_extra=extras)
        agree("the finished tasks", moved, expected)
        if keys:  # else nobody was asked
            self._check_terminated(worker)

    @precondition(lambda self: self.model.tasks)
    @rule(who=WHO, aims=AIMS, message=MESSAGE)
    def fail_tasks(self, *, who: str, aims: list[Aim], message: str) -> None:
        """Fail tasks of any state and any owner; only its own running ones move."""
        worker = self._worker(who)
        keys = self._aimed(aims, worker.worker_id)
        moved = worker.fail_tasks(keys, message)
        agree("the failed tasks", moved, self.model.fail(worker.worker_id, keys, message))

    @precondition(lambda self: self._handles)
    @rule(number=st.integers(0, 5), result=RESULT, fails=st.booleans())
    def settle_by_handle(self, *, number: int, result: int, fails: bool) -> None:
        """Settle a task that was kept, whatever has happened to it and to its worker since."""
        worker_id, task = self._handles[-1 - number % len(self._handles)]
        keys = [task.key] if task.key in self.model.tasks else []
        if fails:
            moved, expected = task.fail(_ODD), self.model.fail(worker_id, keys, _ODD)
        else:
            ys = self._ys(result)
            moved, expected = task.finish(ys), self.model.finish(worker_id, keys, [ys] * len(keys))
        agree("whether a task was still its worker's", moved, bool(expected))
