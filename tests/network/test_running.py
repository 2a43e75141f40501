"""A running task: only its worker settles it, and only once."""

from __future__ import annotations

import pytest

from rushtyped import Condition, InvalidTypeError, Task, TaskState
from tests.contents import contents_of
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points

POINT = Params(x1=1.0, x2=2.0)


def condition_of(worker: ParamWorker, key: str) -> Condition:
    condition = worker.read_tasks([key])[0].condition
    assert condition is not None
    return condition


def settle_and_raise(task: Task[Params, Scores]) -> None:
    task.finish(Scores(y=1.0))
    raise ValueError("later")


def test_a_running_task_belongs_to_its_worker(worker: ParamWorker) -> None:
    task = worker.running_task(POINT, xs_extra={"batch": 3})
    assert (task.xs, task.attempt) == (POINT, 1)
    assert worker.running_tasks == [task.key]
    (record,) = worker.read_tasks([task.key])
    assert record.state is TaskState.RUNNING
    assert record.worker_id == worker.worker_id
    assert record.started_at is not None
    assert task.xs_extra is not None
    assert task.xs_extra.model_dump() == {"batch": 3}


def test_finish_stores_the_result_and_its_extra(worker: ParamWorker) -> None:
    with worker.running_task(POINT) as task:
        assert task.finish(Scores(y=4.0), ys_extra={"seconds": 0.1}) is True
    (record,) = worker.read_tasks([task.key])
    assert (record.state, record.ys) == (TaskState.FINISHED, Scores(y=4.0))
    assert record.ys_extra is not None
    assert record.ys_extra.model_dump() == {"seconds": 0.1}
    assert worker.finished_tasks == [task.key]
    assert worker.running_tasks == []


def test_fail_stores_the_condition(worker: ParamWorker) -> None:
    with worker.running_task(POINT) as task:
        assert task.fail("diverged") is True
    assert worker.failed_tasks == [task.key]
    assert condition_of(worker, task.key) == Condition(type="TaskFailed", message="diverged")


def test_a_task_can_be_settled_without_a_block(worker: ParamWorker) -> None:
    assert worker.running_task(POINT).finish(Scores(y=1.0)) is True
    assert worker.running_task(POINT).fail(ValueError("bad")) is True
    assert (worker.n_finished_tasks, worker.n_failed_tasks) == (1, 1)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_exception_fails_the_task_and_goes_on(
    worker: ParamWorker, error: type[BaseException]
) -> None:
    with pytest.raises(error, match="out of reach"), worker.running_task(POINT) as task:
        raise error("out of reach")
    condition = condition_of(worker, task.key)
    assert (condition.type, condition.message) == (error.__name__, "out of reach")
    assert condition.traceback is not None
    assert "raise error" in condition.traceback


def test_a_block_left_without_a_result_fails_the_task(worker: ParamWorker) -> None:
    with worker.running_task(POINT) as task:
        pass
    expected = Condition(type="TaskNotFinished", message="The task's block ended without a result")
    assert condition_of(worker, task.key) == expected


def test_an_exception_after_the_result_changes_nothing(worker: ParamWorker) -> None:
    task = worker.running_task(POINT)
    with pytest.raises(ValueError, match="later"), task:
        settle_and_raise(task)
    assert worker.finished_tasks == [task.key]
    assert worker.n_failed_tasks == 0


def test_a_result_of_the_wrong_model_leaves_the_task_running(worker: ParamWorker) -> None:
    task = worker.running_task(POINT)
    with pytest.raises(InvalidTypeError, match="Scores"):
        task.finish(POINT)  # type: ignore[arg-type]
    assert worker.running_tasks == [task.key]
    assert task.finish(Scores(y=1.0)) is True


def test_a_result_of_the_wrong_model_in_a_block_fails_the_task(worker: ParamWorker) -> None:
    with pytest.raises(InvalidTypeError), worker.running_task(POINT) as task:
        task.finish(POINT)  # type: ignore[arg-type]
    assert condition_of(worker, task.key).type == "InvalidTypeError"


def test_finishing_again_with_the_same_result_is_a_repeat(worker: ParamWorker) -> None:
    task = worker.running_task(POINT)
    task.finish(Scores(y=1.0))
    before = contents_of(worker)
    assert task.finish(Scores(y=1.0)) is True
    assert contents_of(worker) == before


def test_the_first_result_wins(worker: ParamWorker, warnings_seen: list[str]) -> None:
    task = worker.running_task(POINT)
    task.finish(Scores(y=1.0))
    before = contents_of(worker)
    assert task.finish(Scores(y=2.0)) is False
    assert task.fail("too late") is False
    assert contents_of(worker) == before
    assert len(warnings_seen) == 2
    assert task.key in warnings_seen[0]


def test_a_failed_task_cannot_be_finished(worker: ParamWorker, warnings_seen: list[str]) -> None:
    task = worker.running_task(POINT)
    task.fail("diverged")
    before = contents_of(worker)
    assert task.finish(Scores(y=1.0)) is False
    assert contents_of(worker) == before
    assert len(warnings_seen) == 1


def test_many_tasks_are_pushed_and_settled_at_once(worker: ParamWorker) -> None:
    keys = worker.push_running_tasks(points(4), xss_extra=[{"batch": 1}])
    assert worker.running_tasks == keys
    yss = [Scores(y=0.0), Scores(y=1.0)]
    assert worker.finish_tasks(keys[:2], yss, yss_extra=[{"seconds": 1.0}]) == keys[:2]
    assert worker.fail_tasks(keys[2:], ["a", "b"]) == keys[2:]
    assert worker.finished_tasks == keys[:2]
    assert worker.failed_tasks == keys[2:]
    assert condition_of(worker, keys[3]).message == "b"


def test_fail_tasks_has_a_default_condition(worker: ParamWorker) -> None:
    keys = worker.push_running_tasks(points(1))
    worker.fail_tasks(keys)
    assert condition_of(worker, keys[0]).message == "Task failed"


def test_finish_tasks_returns_only_what_it_finished(
    worker: ParamWorker, warnings_seen: list[str]
) -> None:
    keys = worker.push_running_tasks(points(3))
    worker.fail_tasks(keys[:1])
    queued = worker.push_tasks(points(1))
    assert worker.finish_tasks(keys + queued, [Scores(y=9.0)] * 4) == keys[1:]
    assert worker.queued_tasks == queued
    assert len(warnings_seen) == 1
    assert "2 tasks could not be finished" in warnings_seen[0]


def test_the_tasks_of_another_worker_are_left_alone(
    worker: ParamWorker, network: ParamNetwork, redis_url: str, warnings_seen: list[str]
) -> None:
    other = ParamWorker(network.network_id, redis=redis_url)
    keys = worker.push_running_tasks(points(1))
    before = contents_of(network)
    assert other.finish_tasks(keys, [Scores(y=0.0)]) == []
    assert other.fail_tasks(keys) == []
    assert contents_of(network) == before
    assert len(warnings_seen) == 2


def test_a_worker_that_comes_back_late_changes_nothing(
    worker: ParamWorker, network: ParamNetwork, warnings_seen: list[str]
) -> None:
    task = worker.running_task(POINT)
    keys = worker.push_running_tasks(points(1))
    network.stop_workers("kill", worker_ids=[worker.worker_id])
    before = contents_of(network)
    assert task.finish(Scores(y=1.0)) is False
    assert task.fail("late") is False
    assert worker.finish_tasks(keys, [Scores(y=1.0)]) == []
    assert worker.fail_tasks(keys) == []
    assert worker.terminated
    assert contents_of(network) == before
    assert len(warnings_seen) == 4
    assert condition_of(worker, task.key).message == "Worker was killed"


def test_the_block_of_a_lost_task_ends_quietly(
    worker: ParamWorker, network: ParamNetwork, warnings_seen: list[str]
) -> None:
    with worker.running_task(POINT) as task:
        network.stop_workers("kill", worker_ids=[worker.worker_id])
        assert task.finish(Scores(y=1.0)) is False
    assert network.failed_tasks == [task.key]


def test_a_retried_task_of_a_lost_worker_is_not_its_own(
    worker: ParamWorker, network: ParamNetwork, redis_url: str, warnings_seen: list[str]
) -> None:
    task = worker.running_task(POINT)
    network.stop_workers("kill", worker_ids=[worker.worker_id])
    network.retry_tasks([task.key])
    heir = ParamWorker(network.network_id, redis=redis_url).pop_task()
    assert heir is not None
    assert task.finish(Scores(y=1.0)) is False
    assert heir.finish(Scores(y=2.0)) is True
    assert network.read_tasks([task.key])[0].ys == Scores(y=2.0)
