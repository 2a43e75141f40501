"""Popping tasks: in order, waiting on the server, one round trip."""

from __future__ import annotations

import time
from collections.abc import Callable

from rushtyped import TaskState
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points
from tests.servers.behind import client_behind
from tests.waiting import in_background, wait_until_blocked

RoundTrips = Callable[[object, Callable[[], object]], int]


def test_tasks_are_popped_first_in_first_out(network: ParamNetwork, worker: ParamWorker) -> None:
    keys = network.push_tasks(points(3))
    popped = [worker.pop_task() for _ in range(3)]
    assert [task.key for task in popped if task] == keys
    assert [task.xs.x1 for task in popped if task] == [0.0, 1.0, 2.0]
    assert network.running_tasks == keys


def test_a_popped_task_runs_on_its_worker(network: ParamNetwork, worker: ParamWorker) -> None:
    network.push_tasks(points(1))
    task = worker.pop_task()
    assert task is not None
    (record,) = network.read_tasks([task.key])
    assert record.state is TaskState.RUNNING
    assert record.worker_id == worker.worker_id
    assert record.started_at is not None
    assert network.queued_tasks == []
    assert network.tasks == [task.key]


def test_extras_arrive_with_the_task(network: ParamNetwork, worker: ParamWorker) -> None:
    network.push_tasks(points(2), xss_extra=[{"batch": 5}])
    for task in worker.queue(timeout=0.0):
        assert task.xs_extra is not None
        assert task.xs_extra.model_dump() == {"batch": 5}
        task.finish(Scores(y=0.0))
    assert network.n_finished_tasks == 2


def test_a_task_without_extras_has_none(network: ParamNetwork, worker: ParamWorker) -> None:
    network.push_tasks(points(1))
    task = worker.pop_task()
    assert task is not None
    assert task.xs_extra is None


def test_a_popped_task_is_a_context_manager(network: ParamNetwork, worker: ParamWorker) -> None:
    network.push_tasks(points(1))
    task = worker.pop_task()
    assert task is not None
    with task:
        task.finish(Scores(y=1.0))
    assert network.finished_tasks == [task.key]


def test_an_empty_queue_gives_none_at_once(worker: ParamWorker) -> None:
    began = time.monotonic()
    assert worker.pop_task(timeout=0.0) is None
    assert time.monotonic() - began < 0.5


def test_an_empty_queue_gives_none_after_the_timeout(worker: ParamWorker) -> None:
    began = time.monotonic()
    assert worker.pop_task(timeout=0.2) is None
    assert 0.2 <= time.monotonic() - began < 2.0


def test_a_waiting_pop_wakes_up_when_a_task_is_pushed(
    network: ParamNetwork, worker: ParamWorker, count_round_trips: RoundTrips
) -> None:
    def pop() -> None:
        with in_background(lambda: worker.pop_task(timeout=20.0)) as popped:
            wait_until_blocked(network)
            (key,) = network.push_tasks(points(1))
            task = popped.result(timeout=5.0)
        assert task is not None
        assert task.key == key

    assert count_round_trips(worker, pop) <= 2  # one more each second


def test_waiting_for_a_task_sends_one_command(network: ParamNetwork, worker: ParamWorker) -> None:
    def n_moves() -> int:
        stats = client_behind(network).info("commandstats")
        return int(stats.get("cmdstat_blmove", {}).get("calls", 0))

    before = n_moves()
    worker.pop_task(timeout=0.3)
    assert n_moves() - before == 1


def test_each_task_is_popped_by_one_of_the_waiting_workers(
    network: ParamNetwork, worker: ParamWorker, new_worker: Callable[[], ParamWorker]
) -> None:
    other = new_worker()
    with (
        in_background(lambda: worker.pop_task(timeout=20.0)) as first,
        in_background(lambda: other.pop_task(timeout=20.0)) as second,
    ):
        wait_until_blocked(network, 2)
        keys = network.push_tasks(points(2))
        tasks = [first.result(timeout=5.0), second.result(timeout=5.0)]
    assert sorted(task.key for task in tasks if task) == sorted(keys)
    owners = {record.worker_id for record in network.read_tasks(keys)}
    assert owners == {worker.worker_id, other.worker_id}


def test_the_queue_is_worked_off_until_it_is_empty(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    keys = network.push_tasks(points(3))
    for task in worker.queue(timeout=0.0):
        task.finish(Scores(y=task.xs.x1))
    assert network.finished_tasks == keys
    assert [task.ys for task in network.read_tasks(keys)] == [
        Scores(y=0.0),
        Scores(y=1.0),
        Scores(y=2.0),
    ]


def test_the_queue_takes_what_is_pushed_meanwhile(worker: ParamWorker) -> None:
    worker.push_tasks(points(1))
    seen = []
    for task in worker.queue(timeout=0.0):
        seen.append(task.xs.x1)
        task.finish(Scores(y=0.0))
        if len(seen) == 1:
            worker.push_tasks([Params(x1=7.0, x2=0.0)])
    assert seen == [0.0, 7.0]


def test_emptying_the_queue_fails_its_tasks(network: ParamNetwork, worker: ParamWorker) -> None:
    keys = network.push_tasks(points(3))
    running = worker.pop_task()
    assert running is not None
    assert network.empty_queue() == keys[1:]
    assert network.queued_tasks == []
    assert network.failed_tasks == keys[1:]
    assert network.running_tasks == keys[:1]
    conditions = [record.condition for record in network.read_tasks(keys[1:])]
    assert [c.message for c in conditions if c] == ["Removed from queue"] * 2


def test_a_task_failed_in_the_queue_is_not_popped(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    keys = network.push_tasks(points(2))
    assert network.fail_tasks(keys[:1], "not wanted") == keys[:1]
    task = worker.pop_task()
    assert task is not None
    assert task.key == keys[1]


def test_a_manager_fails_queued_tasks_by_default(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    (running,) = worker.push_running_tasks(points(1))
    keys = network.push_tasks(points(2))
    assert network.fail_tasks() == keys
    assert network.running_tasks == [running]


def test_a_manager_fails_a_running_task_by_its_key(
    network: ParamNetwork, worker: ParamWorker, warnings_seen: list[str]
) -> None:
    task = worker.running_task(points(1)[0])
    assert network.fail_tasks([task.key], "takes too long") == [task.key]
    assert task.finish(Scores(y=0.0)) is False
    condition = network.read_tasks([task.key])[0].condition
    assert condition is not None
    assert condition.message == "takes too long"


def test_a_task_named_twice_fails_once_with_its_first_condition(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    (queued,) = network.push_tasks(points(1))
    (running,) = worker.push_running_tasks(points(1))
    keys, messages = [queued, running, queued], ["first", "second", "third"]
    assert network.fail_tasks(keys, messages) == [queued, running]
    (again,) = worker.push_running_tasks(points(1))
    assert worker.fail_tasks([again, again], ["fourth", "fifth"]) == [again]
    conditions = [record.condition for record in network.read_tasks([queued, running, again])]
    assert [each and each.message for each in conditions] == ["first", "second", "fourth"]
