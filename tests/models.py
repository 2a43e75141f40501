"""Models and worker loops that several tests use; importable by worker processes."""

from __future__ import annotations

import random
import time

from rushtyped import Extra, Network, Worker, Xs, Ys


class Params(Xs):
    x1: float
    x2: float


class Scores(Ys):
    y: float


class Start(Extra):
    batch: int


class Timing(Extra):
    seconds: float


ParamNetwork = Network[Params, Scores]
ParamWorker = Worker[Params, Scores]


def points(n: int) -> list[Params]:
    """List n points with x1 counting from 0."""
    return [Params(x1=float(i), x2=0.0) for i in range(n)]


def search(worker: Worker[Params, Scores]) -> None:
    """Evaluate points of a line until told to stop."""
    x = 0.0
    while not worker.terminated:
        x += 1.0
        with worker.running_task(Params(x1=x, x2=0.0)) as task:
            task.finish(Scores(y=-x))


def work_off(worker: Worker[Params, Scores]) -> None:
    """Evaluate the queue until it is empty."""
    for task in worker.queue(timeout=0.2):
        task.finish(Scores(y=task.xs.x1 + task.xs.x2))


def serve(worker: Worker[Params, Scores]) -> None:
    """Evaluate the queue until told to stop."""
    while not worker.terminated:
        task = worker.pop_task(timeout=0.2)
        if task is not None:
            task.finish(Scores(y=task.xs.x1))


def slow_search(worker: Worker[Params, Scores]) -> None:
    """Evaluate points that take some time each, from the queue and of its own."""
    while not worker.terminated:
        task = worker.pop_task(timeout=0.0)
        if task is None:
            task = worker.running_task(Params(x1=random.random(), x2=0.0))
        with task:
            time.sleep(random.uniform(0.0, 0.02))
            task.finish(Scores(y=task.xs.x1))


def hang(worker: Worker[Params, Scores]) -> None:
    """Start one task, and wait for it to be over in vain."""
    worker.running_task(Params(x1=0.0, x2=0.0))
    while not worker.terminated:
        worker.wait_for_tasks(worker.running_tasks, timeout=None)


def raise_in_task(worker: Worker[Params, Scores]) -> None:
    """Fail with a task running."""
    worker.running_task(Params(x1=0.0, x2=0.0))
    raise ValueError("no such point")


def hold(worker: Worker[Params, Scores], *, n: int = 1) -> None:
    """Pop n tasks, keep them running and sleep through everything but signals."""
    for _ in range(n):
        worker.pop_task(timeout=10.0)
    while True:
        worker.fetch_new_tasks(timeout=60.0)
