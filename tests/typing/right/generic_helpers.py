"""Generic code that users write around the public face."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import assert_type

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


def use(study: Study, declared: Network[Params, Scores, Origin, Timing]) -> None:
    assert_type(best(study, "y"), Params | None)
    record = records(declared, ["xs", "times"])[0]
    assert_type(record.xs_extra, Origin | None)
    assert_type(record.ys_extra, Timing | None)
    assert_type(record.created_at, datetime)
    declared.push_tasks([Params(x=1)], xss_extra=[{"batch": 1}])
    assert_type(records(study, ["ys"])[0].xs_extra, AnyExtra | None)
    repeat(Worker[Params, Scores]("study"), Params(x=1), Scores(y=1))
