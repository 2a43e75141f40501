"""What the workers of the chaos run do: all that a worker can do to tasks, at random."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from pathlib import Path

from redis.exceptions import RedisError

from rushtyped import BudgetSpentError, WorkerStoppedError
from rushtyped.keys import NetworkKeys
from rushtyped.task import Task
from tests.chaos.journal import Journal, Verb
from tests.chaos.models import ChaosWorker, Receipt, Ticket
from tests.chaos.part import Origins, is_open, noting_trouble

PID = ".pid"
POP = 0.2


class PlannedError(Exception):
    """Raised by a loop on purpose."""


class Labourer:
    """One worker, with its journal."""

    def __init__(self, worker: ChaosWorker, directory: Path) -> None:
        self._worker = worker
        self._rng = random.Random(worker.worker_id)
        self._names = Origins(worker.worker_id)
        (directory / f"{worker.worker_id}{PID}").write_text(str(os.getpid()))
        self.journal = Journal(directory, worker.worker_id)

    def pop(self) -> Task[Ticket, Receipt] | None:
        """Take a task from the queue."""
        number = self.journal.ask(Verb.POP)
        task = self._worker.pop_task(timeout=POP)
        if task is None:
            self.journal.tell(number)
        else:
            self.journal.tell(number, [task.key], [str(task.attempt)])
        return task

    def start_one(self) -> None:
        """Create a task of its own, and settle it."""
        (origin,) = self._names.take(1)
        number = self.journal.ask(Verb.START, [origin])
        try:
            task = self._worker.running_task(Ticket(origin=origin))
        except (BudgetSpentError, WorkerStoppedError):
            self.journal.tell(number)
            raise
        self.journal.tell(number, [task.key], ["1"])
        self.settle(task)

    def start_several(self) -> None:
        """Create tasks of its own; finish some, fail some, and leave some to its end."""
        origins = self._names.take(self._rng.randint(2, 4))
        number = self.journal.ask(Verb.START, origins)
        try:
            keys = self._worker.push_running_tasks([Ticket(origin=name) for name in origins])
        except (BudgetSpentError, WorkerStoppedError):
            self.journal.tell(number)
            raise
        self.journal.tell(number, keys, ["1"] * len(keys))
        self._evaluate()
        half = len(keys) // 2
        self._finish_all(keys[:half])
        self._fail_all(keys[half:] if self._rng.random() < 0.9 else keys[half:-1])

    def settle(self, task: Task[Ticket, Receipt]) -> None:
        """Evaluate a task, and finish or fail it, or contradict what was said before."""
        self._evaluate()
        match self._rng.choices(("finish", "fail", "contradict", "raise"), (90, 6, 4, 0.3))[0]:
            case "finish":
                self._finish(task)
            case "fail":
                self._fail(task)
            case "contradict":
                first, second = self._rng.choices((self._finish, self._fail), k=2)
                first(task)
                second(task)
            case _:
                with task:
                    self.journal.ask(Verb.FAIL, [task.key], [PlannedError.__name__])
                    raise PlannedError

    def trespass(self) -> None:
        """Try to finish and to fail what runs elsewhere, as one does that was lost for a while."""
        running = self._worker.running_tasks
        self._finish_all(running[:1])
        self._fail_all(running[1:2])

    def die_in_pop(self) -> None:
        """Move a task from the queue as a pop does, and die before it is claimed."""
        self.journal.ask(Verb.HALF_POP)
        keys = NetworkKeys(self._worker.network_id)
        with contextlib.suppress(RedisError):  # this call knows no patience
            pending = keys.worker(self._worker.worker_id).pending
            self._worker.connector.lmove(keys.queue, pending, "LEFT", "RIGHT")
            os.kill(os.getpid(), signal.SIGKILL)

    def take(self) -> None:
        """Settle a task of the queue."""
        task = self.pop()
        if task is not None:
            self.settle(task)

    def step(self, gate: Path) -> None:
        """Do one thing."""
        creating = (self.start_one, self.start_several) if is_open(gate) else (self.take, self.take)
        actions = (*creating, self.trespass, self.die_in_pop, self.take)
        self._rng.choices(actions, (10, 2, 3, 0.3, 84.7))[0]()

    def drain(self) -> None:
        """Finish what is queued, and nothing else."""
        while (task := self.pop()) is not None:
            self._finish(task)

    def _evaluate(self) -> None:
        """Take some time, mostly next to none."""
        if self._rng.random() < 0.2:
            time.sleep(self._rng.expovariate(200.0))

    def _finish(self, task: Task[Ticket, Receipt]) -> None:
        (nonce,) = self._names.take(1)
        number = self.journal.ask(Verb.FINISH, [task.key], [nonce])
        moved = task.finish(Receipt(nonce=nonce))
        self.journal.tell(number, [task.key] if moved else [])

    def _fail(self, task: Task[Ticket, Receipt]) -> None:
        (message,) = self._names.take(1)
        number = self.journal.ask(Verb.FAIL, [task.key], [message])
        moved = task.fail(message)
        self.journal.tell(number, [task.key] if moved else [])

    def _finish_all(self, keys: list[str]) -> None:
        nonces = self._names.take(len(keys))
        number = self.journal.ask(Verb.FINISH, keys, nonces)
        moved = self._worker.finish_tasks(keys, [Receipt(nonce=nonce) for nonce in nonces])
        self.journal.tell(number, moved)

    def _fail_all(self, keys: list[str]) -> None:
        messages = self._names.take(len(keys))
        number = self.journal.ask(Verb.FAIL, keys, messages)
        self.journal.tell(number, self._worker.fail_tasks(keys, messages))


def work(worker: ChaosWorker, directory: Path, gate: Path) -> None:
    """Do all that a worker can do until it is told to end."""
    labourer = Labourer(worker, directory)
    with (
        noting_trouble(labourer.journal),
        contextlib.suppress(BudgetSpentError, WorkerStoppedError),
    ):
        while not worker.terminated:
            labourer.step(gate)


def drain(worker: ChaosWorker, directory: Path) -> None:
    """Finish what is queued."""
    labourer = Labourer(worker, directory)
    with noting_trouble(labourer.journal):
        labourer.drain()
