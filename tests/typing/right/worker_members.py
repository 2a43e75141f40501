"""Every member of a worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_type

import polars as pl
import redis

from rushtyped import (
    AnyExtra,
    Condition,
    Progress,
    Task,
    TaskRecord,
    Tasks,
    TaskState,
    Worker,
    Xs,
    Ys,
)


class Params(Xs):
    x: float


class Scores(Ys):
    y: float


def makes(client: redis.Redis) -> None:
    assert_type(Worker[Params, Scores]("study"), Worker[Params, Scores])
    Worker[Params, Scores]("study", redis="redis://host:6379", worker_id="a", retry_timeout=1)
    Worker[Params, Scores]("study", redis=client, heartbeat_period=1, heartbeat_expire=3.5)


def names(worker: Worker[Params, Scores]) -> None:
    assert_type(worker.network_id, str)
    assert_type(worker.worker_id, str)
    assert_type(worker.connector, redis.Redis | redis.RedisCluster)
    worker.reconnect()


def ends(worker: Worker[Params, Scores]) -> None:
    assert_type(worker.terminated, bool)
    worker.stop()
    worker.set_terminated()
    worker.leave("out of memory", reason="memory")
    worker.leave(Condition.from_exception(MemoryError()), "memory")


def runs(worker: Worker[Params, Scores], xss: list[Params], yss: list[Scores]) -> None:
    keys = worker.push_running_tasks(xss, xss_extra=[{"batch": 1}])
    assert_type(keys, list[str])
    assert_type(worker.finish_tasks(keys, yss, yss_extra=[{"seconds": 1}]), list[str])
    assert_type(worker.fail_tasks(keys), list[str])
    worker.fail_tasks(keys, conditions=[ValueError("no"), "no"])
    with worker.running_task(xss[0], xs_extra={"batch": 1}) as task:
        assert_type(task, Task[Params, Scores])
        task.finish(yss[0])
    assert_type(worker.running_task(xss[0], xs_extra=AnyExtra()), Task[Params, Scores])


def pops(worker: Worker[Params, Scores]) -> None:
    assert_type(worker.pop_task(timeout=1), Task[Params, Scores] | None)
    assert_type(worker.queue(timeout=0.5), Iterator[Task[Params, Scores]])
    while (task := worker.pop_task()) is not None:
        task.finish(Scores(y=task.xs.x))


def settles(worker: Worker[Params, Scores], key: str) -> None:
    assert_type(worker.settle_finished(key, Scores(y=1), ys_extra={"seconds": 1}), bool)
    assert_type(worker.settle_failed(key, ValueError("no")), bool)


def pushes(worker: Worker[Params, Scores], xss: list[Params], yss: list[Scores]) -> None:
    assert_type(worker.push_tasks(xss, xss_extra=[{"batch": 1}]), list[str])
    assert_type(worker.push_finished_tasks(xss, yss, yss_extra=[AnyExtra()]), list[str])
    assert_type(worker.push_failed_tasks(xss, conditions="no such point"), list[str])
    assert_type(worker.empty_queue(), list[str])
    assert_type(worker.retry_tasks(worker.failed_tasks), list[str])
    worker.wait_for_tasks(worker.tasks, timeout=1)


def frames(worker: Worker[Params, Scores]) -> None:
    assert_type(worker.fetch_tasks(), pl.DataFrame)
    assert_type(worker.fetch_queued_tasks(fields=["xs"]), pl.DataFrame)
    assert_type(worker.fetch_running_tasks(fields=["worker_id"]), pl.DataFrame)
    assert_type(worker.fetch_finished_tasks(fields=["xs", "ys"]), pl.DataFrame)
    assert_type(worker.fetch_failed_tasks(fields=["condition"]), pl.DataFrame)
    assert_type(worker.fetch_new_tasks(timeout=0.5), pl.DataFrame)
    assert_type(worker.fetch_tasks_with_state(states=["queued"]), pl.DataFrame)
    worker.reset_cache()


def reads(worker: Worker[Params, Scores], keys: list[str]) -> None:
    assert_type(worker.read_tasks(keys), list[TaskRecord[Params, Scores]])
    assert_type(worker.write_hashes(note=["a"]), list[str])
    assert_type(worker.read_hashes(keys, ["note"]), list[dict[str, object]])
    assert_type(worker.read_hash(keys[0], ["note"]), dict[str, object])
    assert_type(worker.is_running_task(keys), list[bool])
    assert_type(worker.is_failed_task(keys), list[bool])
    assert_type(worker.tasks_with_state(["running"]), dict[TaskState, list[str]])


def keys_and_counts(worker: Worker[Params, Scores]) -> None:
    assert_type(worker.tasks, list[str])
    assert_type(worker.queued_tasks, list[str])
    assert_type(worker.running_tasks, list[str])
    assert_type(worker.finished_tasks, list[str])
    assert_type(worker.failed_tasks, list[str])
    assert_type(worker.n_tasks, int)
    assert_type(worker.n_queued_tasks, int)
    assert_type(worker.n_running_tasks, int)
    assert_type(worker.n_finished_tasks, int)
    assert_type(worker.n_failed_tasks, int)


def others(worker: Worker[Params, Scores]) -> None:
    assert_type(worker.worker_ids, list[str])
    assert_type(worker.running_worker_ids, list[str])
    assert_type(worker.terminated_worker_ids, list[str])
    assert_type(worker.n_workers, int)
    assert_type(worker.n_running_workers, int)
    assert_type(worker.n_terminated_workers, int)
    assert_type(worker.worker_info, pl.DataFrame)


def as_tasks(worker: Worker[Params, Scores]) -> None:
    shared: Tasks[Params, Scores] = worker
    assert_type(shared.n_tasks, int)


def looks(worker: Worker[Params, Scores]) -> None:
    assert_type(worker.progress, Progress)
    assert_type(worker.wait_for_change(timeout=0.0), bytes)
    worker.wait_for_change(worker.progress.event, timeout=1)
    assert_type(worker.schemas, dict[str, dict[str, object]])
