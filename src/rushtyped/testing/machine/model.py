"""What a network should hold: plain lists and records, and the rules of every transition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from rushtyped.codec import TaskCodec, as_extra
from rushtyped.models import DEFAULT_CONDITION, Condition, TaskState
from rushtyped.schema import Group
from rushtyped.task import XE, YE, AnyCondition, X, Y, as_condition
from rushtyped.testing.machine.agreement import ensure

MOST_ATTEMPTS = 3
REMOVED = Condition(type="TaskFailed", message="Removed from queue")
ENDED = Condition(type="WorkerTerminated", message="Worker was terminated")
KILLED = Condition(type="WorkerKilled", message="Worker was killed")
CRASHED = Condition(type="WorkerLost", message="gone")
EXPIRED = Condition(type="WorkerLost", message="Worker has crashed or was killed (no sign of life)")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ModelTask(Generic[X, Y, XE, YE]):
    """What is known of one task."""

    key: str
    state: TaskState
    xs: X
    ys: Y | None = None
    xs_extra: XE | None = None
    ys_extra: YE | None = None
    worker_id: str | None = None
    condition: Condition | None = None
    attempt: int = 1
    started: bool = False


@dataclass(frozen=True, slots=True)
class ModelWorker:
    """What is known of one registered worker."""

    running: bool = True
    leased: bool = True
    """Whether its lease lasts; one whose lease has run out may be found lost, but works on."""
    asked: str | None = None
    """What it was asked for while it ran: terminate or kill."""
    pending: tuple[str, ...] = ()
    """Keys that it has moved out of the queue and not claimed."""


@dataclass(slots=True)
class Model(Generic[X, Y, XE, YE]):
    """A whole network; keys are in the order in which the network should list them.

    A rule tells it what its calls have done, by the verbs below; those that a call of the library
    answers to return what the call should have returned.
    """

    codec: TaskCodec = field(repr=False, compare=False)
    tasks: dict[str, ModelTask[X, Y, XE, YE]] = field(default_factory=dict)
    queue: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    workers: dict[str, ModelWorker] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    """Ids of workers that have ended by themselves, whatever the network knows of them."""
    hashes: dict[str, dict[str, object]] = field(default_factory=dict)
    """Hashes that are no tasks, with their fields."""
    max_tasks: int | None = None
    n_resets: int = 0
    n_calls: int = 0
    """Calls that tell everybody something and may change nothing else."""

    def copy(self) -> Model[X, Y, XE, YE]:
        """Copy the model, to see later what has changed."""
        return replace(
            self,
            tasks=dict(self.tasks),
            queue=list(self.queue),
            running=list(self.running),
            finished=list(self.finished),
            failed=list(self.failed),
            workers=dict(self.workers),
            stopped=set(self.stopped),
            hashes=dict(self.hashes),
        )

    def create(
        self,
        state: TaskState | str,
        keys: Sequence[str],
        xss: Sequence[X],
        *,
        yss: Sequence[Y] | None = None,
        xss_extra: Sequence[XE | Mapping[str, object]] | None = None,
        yss_extra: Sequence[YE | Mapping[str, object]] | None = None,
        worker_id: str | None = None,
        condition: AnyCondition | None = None,
    ) -> None:
        """Add the tasks that a push has made; a list of one serves all of them.

        `worker_id` is that of the Worker which has pushed them, also as finished or failed ones;
        it is None for a Network, and for queued tasks.
        """
        state = TaskState(state)
        reason = DEFAULT_CONDITION if condition is None else as_condition(condition)
        n = len(keys)
        _agree_on_length("xss", xss, n)
        rows = zip(
            *(keys, xss, _spread("yss", yss, n)),
            *(self._extras("xs_extra", xss_extra, n), self._extras("ys_extra", yss_extra, n)),
            strict=True,
        )
        for key, xs, ys, xs_extra, ys_extra in rows:
            ensure(key not in self.tasks, f"the model has a task {key} already: it was made twice")
            self.tasks[key] = ModelTask(
                *(key, state, xs, ys, xs_extra, ys_extra),
                worker_id=None if state is TaskState.QUEUED else worker_id,
                condition=reason if state is TaskState.FAILED else None,
                started=state is TaskState.RUNNING,
            )
            self.index(state).append(key)

    def finish(
        self,
        worker_id: str,
        keys: Sequence[str],
        yss: Sequence[Y],
        *,
        yss_extra: Sequence[YE | Mapping[str, object]] | None = None,
    ) -> list[str]:
        """Finish tasks of a worker; return those that now hold this very result of its own."""
        moved = []
        extras = self._extras("ys_extra", yss_extra, len(keys))
        for key, ys, ys_extra in zip(keys, yss, extras, strict=True):
            task = self.task(key)
            if task.worker_id != worker_id:
                continue
            if task.state is TaskState.RUNNING:
                self._move(key, TaskState.FINISHED, ys=ys, ys_extra=ys_extra)
                moved.append(key)
            elif task.state is TaskState.FINISHED and self._is_stored(task, ys, ys_extra):
                moved.append(key)
        return moved

    def fail(
        self,
        worker_id: str | None,
        keys: Sequence[str],
        condition: AnyCondition = DEFAULT_CONDITION,
    ) -> list[str]:
        """Fail tasks that a worker runs, or anybody's for None; return those that failed."""
        moved: list[str] = []
        reason = as_condition(condition)
        for key in keys:
            task = self.task(key)
            owned = worker_id is None or task.worker_id == worker_id
            runs = task.state is TaskState.RUNNING and owned
            if runs or (task.state is TaskState.QUEUED and worker_id is None):
                self._move(key, TaskState.FAILED, condition=reason)
                moved.append(key)
        return moved

    def retry(self, keys: Sequence[str]) -> list[str]:
        """Queue failed tasks again; return those that were."""
        moved: list[str] = []
        for key in keys:
            if self.task(key).state is TaskState.FAILED:
                self._requeue(key)
                self.queue.append(key)
                moved.append(key)
        return moved

    def pop(self, worker_id: str) -> str | None:
        """Make the next task the worker's; return its key."""
        if worker_id in self.stopped or not self.is_running(worker_id):
            return None
        self.queue[:0] = self._take_pending(worker_id)
        if self.verdict(worker_id) != "GO" or not self.queue:
            return None
        key = self.queue[0]
        self._move(key, TaskState.RUNNING, worker_id=worker_id, started=True)
        return key

    def set_budget(self, max_tasks: int) -> None:
        """Set the budget, as `Network(max_tasks=...)` does."""
        self.max_tasks = max_tasks
        self.n_calls += 1

    def write_hash(self, key: str, **fields: object) -> None:
        """Write plain values to a hash that is no task."""
        self.hashes[key] = {**self.hashes.get(key, {}), **fields}

    def move(self, worker_id: str) -> None:
        """Do the first half of a pop."""
        if self.queue and self.is_running(worker_id):
            pending = (*self.workers[worker_id].pending, self.queue.pop(0))
            self._note(worker_id, pending=pending)

    def stop(self, worker_id: str) -> None:
        """Let a worker end by itself, as `Worker.stop` does."""
        self.stopped.add(worker_id)

    def leave(self, worker_id: str) -> None:
        """Let a worker leave, as `Worker.set_terminated` does."""
        self.settle(worker_id, ENDED, requeue=False, keep_popped=True)
        self.stop(worker_id)

    def ask(self, worker_id: str, how: str) -> None:
        """Ask a worker to end; `how` is terminate or kill."""
        if self.is_running(worker_id):
            if self.workers[worker_id].asked != "kill":
                self._note(worker_id, asked=how)
            self.n_calls += 1

    def renew(self, worker_id: str, seconds: float) -> str:
        """Renew a lease, end it where the seconds are 0, or only look where they are negative."""
        worker = self.workers.get(worker_id)
        if worker and worker.asked == "kill":
            return "KILL"
        if worker is None or not worker.running:
            return "GONE"
        self._note(worker_id, leased=worker.leased if seconds < 0 else seconds > 0)
        return "DONE"

    def lose_lease(self, worker_id: str) -> None:
        """Let a worker's lease run out."""
        if worker_id in self.workers:
            self._note(worker_id, leased=False)

    def settle(
        self, worker_id: str, condition: Condition, *, requeue: bool, keep_popped: bool
    ) -> None:
        """End a worker; its tasks fail, or go back to the front of the queue."""
        if not self.is_running(worker_id):
            return
        popped = self._take_pending(worker_id)
        self._note(worker_id, running=False, leased=False)
        back = []
        for key in self.of_worker(worker_id):
            if requeue and self.tasks[key].attempt < MOST_ATTEMPTS:
                self._requeue(key)
                back.append(key)
            else:
                self._move(key, TaskState.FAILED, condition=condition)
        if not keep_popped:
            for key in popped:
                self._move(key, TaskState.FAILED, condition=condition)
        self.queue[:0] = [*back, *(popped if keep_popped else ())]

    def reset(self, *, workers: bool) -> None:
        """Drop all tasks, and the workers where asked to."""
        for kept in (self.queue, self.running, self.finished, self.failed):
            kept.clear()
        self.tasks.clear()
        self.hashes.clear()
        for worker_id in self.workers:
            self._note(worker_id, pending=())
        if workers:
            self.workers.clear()
        self.n_resets += 1

    def task(self, key: str) -> ModelTask[X, Y, XE, YE]:
        """Return what is known of a task."""
        ensure(key in self.tasks, f"the model knows no task {key}: tell it first that it was made")
        return self.tasks[key]

    def index(self, state: TaskState | str) -> list[str]:
        """Return the keys of one state."""
        found: list[str] = getattr(self, "queue" if state == TaskState.QUEUED else str(state))
        return found

    def of_worker(self, worker_id: str) -> list[str]:
        """List what a worker runs."""
        return [key for key in self.running if self.tasks[key].worker_id == worker_id]

    def queued_anywhere(self) -> list[str]:
        """List the queued tasks, those that workers are just popping first."""
        return [key for worker in self.workers.values() for key in worker.pending] + self.queue

    def is_running(self, worker_id: str) -> bool:
        """Say whether the network knows a worker as a running one."""
        return worker_id in self.workers and self.workers[worker_id].running

    def lost(self) -> set[str]:
        """Name the running workers whose lease has run out."""
        return {key for key, worker in self.workers.items() if worker.running and not worker.leased}

    def verdict(self, worker_id: str, n: int = 1) -> str:
        """Say whether a worker may start n tasks: GO, or why not.

        LOST: it does not run any more. STOPPED: it was asked to end, or does so by itself. SPENT:
        the budget is used up, EXCESS: it has less left than n, FULL: running tasks take the rest;
        then `running_task` and `push_running_tasks` wait, and no rule may call them.
        """
        if worker_id in self.stopped:
            return "STOPPED"
        if not self.is_running(worker_id):
            return "LOST"
        if self.workers[worker_id].asked:
            return "STOPPED"
        if self.max_tasks is None:
            return "GO"
        left = self.max_tasks - len(self.finished)
        if left <= 0:
            return "SPENT"
        if n > left:
            return "EXCESS"
        return "FULL" if n > left - len(self.running) else "GO"

    def packed(self, task: ModelTask[X, Y, XE, YE]) -> dict[Group, bytes]:
        """Pack the models of a task as they are to be stored."""
        values: dict[Group, Any] = {
            "xs": task.xs,
            "ys": task.ys,
            "xs_extra": task.xs_extra,
            "ys_extra": task.ys_extra,
        }
        return {
            group: self.codec.group(group).encode(value)
            for group, value in values.items()
            if value is not None
        }

    def _is_stored(self, task: ModelTask[X, Y, XE, YE], ys: Y, ys_extra: YE | None) -> bool:
        return self.packed(task) == self.packed(replace(task, ys=ys, ys_extra=ys_extra))

    def _extras(self, group: Group, given: Sequence[Any] | None, n: int) -> Iterable[Any]:
        """Give each task its extra, as an instance of its model."""
        model = self.codec.group(group).model
        spread = _spread(f"{group.partition('_')[0]}s_extra", given, n)
        return [None if extra is None else as_extra(model, extra) for extra in spread]

    def _move(self, key: str, state: TaskState, **changes: Any) -> None:
        self._unlist(key)
        self.index(state).append(key)
        self.tasks[key] = replace(self.tasks[key], state=state, **changes)

    def _requeue(self, key: str) -> None:
        """Make a task a queued one, for the caller to put it to its place in the queue."""
        self._unlist(key)
        task = self.tasks[key]
        fresh: dict[str, Any] = {"condition": None, "worker_id": None, "started": False}
        self.tasks[key] = replace(task, state=TaskState.QUEUED, attempt=task.attempt + 1, **fresh)

    def _unlist(self, key: str) -> None:
        keys = self.index(self.tasks[key].state)
        if key in keys:
            keys.remove(key)
        for worker_id, worker in self.workers.items():
            if key in worker.pending:
                left = tuple(each for each in worker.pending if each != key)
                self._note(worker_id, pending=left)

    def _take_pending(self, worker_id: str) -> tuple[str, ...]:
        pending = self.workers[worker_id].pending
        self._note(worker_id, pending=())
        return pending

    def _note(self, worker_id: str, **changes: Any) -> None:
        self.workers[worker_id] = replace(self.workers[worker_id], **changes)


def _spread(name: str, given: Sequence[T] | None, n: int) -> Sequence[T | None]:
    """Give each of n tasks its value: one for each, one for all, or none."""
    if given is None:
        return [None] * n
    values = list(given) * n if len(given) == 1 else list(given)
    _agree_on_length(name, values, n)
    return values


def _agree_on_length(name: str, values: Sequence[object], n: int) -> None:
    ensure(len(values) == n, f"{name} has {len(values)} elements but there are {n} tasks")
