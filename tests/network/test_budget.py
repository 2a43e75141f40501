"""The budget: one for the network, enforced where a running task is made."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from rushtyped import BudgetSpentError, Network
from tests.contents import contents_of
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points, search
from tests.waiting import in_background, wait_until, wait_until_blocked

POINT = Params(x1=1.0, x2=2.0)
Joining = Callable[..., ParamNetwork]


@pytest.fixture
def join(network: ParamNetwork, redis_url: str) -> Joining:
    """Join the network once more, with another budget."""
    return lambda **budget: Network[Params, Scores](network.network_id, redis=redis_url, **budget)


def run_until_spent(worker: ParamWorker) -> int:
    n = 0
    try:
        while not worker.terminated:
            with worker.running_task(POINT) as task:
                n += 1
                if n % 3 == 0:
                    task.fail("every third")
                else:
                    task.finish(Scores(y=0.0))
    except BudgetSpentError:
        pass
    return n


def test_exactly_max_tasks_finish_with_many_workers(
    network: ParamNetwork, join: Joining, new_worker: Callable[[], ParamWorker]
) -> None:
    join(max_tasks=25)
    workers = [new_worker() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(run_until_spent, workers)) == 25 + network.n_failed_tasks
    assert network.n_finished_tasks == 25
    assert network.n_failed_tasks > 0
    assert network.n_running_tasks == 0


def test_a_loop_that_does_not_catch_ends_with_the_budget_error(
    join: Joining, worker: ParamWorker
) -> None:
    join(max_tasks=2)
    search(worker)  # leaves by `terminated`
    assert worker.n_finished_tasks == 2
    with pytest.raises(BudgetSpentError, match="2 finished tasks"):
        worker.running_task(POINT)


def test_a_full_budget_waits_until_a_failed_task_frees_its_slot(
    join: Joining, worker: ParamWorker, new_worker: Callable[[], ParamWorker]
) -> None:
    network = join(max_tasks=1)
    task = worker.running_task(POINT)
    other = new_worker()
    with in_background(lambda: other.running_task(POINT)) as started:
        wait_until_blocked(network)
        assert not started.done()
        task.fail("frees its slot")
        second = started.result(timeout=5.0)
    assert second.finish(Scores(y=0.0)) is True
    assert network.n_finished_tasks == 1


def test_a_full_budget_waits_until_it_is_spent(
    join: Joining, worker: ParamWorker, new_worker: Callable[[], ParamWorker]
) -> None:
    network = join(max_tasks=1)
    task = worker.running_task(POINT)
    other = new_worker()
    with in_background(lambda: other.running_task(POINT)) as started:
        wait_until_blocked(network)
        task.finish(Scores(y=0.0))
        with pytest.raises(BudgetSpentError):
            started.result(timeout=5.0)
    assert network.tasks == [task.key]


def test_a_lost_workers_task_frees_its_slot(
    join: Joining, worker: ParamWorker, new_worker: Callable[[], ParamWorker]
) -> None:
    network = join(max_tasks=1)
    worker.running_task(POINT)
    network.stop_workers("kill", worker_ids=[worker.worker_id])
    assert new_worker().running_task(POINT).finish(Scores(y=0.0)) is True


def test_more_tasks_than_are_left_are_refused_as_a_whole(
    join: Joining, worker: ParamWorker
) -> None:
    network = join(max_tasks=3)
    keys = worker.push_running_tasks(points(1))
    worker.finish_tasks(keys, [Scores(y=0.0)])
    before = contents_of(network)
    with pytest.raises(BudgetSpentError, match="leaves 2 tasks but 3 were to start"):
        worker.push_running_tasks(points(3))
    assert contents_of(network) == before
    assert len(worker.push_running_tasks(points(2))) == 2


def test_pushed_finished_tasks_count_but_are_not_held_back(
    join: Joining, worker: ParamWorker
) -> None:
    network = join(max_tasks=2)
    network.push_finished_tasks(points(3), [Scores(y=0.0)] * 3)
    assert network.n_finished_tasks == 3
    assert worker.terminated
    with pytest.raises(BudgetSpentError):
        worker.running_task(POINT)


def test_no_task_starts_after_max_seconds_but_a_running_one_finishes(
    join: Joining, worker: ParamWorker
) -> None:
    join(max_seconds=0.2)
    task = worker.running_task(POINT)
    wait_until(lambda: worker.terminated, description="the budget is spent", timeout=5.0)
    with pytest.raises(BudgetSpentError):
        worker.running_task(POINT)
    assert worker.pop_task(timeout=0.0) is None
    assert task.finish(Scores(y=0.0)) is True


def test_the_clock_of_max_seconds_begins_with_the_first_task(
    join: Joining, worker: ParamWorker
) -> None:
    join(max_seconds=0.0001)
    assert not worker.terminated
    worker.push_tasks(points(1))
    task = worker.pop_task()
    assert task is not None
    assert task.finish(Scores(y=0.0)) is True
    assert worker.terminated


def test_a_network_that_joins_without_a_budget_keeps_it(join: Joining, worker: ParamWorker) -> None:
    join(max_tasks=1)
    join()
    worker.running_task(POINT).finish(Scores(y=0.0))
    assert worker.terminated


def test_a_later_budget_replaces_the_former(join: Joining, worker: ParamWorker) -> None:
    join(max_tasks=1)
    worker.running_task(POINT).finish(Scores(y=0.0))
    join(max_tasks=2)
    worker.running_task(POINT).finish(Scores(y=0.0))
    with pytest.raises(BudgetSpentError, match="2 finished tasks"):
        worker.running_task(POINT)


def test_a_larger_budget_wakes_those_who_wait_for_a_slot(
    join: Joining, worker: ParamWorker, new_worker: Callable[[], ParamWorker]
) -> None:
    network = join(max_tasks=1)
    worker.running_task(POINT)
    other = new_worker()
    with in_background(lambda: other.running_task(POINT)) as started:
        wait_until_blocked(network)
        join(max_tasks=2)
        started.result(timeout=5.0)
    assert network.n_running_tasks == 2


def test_a_pop_that_finds_no_slot_puts_its_task_back(
    join: Joining, worker: ParamWorker, new_worker: Callable[[], ParamWorker]
) -> None:
    network = join(max_tasks=1)
    running = worker.running_task(POINT)
    keys = network.push_tasks(points(3))
    other = new_worker()
    assert other.pop_task(timeout=0.1) is None
    assert network.queued_tasks == keys
    running.finish(Scores(y=0.0))
    assert other.pop_task(timeout=10.0) is None
    assert network.queued_tasks == keys
    assert other.terminated


def test_a_pop_takes_the_slot_of_a_failed_task(
    join: Joining, worker: ParamWorker, new_worker: Callable[[], ParamWorker]
) -> None:
    network = join(max_tasks=1)
    running = worker.running_task(POINT)
    keys = network.push_tasks(points(2))
    other = new_worker()
    with in_background(lambda: other.pop_task(timeout=20.0)) as popped:
        wait_until_blocked(network)
        running.fail("frees its slot")
        task = popped.result(timeout=5.0)
    assert task is not None
    assert task.key == keys[0]
    assert network.queued_tasks == keys[1:]


def test_no_more_than_max_tasks_ever_run_or_have_finished(
    join: Joining, new_worker: Callable[[], ParamWorker]
) -> None:
    network = join(max_tasks=10)
    network.push_tasks(points(40))
    done = threading.Event()
    most = [0]

    def watch() -> None:
        while not done.is_set():
            listed = network.tasks_with_state(["running", "finished"])
            most[0] = max(most[0], sum(map(len, listed.values())))

    def work_off(worker: ParamWorker) -> None:
        for task in worker.queue(timeout=5.0):
            task.finish(Scores(y=0.0))

    with in_background(watch), ThreadPoolExecutor(3) as pool:
        list(pool.map(work_off, [new_worker() for _ in range(3)]))
        done.set()
    assert most[0] <= 10
    assert network.n_finished_tasks == 10
    assert network.n_queued_tasks == 30


def test_a_worker_that_finds_all_slots_taken_is_not_told_to_end(
    network: ParamNetwork, redis_url: str, new_worker: Callable[[], ParamWorker]
) -> None:
    Network[Params, Scores](network.network_id, redis=redis_url, max_tasks=1)
    first, second = new_worker(), new_worker()
    network.push_tasks(points(2))
    task = first.pop_task()
    assert task is not None
    assert second.pop_task(timeout=0.0) is None
    assert not second.terminated
    task.fail("no result")
    assert second.pop_task(timeout=0.0) is not None
