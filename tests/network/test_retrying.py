"""Failed tasks go back to the queue."""

from __future__ import annotations

from collections.abc import Callable

from rushtyped import TaskState
from tests.models import ParamNetwork, ParamWorker, Scores, points


def test_a_retried_task_is_queued_as_its_next_attempt(network: ParamNetwork) -> None:
    keys = network.push_failed_tasks(points(1), xss_extra=[{"batch": 2}], conditions="diverged")
    assert network.retry_tasks(keys) == keys
    (record,) = network.read_tasks(keys)
    assert record.state is TaskState.QUEUED
    assert record.attempt == 2
    assert record.xs == points(1)[0]
    assert record.xs_extra is not None
    assert (record.condition, record.worker_id) == (None, None)
    assert (record.started_at, record.finished_at) == (None, None)
    assert network.failed_tasks == []


def test_retried_tasks_go_to_the_end_of_the_queue(network: ParamNetwork) -> None:
    failed = network.push_failed_tasks(points(2))
    queued = network.push_tasks(points(1))
    network.retry_tasks(failed)
    assert network.queued_tasks == queued + failed


def test_a_retried_task_can_be_popped_and_finished(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    keys = network.push_failed_tasks(points(1))
    network.retry_tasks(keys)
    task = worker.pop_task()
    assert task is not None
    assert task.attempt == 2
    assert task.finish(Scores(y=3.0)) is True
    assert network.finished_tasks == keys


def test_attempts_are_counted(network: ParamNetwork, worker: ParamWorker) -> None:
    (key,) = network.push_tasks(points(1))
    attempts = []
    for _ in range(3):
        task = worker.pop_task()
        assert task is not None
        attempts.append(task.attempt)
        task.fail("again")
        network.retry_tasks([key])
    assert attempts == [1, 2, 3]


def test_only_failed_tasks_are_retried(
    network: ParamNetwork, worker: ParamWorker, warnings_seen: list[str]
) -> None:
    failed = network.push_failed_tasks(points(1))
    queued = network.push_tasks(points(1))
    finished = network.push_finished_tasks(points(1), [Scores(y=0.0)])
    running = worker.push_running_tasks(points(1))
    assert network.retry_tasks(queued + failed + finished + running) == failed
    assert network.running_tasks == running
    assert network.finished_tasks == finished
    assert warnings_seen == [f"3 tasks could not be retried: {(queued + finished + running)}"]


def test_a_second_retry_of_a_queued_task_changes_nothing(
    network: ParamNetwork, warnings_seen: list[str]
) -> None:
    keys = network.push_failed_tasks(points(1))
    network.retry_tasks(keys)
    assert network.retry_tasks(keys) == []
    assert network.queued_tasks == keys
    assert network.read_tasks(keys)[0].attempt == 2


def test_a_key_named_twice_is_retried_once(network: ParamNetwork) -> None:
    (key,) = network.push_failed_tasks(points(1))
    assert network.retry_tasks([key, key]) == [key]
    assert network.queued_tasks == [key]
    assert network.read_tasks([key])[0].attempt == 2


def test_a_worker_retries_tasks_that_another_failed(
    worker: ParamWorker, new_worker: Callable[[], ParamWorker]
) -> None:
    other = new_worker()
    (key,) = other.push_running_tasks(points(1))
    other.fail_tasks([key])
    assert worker.retry_tasks([key]) == [key]
    assert worker.queued_tasks == [key]
