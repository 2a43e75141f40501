"""What a network should hold: plain lists and records, and the rules of every transition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

MOST_ATTEMPTS = 3
REMOVED = ("TaskFailed", "Removed from queue")
ENDED = ("WorkerTerminated", "Worker was terminated")
KILLED = ("WorkerKilled", "Worker was killed")
LOST = ("WorkerLost", "gone")
EXPIRED = ("WorkerLost", "Worker has crashed or was killed (no sign of life)")

Reason = tuple[str, str]
"""Type and message of a condition."""


@dataclass(slots=True)
class ModelTask:
    """What is known of one task."""

    key: str
    state: str
    x1: float
    batch: int | None = None
    y: float | None = None
    seconds: float | None = None
    worker_id: str | None = None
    reason: Reason | None = None
    attempt: int = 1
    started: bool = False


@dataclass(slots=True)
class ModelWorker:
    """What is known of one registered worker."""

    running: bool = True
    leased: bool = True
    """Whether its lease lasts; one whose lease has run out may be found lost, but works on."""
    asked: str | None = None
    """What it was asked for while it ran: terminate or kill."""
    pending: list[str] = field(default_factory=list)
    """Keys that it has moved out of the queue and not claimed."""


@dataclass(slots=True)
class Model:
    """A whole network; keys are in the order in which the network should list them."""

    tasks: dict[str, ModelTask] = field(default_factory=dict)
    queue: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    workers: dict[str, ModelWorker] = field(default_factory=dict)
    hashes: dict[str, int] = field(default_factory=dict)
    """Hashes that are no tasks, with the one value that they hold."""
    max_tasks: int | None = None
    n_resets: int = 0
    n_calls: int = 0
    """Calls that tell everybody something and may change nothing else."""

    def create(self, tasks: Sequence[ModelTask]) -> None:
        """Add tasks in the state that they have."""
        for task in tasks:
            assert task.key not in self.tasks
            self.tasks[task.key] = task
            self.index(task.state).append(task.key)

    def index(self, state: str) -> list[str]:
        """Return the list of one state."""
        return {
            "queued": self.queue,
            "running": self.running,
            "finished": self.finished,
            "failed": self.failed,
        }[state]

    def of_worker(self, worker_id: str) -> list[str]:
        """List what a worker runs."""
        return [key for key in self.running if self.tasks[key].worker_id == worker_id]

    def queued_anywhere(self) -> list[str]:
        """List the queued tasks, those that workers are just popping first."""
        return [key for worker in self.workers.values() for key in worker.pending] + self.queue

    def verdict(self, worker_id: str, n: int = 1) -> str:
        """Say whether a worker may start n tasks."""
        worker = self.workers.get(worker_id)
        if worker is None or not worker.running:
            return "LOST"
        if worker.asked:
            return "STOPPED"
        if self.max_tasks is None:
            return "GO"
        left = self.max_tasks - len(self.finished)
        if left <= 0:
            return "SPENT"
        if n > left:
            return "EXCESS"
        return "FULL" if n > left - len(self.running) else "GO"

    def move(self, worker_id: str) -> None:
        """Do the first half of a pop."""
        if self.queue:
            self.workers[worker_id].pending.append(self.queue.pop(0))

    def pop(self, worker_id: str) -> str | None:
        """Make the next task the worker's; return its key."""
        verdict = self.verdict(worker_id)
        if verdict == "LOST":
            return None
        pending = self.workers[worker_id].pending
        self.queue[:0] = pending
        pending.clear()
        if verdict != "GO" or not self.queue:
            return None
        task = self.tasks[self.queue.pop(0)]
        task.state, task.worker_id, task.started = "running", worker_id, True
        self.running.append(task.key)
        return task.key

    def finish(
        self, worker_id: str, keys: Sequence[str], y: float, seconds: float | None
    ) -> list[str]:
        """Finish tasks with one result; return those for which this holds afterwards."""
        moved = []
        for task in map(self.tasks.__getitem__, keys):
            if task.state == "running" and task.worker_id == worker_id:
                self.running.remove(task.key)
                self.finished.append(task.key)
                task.state, task.y, task.seconds = "finished", y, seconds
            ours = task.state == "finished" and task.worker_id == worker_id
            if ours and (task.y, task.seconds) == (y, seconds):
                moved.append(task.key)
        return moved

    def fail(self, worker_id: str | None, keys: Sequence[str], reason: Reason) -> list[str]:
        """Fail tasks that a worker runs, or anybody's without one; return those that failed."""
        moved = []
        for key in keys:
            task = self.tasks[key]
            owned = task.worker_id == worker_id if worker_id else True
            if task.state == "running" and owned:
                self.running.remove(key)
            elif task.state == "queued" and worker_id is None:
                self._unqueue(key)
            else:
                if key in moved:
                    moved.append(key)
                continue
            self._set_failed(task, reason)
            moved.append(key)
        return moved

    def retry(self, keys: Sequence[str]) -> list[str]:
        """Queue failed tasks again; return those that were."""
        moved: list[str] = []
        for key in keys:
            task = self.tasks[key]
            if task.state == "failed":
                self.failed.remove(key)
                self._set_queued(task)
                self.queue.append(key)
                moved.append(key)
            elif key in moved:
                moved.append(key)
        return moved

    def ask(self, worker_id: str, how: str) -> None:
        """Ask a worker to end."""
        worker = self.workers.get(worker_id)
        if worker and worker.running:
            worker.asked = worker.asked if worker.asked == "kill" else how
            self.n_calls += 1

    def renew(self, worker_id: str, seconds: float) -> str:
        """Renew a lease, end it where the seconds are 0, or only look where they are negative."""
        worker = self.workers.get(worker_id)
        if worker and worker.asked == "kill":
            return "KILL"
        if worker is None or not worker.running:
            return "GONE"
        worker.leased = worker.leased if seconds < 0 else seconds > 0
        return "DONE"

    def lost(self) -> set[str]:
        """Name the running workers whose lease has run out."""
        return {key for key, worker in self.workers.items() if worker.running and not worker.leased}

    def settle(self, worker_id: str, reason: Reason, *, requeue: bool, keep_popped: bool) -> None:
        """End a worker; its tasks fail, or go back to the front of the queue."""
        worker = self.workers[worker_id]
        if not worker.running:
            return
        worker.running = worker.leased = False
        back = []
        for key in self.of_worker(worker_id):
            task = self.tasks[key]
            self.running.remove(key)
            if requeue and task.attempt < MOST_ATTEMPTS:
                self._set_queued(task)
                back.append(key)
            else:
                self._set_failed(task, reason)
        for key in worker.pending:
            if keep_popped:
                back.append(key)
            else:
                self._set_failed(self.tasks[key], reason)
        worker.pending.clear()
        self.queue[:0] = back

    def reset(self, *, workers: bool) -> None:
        """Drop all tasks, and the workers where asked to."""
        for kept in (self.queue, self.running, self.finished, self.failed):
            kept.clear()
        self.tasks.clear()
        self.hashes.clear()
        for worker in self.workers.values():
            worker.pending.clear()
        if workers:
            self.workers.clear()
        self.n_resets += 1

    def _unqueue(self, key: str) -> None:
        for keys in (self.queue, *(worker.pending for worker in self.workers.values())):
            if key in keys:
                keys.remove(key)

    def _set_failed(self, task: ModelTask, reason: Reason) -> None:
        task.state, task.reason = "failed", reason
        self.failed.append(task.key)

    @staticmethod
    def _set_queued(task: ModelTask) -> None:
        task.state, task.reason, task.worker_id, task.started = "queued", None, None, False
        task.attempt += 1
