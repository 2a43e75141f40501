"""A manager, and anybody else, moves tasks that are not its own."""

from __future__ import annotations

from typing import Generic

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from rushtyped.errors import UnknownTaskError
from rushtyped.models import DEFAULT_CONDITION
from rushtyped.task import XE, YE, X, Y
from rushtyped.testing.machine.agreement import agree
from rushtyped.testing.machine.model import REMOVED
from rushtyped.testing.machine.rules.acting import AIMS, ANYBODY, NUMBER, Aim, refused
from rushtyped.testing.machine.rules.working import MESSAGE, WorkingMachine
from rushtyped.worker import Worker

_NO_TASK = "no-such-task"


class ManagingMachine(WorkingMachine[X, Y, XE, YE], Generic[X, Y, XE, YE]):
    """The rules by which tasks move that nobody owns."""

    @precondition(lambda self: self.model.tasks)
    @rule(aims=AIMS, message=MESSAGE)
    def manager_fails_tasks(self, *, aims: list[Aim], message: str) -> None:
        """Fail tasks of any state and any owner; queued and running ones move."""
        keys = self._aimed(aims)
        moved = self.network.fail_tasks(keys, message)
        agree("the failed tasks", moved, self.model.fail(None, keys, message))

    @precondition(lambda self: self.model.queue)
    @rule(who=ANYBODY, by_default=st.booleans())
    def empty_queue(self, *, who: str, by_default: bool) -> None:
        """Fail all queued tasks, by either call that does so."""
        tasks, _ = self._anybody(who)
        moved = self.network.fail_tasks() if by_default else tasks.empty_queue()
        reason = DEFAULT_CONDITION if by_default else REMOVED
        agree("the failed tasks", moved, self.model.fail(None, list(self.model.queue), reason))

    @precondition(lambda self: self.model.tasks)
    @rule(who=ANYBODY, numbers=st.lists(NUMBER, min_size=1, max_size=2), aims=AIMS)
    def retry_tasks(self, *, who: str, numbers: list[int], aims: list[Aim]) -> None:
        """Retry tasks of any state; failed ones move."""
        tasks, _ = self._anybody(who)
        keys = self._aimed([*(("failed", number) for number in numbers), *aims[1:]])
        agree("the retried tasks", tasks.retry_tasks(keys), self.model.retry(keys))

    @rule(who=ANYBODY, call=st.sampled_from(["finish", "fail", "retry"]), aims=AIMS)
    def name_an_unknown_task(self, *, who: str, call: str, aims: list[Aim]) -> None:
        """Name a task that there is not, or not any more: nothing moves, not even known ones."""
        tasks, worker_id = self._anybody(who)
        known = list(dict.fromkeys(self._aimed(aims, worker_id)))
        keys = [*known, self._dropped[-1] if self._dropped else _NO_TASK]
        yss = self.next_yss(len(keys))
        done: list[str] = []

        def name_it() -> list[str]:
            if call == "retry":
                return tasks.retry_tasks(keys)
            if call == "finish" and isinstance(tasks, Worker):
                done.extend(self._done_already(tasks.worker_id, known, yss[:-1]))
                return tasks.finish_tasks(keys, yss)
            return (tasks if isinstance(tasks, Worker) else self.network).fail_tasks(keys)

        if tasks is self.network or self._joined_at[tasks] == self.model.n_resets:
            refused(UnknownTaskError, name_it)
        else:  # it did not know of the reset yet, so it takes the task for one of before
            agree("the moved tasks", name_it(), done)
            self._joined_at[tasks] = self.model.n_resets

    def _done_already(self, worker_id: str, keys: list[str], yss: list[Y]) -> list[str]:
        """List the tasks that a worker has finished with these very results."""
        holding = self.model.copy().finish(worker_id, keys, yss)
        return [key for key in holding if key in self.model.finished]
