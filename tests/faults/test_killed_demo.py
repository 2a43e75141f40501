"""The demo's own workers are killed, twenty times, and its count stays exact."""

from __future__ import annotations

import os
import random
import signal
import time
from functools import partial

import polars as pl
import pytest

from rushtyped import TaskState
from rushtyped.demo.problem import DemoNetwork, Origin
from rushtyped.demo.search import SPACE, search
from tests.waiting import wait_until

KILLS = 20
MAX_TASKS = 60


def start_worker(network: DemoNetwork, index: int) -> None:
    loop = partial(search, seed=1, index=index, max_tasks=MAX_TASKS)
    network.start_local_workers(loop, n_workers=1)


def kill_a_busy_worker(network: DemoNetwork) -> bool:
    """Kill the worker of a running task; False where none runs."""
    running = network.fetch_running_tasks(fields=["worker_id"])
    pids = network.worker_info.join(running, on="worker_id")["pid"].to_list()
    if not pids:
        return False
    os.kill(random.choice(pids), signal.SIGKILL)
    return True


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_twenty_kills_of_demo_workers_leave_the_count_exact(
    redis_url: str, network_id: str
) -> None:
    with DemoNetwork(network_id, redis=redis_url, max_tasks=MAX_TASKS) as network:
        network.push_tasks(SPACE.latin_hypercube(12, seed=1), xss_extra=[Origin(origin="design")])
        for index in range(2):
            start_worker(network, index)
        for index in range(2, 2 + KILLS):
            time.sleep(random.uniform(0.1, 1.0))
            wait_until(lambda: kill_a_busy_worker(network), description="a worker is busy")
            wait_until(network.detect_lost_workers, description="it is found to be lost")
            start_worker(network, index)
        network.wait_until_done(timeout=300.0)
        keys = network.tasks_with_state()
        assert len(keys[TaskState.FINISHED]) == MAX_TASKS
        assert keys[TaskState.RUNNING] == []
        listed = [key for state in TaskState for key in keys[state]]
        assert sorted(listed) == sorted(network.tasks)
        assert len(listed) == len(set(listed))
        failed = network.fetch_failed_tasks()["condition"].struct.field("message")
        assert failed.str.starts_with("Worker has crashed or was killed").all()
        assert network.fetch_finished_tasks()["log_loss"].null_count() == 0
        lost = network.worker_info.filter(pl.col("reason").str.contains("SIGKILL"))
        assert lost.height == KILLS
