"""Leases: who is found lost by them, who is not, and what becomes of the tasks."""

from __future__ import annotations

import gc
import math
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from copy import copy
from pathlib import Path
from typing import Any

import pytest

from rushtyped import InvalidArgumentError, InvalidTypeError, Network
from rushtyped.keys import NetworkKeys
from tests.launch.lives import (
    KINDS,
    Lives,
    exit_in_task,
    finish_at_signal,
    hold_gil,
    is_alive,
    messages_of,
    pttl,
    reason_of,
    wait_in_task,
    wait_until_renewed,
)
from tests.models import ParamNetwork, Params, ParamWorker, Scores, hold, points, serve
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
LOST = "Worker has crashed or was killed"


@pytest.fixture
def lives(network: ParamNetwork, redis_url: str) -> Iterator[Lives]:
    """Starts workers of all kinds for the network."""
    lives = Lives(network, redis_url)
    yield lives
    lives.close()


@pytest.fixture
def other(network: ParamNetwork, redis_url: str) -> ParamNetwork:
    """The network as another host sees it: its workers only by their leases."""
    return Network[Params, Scores](network.network_id, redis=redis_url)


@pytest.fixture
def worker(network: ParamNetwork, redis_url: str) -> Iterator[ParamWorker]:
    """A worker made by hand in the test's own process, with a renewed lease of 6 s."""
    worker = ParamWorker(
        network.network_id, redis=redis_url, heartbeat_period=1, heartbeat_expire=6
    )
    worker_id = worker.worker_id
    wait_until(lambda: 0 < pttl(network, worker_id) <= 6000, description="it was renewed")
    yield worker
    worker.set_terminated()


def find_lost(network: ParamNetwork, n: int, **options: Any) -> list[str]:
    """Look for lost workers until n of them are found."""
    found: list[str] = []

    def have_all() -> bool:
        found.extend(network.detect_lost_workers(**options))
        return len(found) >= n

    wait_until(have_all, description=f"{n} workers are found to be lost")
    return found


def test_a_worker_that_holds_the_gil_for_longer_than_its_lease_is_not_lost(
    lives: Lives, other: ParamNetwork
) -> None:
    for kind in KINDS:
        lives.begin(kind, hold_gil)
    looks: list[list[str]] = []

    def is_done() -> bool:
        looks.append(other.detect_lost_workers())
        return other.n_finished_tasks == 3

    wait_until(is_done, description="all three have finished their task")
    assert len(looks) > 20
    assert not any(looks)
    assert (other.n_failed_tasks, other.n_running_tasks) == (0, 0)


def test_a_worker_frozen_for_longer_than_its_lease_is_lost_and_changes_nothing_later(
    network: ParamNetwork, lives: Lives, other: ParamNetwork
) -> None:
    begun = network.push_tasks(points(3))
    frozen = [lives.begin(kind, finish_at_signal) for kind in KINDS]
    ids = [life.worker_id for life in frozen]
    wait_until(lambda: network.n_running_tasks == 3, description="each has popped a task")
    wait_until(lambda: all(pttl(other, each) <= 2000 for each in ids), description="all renewed")
    for life in frozen:
        os.kill(life.pid, signal.SIGSTOP)
    keys = NetworkKeys(network.network_id)
    (popped,) = network.push_tasks(points(1))
    network.connector.lmove(keys.queue, keys.worker(ids[0]).pending, "LEFT", "RIGHT")

    assert sorted(find_lost(other, 3)) == sorted(ids)
    assert sorted(network.failed_tasks) == sorted([*begun, popped])
    reason = f"{LOST} (no sign of life)"
    assert messages_of(network, network.failed_tasks) == [reason] * 4
    assert [reason_of(network, each) for each in ids] == [reason] * 3
    assert network.n_running_workers == 0

    for life in frozen:
        os.kill(life.pid, signal.SIGCONT)
        os.kill(life.pid, signal.SIGUSR1)
    wait_until(lambda: network.n_failed_tasks == 7, description="all have told what they saw")
    told = messages_of(network, network.failed_tasks[4:])
    assert sorted(told) == sorted(f"{each} [False, True]" for each in ids)
    assert network.finished_tasks == []
    for life in frozen[1:]:
        assert life.started is not None
        assert life.started.wait(20) == 0
    (local,) = (each for each in network._crew.local if each.worker_id == ids[0])
    network._crew.local.wait(local, 20.0)
    assert local.code == 0
    assert [reason_of(network, each) for each in ids] == [reason] * 3


def test_a_worker_frozen_for_less_than_its_lease_goes_on(
    network: ParamNetwork, lives: Lives, other: ParamNetwork
) -> None:
    keys = network.push_tasks(points(1))
    life = lives.begin("script", finish_at_signal, expire=30.0)
    wait_until(lambda: pttl(other, life.worker_id) <= 30_000, description="it was renewed")
    wait_until(lambda: network.n_running_tasks == 1, description="it has popped a task")
    os.kill(life.pid, signal.SIGSTOP)
    wait_until(
        lambda: pttl(other, life.worker_id) < 28_400, description="a stopped one is not renewed"
    )
    assert other.detect_lost_workers() == []
    os.kill(life.pid, signal.SIGCONT)
    wait_until(lambda: pttl(other, life.worker_id) > 28_500, description="it is renewed again")
    os.kill(life.pid, signal.SIGUSR1)
    wait_until(lambda: network.finished_tasks == keys, description="it has finished its task")


@pytest.mark.parametrize("kind", ["script", "by hand"])
def test_the_lease_of_a_killed_worker_ends_before_its_time(
    network: ParamNetwork, lives: Lives, other: ParamNetwork, kind: str
) -> None:
    life = lives.begin(kind, wait_in_task, expire=8.0)
    wait_until(lambda: network.n_running_tasks == 1, description="its task runs")
    assert pttl(other, life.worker_id) > 5000
    os.kill(life.pid, signal.SIGKILL)
    wait_until(
        lambda: pttl(other, life.worker_id) == -2, description="its lease is over", timeout=4.0
    )
    assert find_lost(other, 1) == [life.worker_id]
    assert messages_of(network, network.failed_tasks) == [f"{LOST} (no sign of life)"]


def test_a_worker_that_leaves_by_exit_without_a_word_is_lost(
    network: ParamNetwork, lives: Lives
) -> None:
    local, script = (lives.begin(kind, exit_in_task) for kind in ("local", "script"))
    assert sorted(find_lost(network, 2)) == sorted([local.worker_id, script.worker_id])
    assert reason_of(network, local.worker_id) == f"{LOST} (exit code 0)"
    assert reason_of(network, script.worker_id) == f"{LOST} (no sign of life)"
    assert network.n_failed_tasks == 2


def test_requeued_tasks_go_to_the_front_in_order_until_they_were_tried_often_enough(
    network: ParamNetwork, lives: Lives
) -> None:
    keys = network.push_tasks(points(4))

    def lose_worker() -> None:
        life = lives.begin("local", hold_three)
        wait_until(lambda: network.n_running_tasks == 3, description="three tasks run")
        os.kill(life.pid, signal.SIGKILL)
        assert find_lost(network, 1, requeue=True, max_attempts=3) == [life.worker_id]

    for attempts in ([2, 2, 2, 1], [3, 3, 3, 1]):
        lose_worker()
        assert network.queued_tasks == keys
        assert [record.attempt for record in network.read_tasks(keys)] == attempts
    lose_worker()
    assert network.queued_tasks == keys[3:]
    assert network.failed_tasks == keys[:3]
    assert messages_of(network, keys[:3]) == [f"{LOST} (SIGKILL)"] * 3


def hold_three(worker: ParamWorker) -> None:
    hold(worker, n=3)


def test_a_single_attempt_is_no_second_one(network: ParamNetwork, lives: Lives) -> None:
    keys = network.push_tasks(points(3))
    life = lives.begin("local", hold_three)
    wait_until(lambda: network.n_running_tasks == 3, description="three tasks run")
    os.kill(life.pid, signal.SIGKILL)
    find_lost(network, 1, requeue=True, max_attempts=1)
    assert network.failed_tasks == keys


@pytest.mark.parametrize(
    ("attempts", "error", "message"),
    [
        (0, InvalidArgumentError, "max_attempts must be at least 1 but is 0"),
        (-1, InvalidArgumentError, "max_attempts must be at least 1 but is -1"),
        (True, InvalidTypeError, r"max_attempts must be a whole number but is True \(bool\)"),
        ("3", InvalidTypeError, r"max_attempts must be a whole number but is '3' \(str\)"),
    ],
)
def test_a_wrong_number_of_attempts_is_refused(
    network: ParamNetwork, attempts: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        network.detect_lost_workers(requeue=True, max_attempts=attempts)


@pytest.mark.parametrize("kind", ["local", "script"])
def test_any_manager_can_kill_a_worker(
    network: ParamNetwork, lives: Lives, other: ParamNetwork, kind: str
) -> None:
    life = lives.begin(kind, wait_in_task)
    wait_until(lambda: network.n_running_tasks == 1, description="its task runs")
    other.stop_workers("kill")
    wait_until(lambda: not is_alive(life.pid), description="its process is gone")
    assert messages_of(network, network.failed_tasks) == ["Worker was killed"]
    assert reason_of(network, life.worker_id) == "Worker was killed"
    assert network.detect_lost_workers() == []


def test_the_process_of_a_worker_made_by_hand_is_told_and_not_killed(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    worker.running_task(points(1)[0])
    network.stop_workers("kill")
    wait_until(lambda: worker.terminated, description="it is told")
    assert network.terminated_worker_ids == [worker.worker_id]
    assert messages_of(network, network.failed_tasks) == ["Worker was killed"]


def test_a_worker_made_by_hand_is_lost_when_nobody_holds_it(
    network: ParamNetwork, redis_url: str
) -> None:
    worker = ParamWorker(
        network.network_id, redis=redis_url, heartbeat_period=1, heartbeat_expire=2
    )
    worker.push_running_tasks(points(1))
    worker_id = worker.worker_id
    assert network.detect_lost_workers() == []
    del worker
    gc.collect()
    assert find_lost(network, 1) == [worker_id]
    assert network.n_failed_tasks == 1


@pytest.mark.parametrize("duplicate", [copy, lambda worker: pickle.loads(pickle.dumps(worker))])
def test_a_copy_keeps_a_worker_alive(
    network: ParamNetwork, redis_url: str, duplicate: Callable[[ParamWorker], ParamWorker]
) -> None:
    worker = ParamWorker(
        network.network_id, redis=redis_url, heartbeat_period=1, heartbeat_expire=2
    )
    twin = duplicate(worker)
    worker_id = twin.worker_id
    wait_until_renewed(network, worker_id)
    del worker
    gc.collect()
    wait_until_renewed(network, worker_id)
    assert network.detect_lost_workers() == []
    del twin
    gc.collect()
    assert find_lost(network, 1) == [worker_id]


def test_leaving_ends_the_lease(network: ParamNetwork, worker: ParamWorker) -> None:
    worker.set_terminated()
    assert pttl(network, worker.worker_id) == -2
    assert network.detect_lost_workers() == []
    assert reason_of(network, worker.worker_id) == "ended"


def test_a_lease_may_be_as_short_as_its_period(network: ParamNetwork, lives: Lives) -> None:
    life = lives.begin("script", serve, expire=1.0)
    wait_until(lambda: 0 < pttl(network, life.worker_id) <= 1000, description="it was renewed")
    wait_until_renewed(network, life.worker_id, times=3)


WRONG_HEARTBEATS = [
    ({"heartbeat_period": 0.5}, InvalidArgumentError, "heartbeat_period"),
    ({"heartbeat_period": -1}, InvalidArgumentError, "heartbeat_period"),
    ({"heartbeat_period": math.nan}, InvalidArgumentError, "heartbeat_period"),
    ({"heartbeat_period": math.inf}, InvalidArgumentError, "heartbeat_period"),
    ({"heartbeat_period": "1"}, InvalidTypeError, "heartbeat_period"),
    ({"heartbeat_period": True}, InvalidTypeError, "heartbeat_period"),
    ({"heartbeat_expire": 4}, InvalidArgumentError, "heartbeat_expire"),
    ({"heartbeat_expire": math.nan}, InvalidArgumentError, "heartbeat_expire"),
    ({"heartbeat_expire": "15"}, InvalidTypeError, "heartbeat_expire"),
    ({"heartbeat_expire": False}, InvalidTypeError, "heartbeat_expire"),
    ({"heartbeat_period": 3, "heartbeat_expire": 2}, InvalidArgumentError, "heartbeat_expire"),
]


@pytest.mark.parametrize(("options", "error", "name"), WRONG_HEARTBEATS)
def test_a_wrong_heartbeat_is_refused_wherever_it_is_given(
    network: ParamNetwork,
    redis_url: str,
    options: dict[str, Any],
    error: type[Exception],
    name: str,
) -> None:
    with pytest.raises(error, match=f"^{name} must be "):
        ParamWorker(network.network_id, redis=redis_url, **options)
    with pytest.raises(error, match=f"^{name} must be "):
        network.start_local_workers(serve, n_workers=1, **options)
    with pytest.raises(error, match=f"^{name} must be "):
        network.start_workers(serve, executor=_NoExecutor(), n_workers=1, **options)
    with pytest.raises(error, match=f"^{name} must be "):
        network.worker_script(serve, **options)
    assert network.worker_ids == []


class _NoExecutor:
    """An executor that must not be asked."""

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Any:
        raise AssertionError(f"nothing may be submitted, but {fn} and {args} were")


def test_the_end_of_a_copy_in_another_process_does_not_end_the_lease(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    script = (
        "import pickle, sys\n"
        "worker = pickle.loads(sys.stdin.buffer.read())\n"
        "print(worker.terminated)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=pickle.dumps(worker),
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.strip() == b"False"
    for _ in range(2):  # what renews the copy's lease looks twice a second
        wait_until_renewed(network, worker.worker_id)
        assert network.detect_lost_workers() == []
