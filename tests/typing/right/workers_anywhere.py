"""Workers on engines and by scripts, their leases and their logs."""

from __future__ import annotations

from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import assert_type

import polars as pl

from rushtyped import Network, Worker, WorkerEndedError, Xs, Ys


class Params(Xs):
    x: float


class Scores(Ys):
    y: float


Study = Network[Params, Scores]


def loop(worker: Worker[Params, Scores], *, sigma: float = 1.0) -> None:
    for task in worker.queue():
        task.finish(Scores(y=task.xs.x * sigma))


def on_engines(network: Study, executor: Executor) -> None:
    assert_type(network.start_workers(loop, executor=executor, n_workers=4), list[str])
    with ProcessPoolExecutor() as pool, ThreadPoolExecutor(2) as threads:
        network.start_workers(partial(loop, sigma=0.1), executor=pool, heartbeat_period=1)
        network.start_workers(loop, executor=threads, imports=["math"], log_levels={"": "INFO"})
    try:
        network.wait_for_workers(4, timeout=60)
    except WorkerEndedError as error:
        assert_type(str(error), str)


def by_scripts(network: Study) -> None:
    line = network.worker_script(
        loop, credentials=False, python="python3", message_log=Path("logs")
    )
    assert_type(line, str)
    network.worker_script(loop, heartbeat_period=10.0, heartbeat_expire=60.0, log_buffer_size=10)


def here(network: Study) -> None:
    network.start_local_workers(loop, log_levels={"": "INFO", "my.module": 10}, log_buffer_size=5)
    network.start_local_workers(loop, heartbeat_period=2, heartbeat_expire=4.0)
    Worker[Params, Scores]("study", heartbeat_period=2, heartbeat_expire=4.0)


def losses_and_logs(network: Study) -> None:
    assert_type(network.detect_lost_workers(requeue=True, max_attempts=5), list[str])
    assert_type(network.read_log(worker_ids=["a"], time_difference=True), pl.DataFrame)
    network.print_log()
