"""Generic code that users write around the public face."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar, assert_type

from rushtyped import (
    XE,
    YE,
    AnyExtra,
    Extra,
    Field,
    Network,
    TaskRecord,
    Tasks,
    Worker,
    X,
    Xs,
    Y,
    Ys,
)


class Params(Xs):
    x: float


class Scores(Ys):
    y: float


class Origin(Extra):
    batch: int


class Timing(Extra):
    seconds: float


class Study(Network[Params, Scores]):
    """A network whose models are bound once and for all."""


def best(network: Network[X, Y], by: str) -> X | None:
    key = network.fetch_finished_tasks().sort(by)["key"].first()
    return network.read_tasks([str(key)])[0].xs if key is not None else None


def records(tasks: Tasks[X, Y, XE, YE], fields: Sequence[Field]) -> list[TaskRecord[X, Y, XE, YE]]:
    tasks.fetch_tasks(fields=fields)
    return tasks.read_tasks(tasks.tasks)


def repeat(worker: Worker[X, Y], xs: X, ys: Y) -> bool:
    with worker.running_task(xs) as task:
        return task.finish(ys)


OwnXs = TypeVar("OwnXs", bound=Xs)
OwnYs = TypeVar("OwnYs", bound=Ys)
OwnExtra = TypeVar("OwnExtra", bound=Extra)


def push_and_record(network: Network[OwnXs, OwnYs], xs: OwnXs) -> TaskRecord[OwnXs, OwnYs]:
    return network.read_tasks(network.push_tasks([xs]))[0]


def with_origins(
    network: Network[OwnXs, OwnYs, OwnExtra, AnyExtra], xss: Sequence[OwnXs], extra: OwnExtra
) -> list[OwnExtra | None]:
    keys = network.push_tasks(xss, xss_extra=[extra])
    return [record.xs_extra for record in network.read_tasks(keys)]


def work_off(worker: Worker[X, Y], evaluate: Callable[[X], Y]) -> int:
    return sum(task.finish(evaluate(task.xs)) for task in worker.queue(timeout=0.0))


def evaluate_all(
    network: Network[X, Y], loop: Callable[[Worker[X, Y]], object], xss: Sequence[X]
) -> list[tuple[X, Y]]:
    keys = network.push_tasks(xss)
    network.wait_for_workers(worker_ids=network.start_local_workers(loop, n_workers=1))
    network.wait_for_tasks(keys, timeout=60.0)
    found = network.read_tasks(keys)
    return [(record.xs, record.ys) for record in found if record.ys is not None]


def double(xs: Params) -> Scores:
    return Scores(y=xs.x * 2)


def loop(worker: Worker[Params, Scores]) -> None:
    while not worker.terminated:
        for task in worker.queue(timeout=0.2):
            task.finish(double(task.xs))


def use(study: Study, declared: Network[Params, Scores, Origin, Timing]) -> None:
    assert_type(best(study, "y"), Params | None)
    record = records(declared, ["xs", "times"])[0]
    assert_type(record.xs_extra, Origin | None)
    assert_type(record.ys_extra, Timing | None)
    assert_type(record.created_at, datetime)
    declared.push_tasks([Params(x=1)], xss_extra=[{"batch": 1}])
    assert_type(records(study, ["ys"])[0].xs_extra, AnyExtra | None)
    repeat(Worker[Params, Scores]("study"), Params(x=1), Scores(y=1))
    assert_type(push_and_record(study, Params(x=1)), TaskRecord[Params, Scores])
    assert_type(work_off(Worker[Params, Scores]("study"), double), int)
    assert_type(evaluate_all(study, loop, [Params(x=1)]), list[tuple[Params, Scores]])


def use_extras(network: Network[Params, Scores, Origin]) -> None:
    assert_type(with_origins(network, [Params(x=1)], Origin(batch=1)), list[Origin | None])
