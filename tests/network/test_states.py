"""Counting, listing and asking for states."""

from __future__ import annotations

import threading

import pytest

from rushtyped import TaskState
from tests.models import ParamNetwork, ParamWorker, Scores, points
from tests.waiting import in_background

Keys = dict[TaskState, list[str]]


@pytest.fixture
def keys(network: ParamNetwork, worker: ParamWorker) -> Keys:
    """One queued, two running, three finished and four failed tasks."""
    return {
        TaskState.QUEUED: network.push_tasks(points(1)),
        TaskState.RUNNING: worker.push_running_tasks(points(2)),
        TaskState.FINISHED: network.push_finished_tasks(points(3), [Scores(y=0.0)] * 3),
        TaskState.FAILED: network.push_failed_tasks(points(4)),
    }


def test_each_state_is_counted(network: ParamNetwork, keys: Keys) -> None:
    assert network.n_tasks == 10
    assert network.n_queued_tasks == 1
    assert network.n_running_tasks == 2
    assert network.n_finished_tasks == 3
    assert network.n_failed_tasks == 4


def test_each_state_is_listed(network: ParamNetwork, keys: Keys) -> None:
    assert network.queued_tasks == keys[TaskState.QUEUED]
    assert network.running_tasks == keys[TaskState.RUNNING]
    assert network.finished_tasks == keys[TaskState.FINISHED]
    assert network.failed_tasks == keys[TaskState.FAILED]
    assert network.tasks == [key for state in TaskState for key in keys[state]]


def test_a_worker_sees_the_same_tasks(network: ParamNetwork, worker: ParamWorker) -> None:
    key = network.push_tasks(points(1))
    assert worker.queued_tasks == key
    assert worker.n_tasks == 1


def test_tasks_with_state_lists_all_states(network: ParamNetwork, keys: Keys) -> None:
    assert network.tasks_with_state() == keys
    assert list(network.tasks_with_state()) == ["queued", "running", "finished", "failed"]


def test_tasks_with_state_takes_states_and_their_names(network: ParamNetwork, keys: Keys) -> None:
    expected = {state: keys[state] for state in (TaskState.FAILED, TaskState.QUEUED)}
    assert network.tasks_with_state([TaskState.FAILED, "queued"]) == expected
    assert network.tasks_with_state(["queued", "queued"]) == {"queued": keys[TaskState.QUEUED]}
    assert network.tasks_with_state([]) == {}


def test_is_running_and_is_failed_answer_for_each_key(network: ParamNetwork, keys: Keys) -> None:
    asked = [keys[state][0] for state in TaskState]
    assert network.is_running_task(asked) == [False, True, False, False]
    assert network.is_failed_task(asked) == [False, False, False, True]


def test_a_key_of_no_task_is_in_no_state(network: ParamNetwork) -> None:
    assert network.is_running_task(["nobody"]) == [False]
    assert network.is_failed_task(["nobody"]) == [False]
    assert network.is_failed_task([]) == []


def test_records_come_in_the_order_of_the_keys(network: ParamNetwork, keys: Keys) -> None:
    asked = [keys[TaskState.FAILED][3], keys[TaskState.QUEUED][0], keys[TaskState.FAILED][3]]
    records = network.read_tasks(asked)
    assert [record.key for record in records] == asked
    assert [record.xs.x1 for record in records] == [3.0, 0.0, 3.0]
    assert network.read_tasks([]) == []


def test_the_repr_names_network_and_server(network: ParamNetwork) -> None:
    assert repr(network).startswith(f"<Network[Params, Scores] '{network.network_id}' on ")


def test_a_snapshot_has_each_task_in_one_state_while_workers_move_them(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    network.push_tasks(points(300))
    done = threading.Event()

    def work_off() -> None:
        for n, task in enumerate(worker.queue(timeout=0.0)):
            if n % 2:
                task.finish(Scores(y=0.0))
            else:
                task.fail("every other")
        done.set()

    with in_background(work_off):
        while not done.is_set():
            listed = [key for keys in network.tasks_with_state().values() for key in keys]
            assert len(listed) == len(set(listed))
            assert len(listed) >= 299  # the worker may be about to take one from the queue


def test_a_fetch_has_each_task_in_one_state_while_workers_move_them(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    keys = network.push_tasks(points(300))
    done = threading.Event()

    def work_off() -> None:
        for n, task in enumerate(worker.queue(timeout=0.0)):
            if n % 2:
                task.finish(Scores(y=0.0))
            else:
                task.fail("every other")
        done.set()

    with in_background(work_off):
        while not done.is_set():
            frame = network.fetch_tasks_with_state(fields=["xs"])
            assert frame["key"].n_unique() == frame.height
            assert frame.height >= 299  # the worker may be about to take one from the queue
    assert sorted(network.fetch_tasks_with_state()["key"]) == sorted(keys)
    assert network.fetch_tasks_with_state()["state"].value_counts(sort=True)["count"].to_list() == [
        150,
        150,
    ]


def test_a_fetch_of_states_has_a_column_state(network: ParamNetwork, keys: Keys) -> None:
    frame = network.fetch_tasks_with_state(states=["finished", "queued"], fields=["ys"])
    assert frame.columns == ["key", "state", "y"]
    assert frame["state"].to_list() == ["finished"] * 3 + ["queued"]
    assert frame["y"].to_list() == [0.0, 0.0, 0.0, None]
    assert frame["key"].to_list() == keys[TaskState.FINISHED] + keys[TaskState.QUEUED]


def test_a_fetch_of_all_states_is_in_the_order_of_the_states(
    network: ParamNetwork, keys: Keys
) -> None:
    frame = network.fetch_tasks_with_state()
    assert frame["key"].to_list() == [key for state in TaskState for key in keys[state]]
