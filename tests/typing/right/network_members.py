"""Every member of a network."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Self, assert_type

import polars as pl
import redis

from rushtyped import (
    AnyExtra,
    Condition,
    Extra,
    Network,
    Progress,
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


def loop(worker: Worker[Params, Scores], *, sigma: float = 1.0) -> None:
    for task in worker.queue():
        task.finish(Scores(y=task.xs.x * sigma))


def makes(client: redis.Redis, cluster: redis.RedisCluster) -> None:
    assert_type(Network[Params, Scores](), Network[Params, Scores])
    Network[Params, Scores]("study", redis="embedded", max_tasks=10, max_seconds=1)
    Network[Params, Scores](redis=client, retry_timeout=0.5)
    Network[Params, Scores](redis=cluster, max_tasks=None, max_seconds=2.5)
    with Network[Params, Scores]("study") as network:
        assert_type(network, Network[Params, Scores])


def opens(network: Network[Params, Scores], client: redis.Redis) -> None:
    opened = Network.open("study", redis=client, retry_timeout=1)
    assert_type(opened, Network[Xs, Ys, Extra, Extra])
    for record in opened.read_tasks(opened.tasks):
        assert_type(record.xs, Xs)
        assert_type(record.ys, Ys | None)
        print(record.xs.model_dump()["x"])
    assert_type(network.open("study"), Network[Xs, Ys, Extra, Extra])


def verifies(network: Network[Params, Scores]) -> None:
    assert_type(network.verify(), pl.DataFrame)
    assert_type(network.verify(repair=True), pl.DataFrame)


def names(network: Network[Params, Scores]) -> None:
    assert_type(network.network_id, str)
    assert_type(network.connector, redis.Redis | redis.RedisCluster)
    network.reconnect()


def pushes(network: Network[Params, Scores], xss: list[Params], yss: tuple[Scores, ...]) -> None:
    assert_type(network.push_tasks(xss), list[str])
    network.push_tasks(tuple(xss), xss_extra=[{"batch": 1}, AnyExtra(batch=2)])
    assert_type(network.push_finished_tasks(xss, yss), list[str])
    network.push_finished_tasks(xss, yss, xss_extra=[{"batch": 1}], yss_extra=[{"seconds": 1.5}])
    assert_type(network.push_failed_tasks(xss), list[str])
    network.push_failed_tasks(xss, xss_extra=[{"batch": 1}], conditions="no such point")
    network.push_failed_tasks(
        xss, conditions=[ValueError("no"), "no", Condition.from_exception(OSError())]
    )


def transitions(network: Network[Params, Scores], keys: list[str]) -> None:
    assert_type(network.empty_queue(), list[str])
    assert_type(network.fail_tasks(), list[str])
    network.fail_tasks(keys, conditions=[ValueError("no")])
    assert_type(network.retry_tasks(tuple(keys)), list[str])
    network.wait_for_tasks(keys, timeout=1, detect_lost_workers=True)


def frames(network: Network[Params, Scores]) -> None:
    assert_type(network.fetch_tasks(), pl.DataFrame)
    assert_type(network.fetch_queued_tasks(fields=("xs",)), pl.DataFrame)
    assert_type(network.fetch_running_tasks(fields=["xs", "worker_id"]), pl.DataFrame)
    assert_type(network.fetch_finished_tasks(fields=["xs", "ys", "times"]), pl.DataFrame)
    assert_type(network.fetch_failed_tasks(fields=["condition"]), pl.DataFrame)
    assert_type(network.fetch_new_tasks(fields=["ys_extra", "xs_extra"], timeout=1), pl.DataFrame)
    assert_type(network.fetch_tasks_with_state(), pl.DataFrame)
    network.fetch_tasks_with_state(states=[TaskState.RUNNING, "failed"], fields=["xs"])
    network.reset_cache()


def records(network: Network[Params, Scores], keys: list[str]) -> None:
    found = network.read_tasks(keys)
    assert_type(found, list[TaskRecord[Params, Scores]])
    assert_type(found[0].xs_extra, AnyExtra | None)


def keys_and_counts(network: Network[Params, Scores], keys: list[str]) -> None:
    assert_type(network.tasks, list[str])
    assert_type(network.queued_tasks, list[str])
    assert_type(network.running_tasks, list[str])
    assert_type(network.finished_tasks, list[str])
    assert_type(network.failed_tasks, list[str])
    assert_type(network.n_tasks, int)
    assert_type(network.n_queued_tasks, int)
    assert_type(network.n_running_tasks, int)
    assert_type(network.n_finished_tasks, int)
    assert_type(network.n_failed_tasks, int)
    assert_type(network.is_running_task(keys), list[bool])
    assert_type(network.is_failed_task(keys), list[bool])
    assert_type(network.tasks_with_state(), dict[TaskState, list[str]])
    network.tasks_with_state(["queued", TaskState.FINISHED])


def hashes(network: Network[Params, Scores], keys: list[str]) -> None:
    assert_type(network.write_hashes(keys=keys, note=["a"], weight=[1.5], left_out=None), list[str])
    assert_type(network.read_hashes(keys, ["note"]), list[dict[str, object]])
    network.read_hashes(keys, ["xs"], flatten=False)
    assert_type(network.read_hash(keys[0], ["note", "weight"]), dict[str, object])


def workers(network: Network[Params, Scores], ids: list[str]) -> None:
    assert_type(network.worker_ids, list[str])
    assert_type(network.running_worker_ids, list[str])
    assert_type(network.terminated_worker_ids, list[str])
    assert_type(network.n_workers, int)
    assert_type(network.n_running_workers, int)
    assert_type(network.n_terminated_workers, int)
    assert_type(network.worker_info, pl.DataFrame)
    network.wait_for_workers(2, worker_ids=ids, timeout=1)
    network.wait_for_workers(worker_ids=ids)
    network.wait_until_done(timeout=1, progress=True)
    network.stop_workers()
    network.stop_workers("terminate", worker_ids=ids)
    assert_type(network.detect_lost_workers(requeue=True, max_attempts=2), list[str])
    network.reset()
    network.reset(workers=False)
    network.expire(3600)
    network.expire(0.5)
    network.expire(None)


def starts(network: Network[Params, Scores], executor: Executor) -> None:
    assert_type(network.start_local_workers(loop, n_workers=2, supervise=False), list[str])
    network.start_local_workers(
        partial(loop, sigma=0.5),
        imports=["math"],
        log_levels={"": "INFO", "my.module": 10},
        log_buffer_size=10,
        message_log=Path("logs"),
        output_log="logs",
        heartbeat_period=1,
        heartbeat_expire=3.5,
    )
    assert_type(network.start_workers(loop, executor=executor, n_workers=2), list[str])
    assert_type(network.worker_script(loop, credentials=False, python="python3"), str)


def logs(network: Network[Params, Scores], ids: list[str]) -> None:
    assert_type(network.read_log(), pl.DataFrame)
    network.read_log(worker_ids=ids, time_difference=True)
    network.print_log()


def as_tasks(network: Network[Params, Scores]) -> None:
    shared: Tasks[Params, Scores] = network
    assert_type(shared.n_tasks, int)


class Study(Network[Params, Scores]):
    """A subclass stays one when it is entered."""

    def entered(self) -> Self:
        with self as study:
            return study


MAKE: Callable[[str], Network[Params, Scores]] = Network[Params, Scores]


def looks(network: Network[Params, Scores]) -> None:
    assert_type(network.progress, Progress)
    assert_type(network.wait_for_change(timeout=0.0), bytes)
    network.wait_for_change(network.progress.event, timeout=1)
    assert_type(network.schemas, dict[str, dict[str, object]])
