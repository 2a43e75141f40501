"""Stopping workers that live in this process."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from rushtyped import TaskState, WorkerStoppedError
from tests.contents import contents_of
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points, search
from tests.waiting import in_background, wait_until_blocked

POINT = Params(x1=1.0, x2=2.0)


def test_a_terminated_worker_is_told_and_may_finish_its_task(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    task = worker.running_task(POINT)
    network.stop_workers("terminate")
    assert task.finish(Scores(y=1.0)) is True
    assert worker.terminated
    assert network.running_worker_ids == [worker.worker_id]


def test_a_terminated_worker_starts_no_task(network: ParamNetwork, worker: ParamWorker) -> None:
    keys = network.push_tasks(points(1))
    network.stop_workers("terminate")
    assert worker.pop_task(timeout=10.0) is None
    before = contents_of(network)
    with pytest.raises(WorkerStoppedError, match=worker.worker_id):
        worker.running_task(POINT)
    with pytest.raises(WorkerStoppedError):
        worker.push_running_tasks(points(2))
    assert contents_of(network) == before
    assert network.queued_tasks == keys


def test_the_queue_of_a_terminated_worker_ends(network: ParamNetwork, worker: ParamWorker) -> None:
    keys = network.push_tasks(points(3))
    for task in worker.queue():
        task.finish(Scores(y=0.0))
        network.stop_workers("terminate")
    assert network.finished_tasks == keys[:1]
    assert network.queued_tasks == keys[1:]


def test_a_worker_that_waits_for_a_slot_is_woken_to_stop(
    network: ParamNetwork,
    worker: ParamWorker,
    new_worker: Callable[[], ParamWorker],
    redis_url: str,
) -> None:
    ParamNetwork(network.network_id, redis=redis_url, max_tasks=1)
    worker.running_task(POINT)
    other = new_worker()
    with in_background(lambda: other.running_task(POINT)) as started:
        wait_until_blocked(network)
        network.stop_workers("terminate", worker_ids=[other.worker_id])
        with pytest.raises(WorkerStoppedError):
            started.result(timeout=5.0)


def test_a_worker_that_waits_for_a_task_is_told_soon(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    with in_background(lambda: worker.pop_task(timeout=20.0)) as popped:
        wait_until_blocked(network)
        began = time.monotonic()
        network.stop_workers("terminate")
        assert popped.result(timeout=10.0) is None
    assert time.monotonic() - began < 3.0


def test_only_the_named_workers_stop(
    network: ParamNetwork, worker: ParamWorker, new_worker: Callable[[], ParamWorker]
) -> None:
    other = new_worker()
    network.stop_workers("terminate", worker_ids=[worker.worker_id])
    assert (worker.terminated, other.terminated) == (True, False)


def test_naming_no_worker_stops_none(network: ParamNetwork, worker: ParamWorker) -> None:
    network.stop_workers("kill", worker_ids=[])
    assert not worker.terminated
    assert network.n_running_workers == 1


def test_killing_fails_the_tasks_of_the_worker(network: ParamNetwork, worker: ParamWorker) -> None:
    keys = worker.push_running_tasks(points(2))
    network.stop_workers("kill")
    assert network.failed_tasks == keys
    conditions = [record.condition for record in network.read_tasks(keys)]
    assert [c.message for c in conditions if c] == ["Worker was killed"] * 2
    assert network.terminated_worker_ids == [worker.worker_id]
    with pytest.raises(WorkerStoppedError):
        worker.running_task(POINT)


def test_ids_that_do_not_run_are_skipped_with_a_warning(
    network: ParamNetwork, worker: ParamWorker, warnings_seen: list[str]
) -> None:
    network.stop_workers("terminate", worker_ids=["nobody", worker.worker_id])
    assert worker.terminated
    assert warnings_seen == ["Workers ['nobody'] do not run: nothing to stop"]


def test_set_terminated_fails_what_runs_and_leaves_the_queue(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    running = worker.push_running_tasks(points(2))
    queued = network.push_tasks(points(1))
    worker.set_terminated()
    assert network.failed_tasks == running
    assert network.queued_tasks == queued
    condition = network.read_tasks(running)[0].condition
    assert condition is not None
    assert condition.message == "Worker was terminated"
    assert network.terminated_worker_ids == [worker.worker_id]
    assert worker.terminated


def test_set_terminated_again_changes_nothing(worker: ParamWorker) -> None:
    worker.set_terminated()
    before = contents_of(worker)
    worker.set_terminated()
    assert contents_of(worker) == before


def test_stop_ends_the_loop_without_the_network(worker: ParamWorker) -> None:
    worker.stop()
    search(worker)
    assert worker.tasks == []
    assert worker.pop_task(timeout=10.0) is None
    with pytest.raises(WorkerStoppedError):
        worker.running_task(POINT)


def test_a_stopped_worker_still_settles_its_task(worker: ParamWorker) -> None:
    task = worker.running_task(POINT)
    worker.stop()
    assert task.finish(Scores(y=1.0)) is True
    assert worker.read_tasks([task.key])[0].state is TaskState.FINISHED


def test_a_loop_that_only_asks_is_told_at_once(network: ParamNetwork, worker: ParamWorker) -> None:
    assert not worker.terminated
    network.stop_workers("terminate")
    assert worker.terminated


def test_what_a_reply_told_answers_one_question(network: ParamNetwork, worker: ParamWorker) -> None:
    worker.running_task(POINT).finish(Scores(y=0.0))
    network.stop_workers("terminate")
    assert (worker.terminated, worker.terminated) == (False, True)
