"""How often each public call goes to the server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rushtyped import Network
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points

RoundTrips = Callable[[object, Callable[[], object]], int]
POINT = Params(x1=1.0, x2=2.0)


@pytest.fixture(autouse=True)
def scripts_are_loaded(network: ParamNetwork, worker: ParamWorker) -> None:
    """Call what would otherwise have to load its script first."""
    keys = network.push_tasks(points(2), xss_extra=[{"batch": 1}])
    worker.pop_task()
    network.fail_tasks(keys)
    network.retry_tasks(keys)
    network.empty_queue()
    network.write_hashes(weight=[1.0])
    network.push_finished_tasks(points(1), [Scores(y=0.0)])
    network.push_failed_tasks(points(1))
    worker.running_task(POINT).finish(Scores(y=0.0))
    assert [worker.terminated for _ in range(2)] == [False, False]
    network.push_tasks(points(1))
    network.stop_workers("terminate", worker_ids=["nobody"])
    network.is_failed_task(keys)
    _ = network.progress


PROPERTIES = [
    *("tasks", "queued_tasks", "running_tasks", "finished_tasks", "failed_tasks"),
    *("n_tasks", "n_queued_tasks", "n_running_tasks", "n_finished_tasks", "n_failed_tasks"),
    *("worker_ids", "running_worker_ids", "terminated_worker_ids"),
    *("n_workers", "n_running_workers", "n_terminated_workers"),
    *("progress", "schemas"),
]


@pytest.mark.parametrize("name", PROPERTIES)
def test_a_property_takes_one(
    network: ParamNetwork, worker: ParamWorker, count_round_trips: RoundTrips, name: str
) -> None:
    assert count_round_trips(network, lambda: getattr(network, name)) == 1
    assert count_round_trips(worker, lambda: getattr(worker, name)) == 1


@pytest.mark.parametrize("name", ["network_id", "connector"])
def test_what_is_known_here_takes_none(
    network: ParamNetwork, count_round_trips: RoundTrips, name: str
) -> None:
    assert count_round_trips(network, lambda: getattr(network, name)) == 0


CALLS: dict[str, tuple[int, Callable[[ParamNetwork], object]]] = {
    "push_tasks": (1, lambda n: n.push_tasks(points(3))),
    "push_tasks with known extras": (1, lambda n: n.push_tasks([POINT], xss_extra=[{"batch": 2}])),
    "push_tasks with new extras": (2, lambda n: n.push_tasks([POINT], xss_extra=[{"late": 2}])),
    "push_tasks of 10000": (2, lambda n: n.push_tasks(points(10_000))),
    "push_finished_tasks": (1, lambda n: n.push_finished_tasks([POINT], [Scores(y=0.0)])),
    "push_failed_tasks": (1, lambda n: n.push_failed_tasks([POINT])),
    "empty_queue": (2, lambda n: n.empty_queue()),
    "fail_tasks": (2, lambda n: n.fail_tasks()),
    "fetch_tasks": (1, lambda n: n.fetch_tasks()),
    "fetch_queued_tasks": (1, lambda n: n.fetch_queued_tasks()),
    "fetch_running_tasks": (1, lambda n: n.fetch_running_tasks()),
    "fetch_finished_tasks": (1, lambda n: n.fetch_finished_tasks()),
    "fetch_failed_tasks": (1, lambda n: n.fetch_failed_tasks()),
    "fetch_tasks_with_state": (3, lambda n: n.fetch_tasks_with_state()),
    "fetch_new_tasks": (1, lambda n: n.fetch_new_tasks()),
    "tasks_with_state": (1, lambda n: n.tasks_with_state()),
    "is_running_task": (1, lambda n: n.is_running_task(["nobody"])),
    "is_failed_task": (1, lambda n: n.is_failed_task(["nobody"])),
    "write_hashes": (1, lambda n: n.write_hashes(weight=[1.0, 2.0])),
    "read_hashes": (1, lambda n: n.read_hashes(["a", "b"], ["weight"])),
    "read_hash": (1, lambda n: n.read_hash("a", ["weight"])),
    "worker_info": (2, lambda n: n.worker_info),
    "reset_cache": (0, lambda n: n.reset_cache()),
    "detect_lost_workers": (1, lambda n: n.detect_lost_workers()),
    "stop_workers": (1, lambda n: n.stop_workers("terminate")),
    "wait_for_workers": (2, lambda n: n.wait_for_workers(1)),
    "repr": (0, repr),
    "the HTML of a notebook": (1, lambda n: n._repr_html_()),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_of_a_manager_takes(
    network: ParamNetwork, count_round_trips: RoundTrips, name: str, warnings_seen: list[str]
) -> None:
    expected, call = CALLS[name]
    assert count_round_trips(network, lambda: call(network)) == expected


def test_calls_with_keys_take_one(
    network: ParamNetwork, worker: ParamWorker, count_round_trips: RoundTrips
) -> None:
    keys = worker.push_running_tasks(points(2))
    assert count_round_trips(network, lambda: network.read_tasks(keys)) == 1
    assert count_round_trips(network, lambda: network.fail_tasks(keys)) == 1
    assert count_round_trips(network, lambda: network.wait_for_tasks(keys)) == 2
    assert count_round_trips(network, lambda: network.retry_tasks(keys)) == 1


def test_the_life_of_a_task_takes_two(worker: ParamWorker, count_round_trips: RoundTrips) -> None:
    def life() -> None:
        with worker.running_task(POINT) as task:
            task.finish(Scores(y=0.0))
        assert not worker.terminated

    assert count_round_trips(worker, life) == 2


def test_each_transition_of_a_worker_takes_one(
    worker: ParamWorker, count_round_trips: RoundTrips
) -> None:
    keys: list[str] = []
    pushed = count_round_trips(worker, lambda: keys.extend(worker.push_running_tasks(points(3))))
    assert pushed == 1
    yss = [Scores(y=0.0)]
    assert count_round_trips(worker, lambda: worker.finish_tasks(keys[:1], yss)) == 1
    assert count_round_trips(worker, lambda: worker.fail_tasks(keys[1:])) == 1
    task = worker.running_task(POINT)
    assert count_round_trips(worker, lambda: task.fail("diverged")) == 1


def test_a_pop_takes_one_whether_it_finds_a_task_or_not(
    worker: ParamWorker, count_round_trips: RoundTrips
) -> None:
    assert count_round_trips(worker, lambda: worker.pop_task(timeout=1.0)) == 1
    assert count_round_trips(worker, lambda: worker.pop_task(timeout=0.0)) == 1
    assert count_round_trips(worker, lambda: worker.pop_task(timeout=0.05)) == 1


def test_terminated_after_a_reply_takes_none(
    worker: ParamWorker, count_round_trips: RoundTrips
) -> None:
    worker.running_task(POINT)
    assert count_round_trips(worker, lambda: worker.terminated) == 0
    assert count_round_trips(worker, lambda: worker.terminated) == 1
    worker.pop_task(timeout=0.0)
    assert count_round_trips(worker, lambda: worker.terminated) == 0


def test_a_known_stop_takes_none(worker: ParamWorker, count_round_trips: RoundTrips) -> None:
    worker.stop()
    assert count_round_trips(worker, lambda: worker.terminated) == 0
    assert count_round_trips(worker, lambda: worker.pop_task(timeout=1.0)) == 0


def test_making_a_network_takes_two_and_a_worker_three(
    network: ParamNetwork, redis_url: str
) -> None:
    joined = Network[Params, Scores](network.network_id, redis=redis_url)
    assert joined._channel.n_round_trips == 2
    budgeted = Network[Params, Scores](network.network_id, redis=redis_url, max_tasks=9)
    assert budgeted._channel.n_round_trips <= 5  # the budget's script may have to be loaded
    assert ParamWorker(network.network_id, redis=redis_url)._channel.n_round_trips == 3
