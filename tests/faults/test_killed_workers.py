"""Worker processes are killed at random moments, and neither a task nor the count is lost."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from itertools import chain

import polars as pl

from rushtyped import Network, TaskState
from tests.models import Params, Scores, slow_search
from tests.waiting import wait_until

KILLS = 20


def kill_one(network: Network[Params, Scores]) -> bool:
    """Kill one of the running workers' processes; False where there is none."""
    running = network.worker_info.filter(pl.col("state") == "running")
    if running.is_empty():
        return False
    os.kill(random.choice(running["pid"].to_list()), signal.SIGKILL)
    return True


def check_settled(network: Network[Params, Scores], max_tasks: int) -> None:
    """Check that each task is in one state, the finished ones are complete, the others failed."""
    keys = network.tasks_with_state()
    assert len(keys[TaskState.FINISHED]) == max_tasks
    assert keys[TaskState.QUEUED] == keys[TaskState.RUNNING] == []
    assert Counter(chain.from_iterable(keys.values())) == Counter(network.tasks)
    finished = network.fetch_finished_tasks()
    assert finished["key"].to_list() == keys[TaskState.FINISHED]
    assert finished["y"].null_count() == 0
    failed = network.fetch_failed_tasks()
    messages = failed["condition"].struct.field("message")
    assert messages.str.starts_with("Worker has crashed or was killed").all()


def test_exactly_max_tasks_finish_however_often_workers_are_killed(
    redis_url: str, network_id: str
) -> None:
    max_tasks = 600
    with Network[Params, Scores](network_id, redis=redis_url, max_tasks=max_tasks) as network:
        network.push_tasks([Params(x1=float(i), x2=1.0) for i in range(50)])
        network.start_local_workers(slow_search, n_workers=2)
        for _ in range(KILLS):
            time.sleep(random.uniform(0.0, 0.1))
            wait_until(lambda: kill_one(network), description="a worker runs")
            wait_until(network.detect_lost_workers, description="it is found to be lost")
            network.start_local_workers(slow_search, n_workers=1)
        assert network.n_finished_tasks < max_tasks
        network.start_local_workers(slow_search, n_workers=2)
        network.wait_until_done(timeout=60.0)
        check_settled(network, max_tasks)
