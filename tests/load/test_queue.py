"""A long queue: pushed, listed, popped, failed at either end and in the middle, emptied."""

from __future__ import annotations

import random

from rushtyped import TaskState
from tests.load.conftest import Load
from tests.load.traffic import Traffic
from tests.models import ParamNetwork, ParamWorker, Scores, points


def test_a_long_queue(
    load: Load, network: ParamNetwork, worker: ParamWorker, traffic: Traffic
) -> None:
    chunk = points(1000)
    keys = [key for _ in range(load.n // 1000) for key in network.push_tasks(chunk)]
    assert network.n_queued_tasks == load.n
    assert network.queued_tasks == keys
    assert network.tasks == keys
    assert network.fetch_queued_tasks(fields=["xs"])["key"].to_list() == keys

    popped = [task for _ in range(200) if (task := worker.pop_task(timeout=0.0)) is not None]
    assert [task.key for task in popped] == keys[:200]
    assert popped[0].finish(Scores(y=1.0))
    assert network.tasks_with_state() == {
        TaskState.QUEUED: keys[200:],
        TaskState.RUNNING: keys[1:200],
        TaskState.FINISHED: keys[:1],
        TaskState.FAILED: [],
    }

    tail = random.Random(1).sample(keys[-1000:], 500)
    assert network.fail_tasks(tail) == tail
    assert network.failed_tasks == tail
    middle = keys[load.n // 2 : load.n // 2 + 20]
    assert network.fail_tasks(middle) == middle
    assert network.retry_tasks([*tail, *middle]) == [*tail, *middle]
    again = {*tail, *middle}
    queued = [key for key in keys[200:] if key not in again] + tail + middle
    assert network.queued_tasks == queued

    assert network.empty_queue() == queued
    assert network.n_queued_tasks == 0
    assert network.failed_tasks == queued
    network.reset(workers=False)
    assert (network.tasks, network.n_failed_tasks) == ([], 0)
    assert worker.running_tasks == []
    with load.server.client() as client:
        assert not [name for name in client.scan_iter(count=1000) if b"task:" in name]
