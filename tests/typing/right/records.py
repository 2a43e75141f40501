"""Every member of what a task is held, stored and explained by, and of a plan."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import assert_type

import redis

from rushtyped import (
    AnyExtra,
    Condition,
    Extra,
    Plan,
    Task,
    TaskRecord,
    TaskState,
    WorkerType,
    Xs,
    Ys,
)


class Params(Xs):
    x: float


class Scores(Ys):
    y: float
    note: str | None = None


class Origin(Extra):
    batch: int


class Timing(Extra):
    seconds: float


def held(task: Task[Params, Scores, Origin, Timing]) -> None:
    assert_type(task.key, str)
    assert_type(task.xs, Params)
    assert_type(task.xs.x, float)
    assert_type(task.xs_extra, Origin | None)
    assert_type(task.attempt, int)
    with task as same:
        assert_type(same, Task[Params, Scores, Origin, Timing])
    assert_type(task.finish(Scores(y=1)), bool)
    task.finish(Scores(y=1, note="best"), ys_extra=Timing(seconds=1))
    task.finish(Scores(y=1), ys_extra={"seconds": 1})
    assert_type(task.fail("no"), bool)
    task.fail(ValueError("no"))
    task.fail(Condition(type="NoSuchPoint", message="no"))


def held_with_any_extra(task: Task[Params, Scores]) -> None:
    assert_type(task.xs_extra, AnyExtra | None)
    task.finish(Scores(y=1), ys_extra={"anything": [1, 2]})


def stored(record: TaskRecord[Params, Scores, Origin, Timing]) -> None:
    assert_type(record.key, str)
    assert_type(record.state, TaskState)
    assert_type(record.xs, Params)
    assert_type(record.ys, Scores | None)
    assert_type(record.xs_extra, Origin | None)
    assert_type(record.ys_extra, Timing | None)
    assert_type(record.worker_id, str | None)
    assert_type(record.condition, Condition | None)
    assert_type(record.attempt, int)
    assert_type(record.created_at, datetime)
    assert_type(record.started_at, datetime | None)
    assert_type(record.finished_at, datetime | None)
    if record.ys is not None and record.ys_extra is not None:
        assert_type(record.ys.y / record.ys_extra.seconds, float)


def by_state(record: TaskRecord[Params, Scores]) -> str:
    match record.state:
        case TaskState.QUEUED | TaskState.RUNNING:
            return "open"
        case TaskState.FINISHED:
            return "done"
        case TaskState.FAILED:
            return record.condition.message if record.condition is not None else "unknown"


def explained(condition: Condition) -> None:
    assert_type(condition.type, str)
    assert_type(condition.message, str)
    assert_type(condition.traceback, str | None)
    assert_type(Condition.from_exception(ValueError("no")), Condition)
    assert_type(condition.from_exception(KeyboardInterrupt()), Condition)


def planned(plan: Plan) -> None:
    assert_type(plan.n_workers, int | None)
    assert_type(plan.worker_type, WorkerType | None)
    assert_type(plan.log_buffer_size, int | None)
    assert_type(plan.log_limit, int | None)
    assert_type(plan.large_objects_path, Path | None)
    assert_type(plan.max_object_size, int | None)
    assert_type(plan.start_worker_timeout, float | None)
    assert_type(plan.heartbeat_period, float | None)
    assert_type(plan.heartbeat_expire, float | None)
    assert_type(list(plan.said()), list[str])
    if plan.log_levels is not None:
        assert_type(plan.log_levels[""], int)
    if isinstance(plan.redis, redis.Redis):
        assert_type(plan.redis, redis.Redis)
