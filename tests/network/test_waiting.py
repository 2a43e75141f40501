"""Waiting for tasks, on the server and without polling it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from rushtyped import NetworkResetError, UnknownTaskError, WaitTimeoutError
from tests.models import ParamNetwork, ParamWorker, Scores, points
from tests.waiting import in_background, wait_until_blocked


def test_settled_tasks_are_not_waited_for(network: ParamNetwork, worker: ParamWorker) -> None:
    finished = network.push_finished_tasks(points(1), [Scores(y=0.0)])
    failed = network.push_failed_tasks(points(1))
    network.wait_for_tasks(finished + failed, timeout=0.0)
    network.wait_for_tasks([], timeout=0.0)


def test_waits_until_the_last_task_is_settled(network: ParamNetwork, worker: ParamWorker) -> None:
    keys = worker.push_running_tasks(points(2))
    with in_background(lambda: network.wait_for_tasks(keys, timeout=20.0)) as waited:
        wait_until_blocked(network)
        worker.finish_tasks(keys[:1], [Scores(y=0.0)])
        wait_until_blocked(network)
        assert not waited.done()
        worker.fail_tasks(keys[1:])
        waited.result(timeout=5.0)


def test_a_worker_waits_for_the_tasks_of_others(
    worker: ParamWorker, new_worker: Callable[[], ParamWorker]
) -> None:
    other = new_worker()
    keys = worker.push_tasks(points(1))
    with in_background(lambda: worker.wait_for_tasks(keys, timeout=20.0)) as waited:
        wait_until_blocked(worker)
        task = other.pop_task()
        assert task is not None
        task.finish(Scores(y=0.0))
        waited.result(timeout=5.0)


def test_many_threads_of_one_object_wait_at_once(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    first, second = worker.push_running_tasks(points(2))
    with (
        in_background(lambda: network.wait_for_tasks([first], timeout=20.0)) as one,
        in_background(lambda: network.wait_for_tasks([second], timeout=20.0)) as two,
    ):
        wait_until_blocked(network, 2)
        worker.finish_tasks([first], [Scores(y=0.0)])
        one.result(timeout=5.0)
        assert not two.done()
        worker.finish_tasks([second], [Scores(y=0.0)])
        two.result(timeout=5.0)


def test_returns_when_no_worker_is_left(network: ParamNetwork, worker: ParamWorker) -> None:
    keys = network.push_tasks(points(1))
    with in_background(lambda: network.wait_for_tasks(keys, timeout=20.0)) as waited:
        wait_until_blocked(network)
        worker.set_terminated()
        waited.result(timeout=5.0)
    assert network.queued_tasks == keys


def test_returns_at_once_when_there_never_was_a_worker(network: ParamNetwork) -> None:
    network.wait_for_tasks(network.push_tasks(points(1)), timeout=0.0)


def test_a_timeout_raises_and_names_a_task(network: ParamNetwork, worker: ParamWorker) -> None:
    keys = worker.push_running_tasks(points(1))
    began = time.monotonic()
    with pytest.raises(WaitTimeoutError, match=f"within 0.2 s, '{keys[0]}' among them"):
        network.wait_for_tasks(keys, timeout=0.2)
    assert 0.2 <= time.monotonic() - began < 2.0


def test_a_timeout_is_a_timeout_error(network: ParamNetwork, worker: ParamWorker) -> None:
    with pytest.raises(TimeoutError):
        network.wait_for_tasks(worker.push_running_tasks(points(1)), timeout=0.0)


@pytest.mark.parametrize("workers", [True, False])
def test_a_reset_ends_the_wait(network: ParamNetwork, worker: ParamWorker, workers: bool) -> None:
    keys = worker.push_running_tasks(points(1))
    with in_background(lambda: network.wait_for_tasks(keys, timeout=20.0)) as waited:
        wait_until_blocked(network)
        network.reset(workers=workers)
        if workers:  # they are killed first, which may end the wait before the reset does
            assert isinstance(waited.exception(timeout=5.0), NetworkResetError | None)
        else:
            with pytest.raises(NetworkResetError, match="reset while 1 of its tasks"):
                waited.result(timeout=5.0)


def test_a_key_of_no_task_is_refused(network: ParamNetwork, worker: ParamWorker) -> None:
    keys = worker.push_running_tasks(points(1))
    with pytest.raises(UnknownTaskError, match="'nobody'"):
        network.wait_for_tasks([*keys, "nobody"])


def test_waiting_does_not_poll(network: ParamNetwork, worker: ParamWorker) -> None:
    keys = worker.push_running_tasks(points(1))
    channel = network._channel
    with in_background(lambda: network.wait_for_tasks(keys, timeout=20.0)) as waited:
        wait_until_blocked(network)
        before = channel.n_round_trips
        time.sleep(0.3)  # time in which a poll would show
        assert channel.n_round_trips == before
        worker.finish_tasks(keys, [Scores(y=0.0)])
        waited.result(timeout=5.0)
    assert channel.n_round_trips - before <= 2


def test_waiting_finds_lost_workers_where_asked_to(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    keys = worker.push_running_tasks(points(1))
    with in_background(
        lambda: network.wait_for_tasks(keys, timeout=20.0, detect_lost_workers=True)
    ) as waited:
        wait_until_blocked(network)
        network.stop_workers("kill")
        waited.result(timeout=5.0)


def test_a_retried_task_is_waited_for_again(network: ParamNetwork, worker: ParamWorker) -> None:
    keys = network.push_failed_tasks(points(1))
    network.retry_tasks(keys)
    with in_background(lambda: network.wait_for_tasks(keys, timeout=20.0)) as waited:
        wait_until_blocked(network)
        task = worker.pop_task()
        assert task is not None
        task.finish(Scores(y=0.0))
        waited.result(timeout=5.0)
