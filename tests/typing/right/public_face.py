"""Uses of the public face that every type checker must accept."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import assert_type

import polars as pl

from rushtyped import (
    AnyExtra,
    Condition,
    Extra,
    Network,
    Task,
    Tasks,
    TaskState,
    Worker,
    Xs,
    Ys,
)


class Params(Xs):
    x1: float
    x2: float


class Scores(Ys):
    y: float


class Origin(Extra):
    batch: int


def count(tasks: Tasks[Params, Scores]) -> int:
    return tasks.n_tasks


def extras(
    network: Network[Params, Scores], declared: Network[Params, Scores, Origin, AnyExtra]
) -> None:
    network.push_tasks([Params(x1=1, x2=2)], xss_extra=[AnyExtra()])
    declared.push_tasks([Params(x1=1, x2=2)], xss_extra=[Origin(batch=1)])
    count(network)


def branin(xs: Params) -> Scores:
    return Scores(y=xs.x1 - xs.x2)


def random_search(worker: Worker[Params, Scores]) -> None:
    while not worker.terminated:
        xs = Params(x1=1, x2=2)
        with worker.running_task(xs) as task:
            assert_type(task.xs, Params)
            task.finish(Scores(y=task.xs.x1))


def annealing(worker: Worker[Params, Scores], *, sigma: float) -> int:
    keys = worker.push_running_tasks([Params(x1=sigma, x2=2)])
    assert_type(worker.finish_tasks(keys, [Scores(y=sigma)]), list[str])
    assert_type(worker.fail_tasks(keys, conditions=[ValueError("no")]), list[str])
    return worker.n_finished_tasks


def evaluate_queue(worker: Worker[Params, Scores]) -> None:
    for task in worker.queue(timeout=0.5):
        assert_type(task, Task[Params, Scores])
        task.finish(branin(task.xs))
    task_or_none = worker.pop_task(timeout=1.0)
    assert_type(task_or_none, Task[Params, Scores] | None)
    if task_or_none is not None:
        assert_type(task_or_none.key, str)
        worker.fail_tasks([task_or_none.key], conditions="too late")


def start() -> None:
    with Network[Params, Scores]("branin", max_tasks=100, redis="embedded") as network:
        assert_type(network, Network[Params, Scores])
        assert_type(network.start_local_workers(random_search, n_workers=2), list[str])
        network.start_local_workers(partial(annealing, sigma=0.1))
        loops: list[Callable[[Worker[Params, Scores]], object]] = [random_search, evaluate_queue]
        for loop in loops:
            network.start_local_workers(loop, n_workers=1)
        network.wait_until_done(progress=True)
        network.stop_workers(type="kill")


def push_and_fetch(network: Network[Params, Scores]) -> None:
    xss = [Params(x1=1, x2=2)]
    keys = network.push_tasks(xss)
    assert_type(keys, list[str])
    network.push_finished_tasks(tuple(xss), [Scores(y=1)])
    failed = Condition.from_exception(ValueError("no"))
    network.push_failed_tasks(xss, conditions=[failed])
    network.fail_tasks(keys, conditions=failed)
    assert_type(network.fetch_finished_tasks(fields=["xs", "ys", "times"]), pl.DataFrame)
    assert_type(network.fetch_tasks_with_state(states=["queued", TaskState.FAILED]), pl.DataFrame)
    assert_type(network.fetch_new_tasks(timeout=1), pl.DataFrame)
    for record in network.read_tasks(keys):
        assert_type(record.xs, Params)
        assert_type(record.ys, Scores | None)
    network.wait_for_tasks(keys, timeout=10, detect_lost_workers=True, progress=True)
    assert_type(network.is_failed_task(keys), list[bool])
    assert_type(network.tasks_with_state(["running"]), dict[TaskState, list[str]])
    assert_type(network.n_tasks, int)
    assert_type(network.worker_info, pl.DataFrame)
    assert_type(network.detect_lost_workers(requeue=True), list[str])
