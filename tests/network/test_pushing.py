"""Creating tasks in every state that a task may be created in."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rushtyped import Condition, TaskState
from tests.contents import contents_of
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points

RoundTrips = Callable[[object, Callable[[], object]], int]


def test_pushed_tasks_are_queued_in_order(network: ParamNetwork) -> None:
    keys = network.push_tasks(points(3))
    assert len(set(keys)) == 3
    assert network.queued_tasks == keys
    assert network.tasks == keys


def test_later_pushes_go_to_the_end_of_the_queue(network: ParamNetwork) -> None:
    first = network.push_tasks(points(2))
    second = network.push_tasks(points(1))
    assert network.queued_tasks == first + second


def test_keys_are_24_hexadecimal_digits(network: ParamNetwork) -> None:
    (key,) = network.push_tasks(points(1))
    assert len(key) == 24
    assert set(key) <= set("0123456789abcdef")


def test_any_iterable_of_xs_can_be_pushed(network: ParamNetwork) -> None:
    assert len(network.push_tasks(tuple(points(2)))) == 2
    assert len(network.push_tasks(point for point in points(3))) == 3  # type: ignore[arg-type]  # a Sequence is declared


def test_a_push_larger_than_a_chunk_keeps_its_order(network: ParamNetwork) -> None:
    keys = network.push_tasks(points(2500))
    assert network.queued_tasks == keys
    assert network.read_tasks([keys[1000]])[0].xs == Params(x1=1000.0, x2=0.0)


def test_a_queued_task_has_its_xs_and_nothing_of_a_run(network: ParamNetwork) -> None:
    (task,) = network.read_tasks(network.push_tasks([Params(x1=1.5, x2=-2.0)]))
    assert task.state is TaskState.QUEUED
    assert task.xs == Params(x1=1.5, x2=-2.0)
    assert task.attempt == 1
    unset = (task.ys, task.xs_extra, task.ys_extra, task.worker_id, task.condition)
    assert unset == (None, None, None, None, None)
    assert (task.started_at, task.finished_at) == (None, None)


def test_a_finished_task_has_its_ys(network: ParamNetwork) -> None:
    keys = network.push_finished_tasks(points(2), [Scores(y=1.0), Scores(y=2.0)])
    assert network.finished_tasks == keys
    tasks = network.read_tasks(keys)
    assert [task.ys for task in tasks] == [Scores(y=1.0), Scores(y=2.0)]
    assert tasks[0].finished_at is not None
    assert tasks[0].worker_id is None


def test_a_failed_task_has_a_condition(network: ParamNetwork) -> None:
    keys = network.push_failed_tasks(points(1))
    assert network.failed_tasks == keys
    expected = Condition(type="TaskFailed", message="Task failed")
    assert network.read_tasks(keys)[0].condition == expected


def test_tasks_that_a_worker_creates_carry_its_id(worker: ParamWorker) -> None:
    keys = worker.push_finished_tasks(points(1), [Scores(y=0.0)])
    keys += worker.push_failed_tasks(points(1))
    keys += worker.push_running_tasks(points(1))
    assert [task.worker_id for task in worker.read_tasks(keys)] == [worker.worker_id] * 3


def test_a_queued_task_has_no_worker_even_if_a_worker_pushed_it(worker: ParamWorker) -> None:
    keys = worker.push_tasks(points(1))
    assert worker.read_tasks(keys)[0].worker_id is None


def test_pushing_nothing_returns_nothing_and_writes_nothing(
    network: ParamNetwork, worker: ParamWorker, count_round_trips: RoundTrips
) -> None:
    before = contents_of(network)
    assert network.push_tasks([]) == []
    assert network.push_finished_tasks([], []) == []
    assert network.push_failed_tasks([]) == []
    assert worker.push_running_tasks([]) == []
    assert worker.finish_tasks([], []) == []
    assert worker.fail_tasks([]) == []
    assert network.retry_tasks([]) == []
    assert contents_of(network) == before
    assert count_round_trips(network, lambda: network.push_tasks([])) == 0


def test_one_extra_serves_all_tasks(network: ParamNetwork) -> None:
    keys = network.push_tasks(points(3), xss_extra=[{"batch": 7}])
    extras = [task.xs_extra for task in network.read_tasks(keys)]
    assert [extra.model_dump() for extra in extras if extra] == [{"batch": 7}] * 3


def test_each_task_may_have_its_own_extra_or_none(network: ParamNetwork) -> None:
    keys = network.push_finished_tasks(
        points(2),
        [Scores(y=0.0), Scores(y=1.0)],
        xss_extra=[{"batch": 1}, {"batch": 2}],
        yss_extra=[{"seconds": 0.5}, {"seconds": 1.5}],
    )
    first, second = network.read_tasks(keys)
    assert first.xs_extra is not None
    assert first.xs_extra.model_dump() == {"batch": 1}
    assert second.ys_extra is not None
    assert second.ys_extra.model_dump() == {"seconds": 1.5}


@pytest.mark.parametrize(
    ("given", "type_", "message"),
    [
        ("no result", "TaskFailed", "no result"),
        (ValueError("no such point"), "ValueError", "no such point"),
        (Condition(type="Diverged", message="loss is nan"), "Diverged", "loss is nan"),
    ],
)
def test_a_condition_may_be_a_text_an_exception_or_a_condition(
    network: ParamNetwork, given: str | BaseException | Condition, type_: str, message: str
) -> None:
    keys = network.push_failed_tasks(points(2), conditions=given)
    for task in network.read_tasks(keys):
        assert task.condition == Condition(type=type_, message=message)


def test_each_failed_task_may_have_its_own_condition(network: ParamNetwork) -> None:
    keys = network.push_failed_tasks(points(2), conditions=["first", "second"])
    conditions = [task.condition for task in network.read_tasks(keys)]
    assert [condition.message for condition in conditions if condition] == ["first", "second"]


def test_times_are_the_servers_and_in_order(worker: ParamWorker) -> None:
    with worker.running_task(points(1)[0]) as task:
        task.finish(Scores(y=0.0))
    (record,) = worker.read_tasks([task.key])
    assert record.started_at is not None
    assert record.finished_at is not None
    assert record.created_at <= record.started_at <= record.finished_at
    seconds, _ = worker.connector.time()
    assert abs(record.created_at.timestamp() - seconds) < 60
