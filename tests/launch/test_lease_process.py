"""The process that renews leases: what it costs, what it outlives, and when it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import permutations

import psutil
import pytest

from rushtyped import Network
from tests.launch.lives import (
    Life,
    Lives,
    Loop,
    idle,
    is_alive,
    lease_process_of,
    messages_of,
    pids_of,
    pttl,
    wait_in_task,
    wait_until_kept,
    wait_until_renewed,
)
from tests.models import ParamNetwork, Params, Scores, serve
from tests.servers.process import ServerProcess
from tests.waiting import in_background, wait_until

MANAGER = """
import sys, time
from rushtyped import Network
from tests.launch.lives import wait_in_task
from tests.models import Params, Scores

_, network_id, redis, supervise = sys.argv
network = Network[Params, Scores](network_id, redis=redis)
network.start_local_workers(
    wait_in_task, n_workers=2, supervise=bool(supervise), heartbeat_period=1, heartbeat_expire=2
)
time.sleep(3600)
"""
FORKING = """
import os, sys, time
from tests.models import ParamWorker

_, network_id, redis, ends = sys.argv
worker = ParamWorker(network_id, redis=redis, heartbeat_period=1, heartbeat_expire=2)
child = os.fork()
if child == 0:
    assert not worker.terminated
    if ends:
        sys.exit()
    time.sleep(3600)
print(child, flush=True)
time.sleep(3600)
"""
UNREACHABLE = """
import psutil
from rushtyped import ServerUnreachableError
from tests.models import ParamWorker

try:
    ParamWorker("nowhere", redis="unix:///nowhere.sock", retry_timeout=0)
except ServerUnreachableError:
    print([child.cmdline()[-1] for child in psutil.Process().children()])
"""
BURNER = "while True: pass"


@pytest.fixture
def lives(network: ParamNetwork, redis_url: str) -> Iterator[Lives]:
    """Starts workers of all kinds for the network."""
    lives = Lives(network, redis_url)
    yield lives
    lives.close()


@pytest.fixture
def own_network(own_server: ServerProcess, network_id: str) -> ParamNetwork:
    """A network on a server that the test may kill."""
    return Network[Params, Scores](network_id, redis=own_server.url)


@pytest.fixture
def own_lives(own_network: ParamNetwork, own_server: ServerProcess) -> Iterator[Lives]:
    """Starts workers of all kinds for the network on the server that the test may kill."""
    lives = Lives(own_network, own_server.url)
    yield lives
    lives.close()


def test_it_is_small(network: ParamNetwork, lives: Lives) -> None:
    life = lives.begin("script", idle)
    wait_until_kept(network, life)
    beside = life.beside
    assert beside.memory_info().rss < 40e6
    loaded = " ".join(mapped.path for mapped in beside.memory_maps())
    assert "hiredis" in loaded
    assert "pydantic" not in loaded
    assert "polars" not in loaded


def test_it_is_started_before_the_connection_is_made() -> None:
    said = subprocess.check_output([sys.executable, "-c", UNREACHABLE], text=True)
    assert "heartbeat/start.py" in said


def test_workers_that_are_started_beside_others_are_renewed(
    network: ParamNetwork, lives: Lives
) -> None:
    ids = [lives.begin("local", idle).worker_id for _ in range(3)]
    for worker_id in ids:
        wait_until_renewed(network, worker_id)


def test_the_one_of_local_workers_is_started_again_at_once(
    network: ParamNetwork, lives: Lives
) -> None:
    ours = [lives.begin("local", wait_in_task) for _ in range(2)]
    killed = ours[0].beside.pid
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: ours[0].beside.pid != killed, description="there is another")
    for life in ours:
        wait_until_renewed(network, life.worker_id)
    assert network.detect_lost_workers() == []


@pytest.mark.parametrize(
    "loop",
    [
        idle,
        serve,
    ],
)
def test_the_one_of_a_script_is_started_again_when_the_loop_asks_whether_to_end(
    network: ParamNetwork, lives: Lives, loop: Loop
) -> None:
    life = lives.begin("script", loop)
    wait_until_kept(network, life)
    killed = life.beside
    killed.kill()
    wait_until(lambda: not is_alive(killed.pid), description="it is gone")
    wait_until_renewed(network, life.worker_id)
    assert life.beside.pid != killed.pid
    assert network.detect_lost_workers() == []


def test_it_ends_with_its_worker(network: ParamNetwork, lives: Lives) -> None:
    life = lives.begin("script", idle)
    wait_until_kept(network, life)
    assert len(lives.left()) == 2
    os.kill(life.pid, signal.SIGKILL)
    wait_until(lambda: lives.left() == [], description="neither is left")


def test_it_ends_after_a_worker_that_has_left(network: ParamNetwork, lives: Lives) -> None:
    lives.begin("script", idle)
    network.stop_workers("terminate")
    wait_until(lambda: lives.left() == [], description="neither is left")
    assert network.n_terminated_workers == 1


def start_manager(network: ParamNetwork, lives: Lives, *, supervise: bool) -> list[int]:
    """Start a manager of two workers; return its number, the nursery's and the lease process's."""
    manager = lives.python(MANAGER, "yes" if supervise else "")
    wait_until(lambda: network.n_running_tasks == 2, description="both workers are at work")
    nursery = psutil.Process(min(pids_of(network).values())).ppid()
    return [manager.pid, nursery, lease_process_of(nursery).pid]


def test_nothing_is_left_when_the_manager_is_killed(network: ParamNetwork, lives: Lives) -> None:
    manager, _, _ = start_manager(network, lives, supervise=True)
    os.kill(manager, signal.SIGKILL)
    wait_until(lambda: lives.left() == [], description="no process is left")
    messages = messages_of(network, network.failed_tasks)
    assert messages == ["The manager of this worker has died"] * 2


def test_no_supervised_worker_outlives_manager_nursery_and_lease_process_in_any_order(
    network: ParamNetwork, lives: Lives
) -> None:
    orders = list(permutations(range(3)))
    managers = [lives.python(MANAGER, "yes") for _ in orders]
    wait_until(lambda: network.n_running_tasks == 12, description="all workers are at work")
    for manager, order in zip(managers, orders, strict=True):
        (nursery,) = psutil.Process(manager.pid).children()
        pids = [manager.pid, nursery.pid, lease_process_of(nursery.pid).pid]
        for place in order:
            os.kill(pids[place], signal.SIGKILL)
    wait_until(lambda: lives.left() == [], description="no process is left")
    wait_until(
        lambda: network.detect_lost_workers() == [] and network.n_running_workers == 0,
        description="their tasks are settled",
    )
    assert (network.n_running_tasks, network.n_failed_tasks) == (0, 12)


def test_unsupervised_workers_keep_their_leases_without_their_manager(
    network: ParamNetwork, lives: Lives
) -> None:
    manager, nursery, _ = start_manager(network, lives, supervise=False)
    os.kill(manager, signal.SIGKILL)
    wait_until(lambda: not is_alive(nursery), description="the nursery has ended")
    first, second = sorted(pids_of(network))
    for worker_id in (first, second):
        wait_until_renewed(network, worker_id)
    assert network.detect_lost_workers() == []
    os.kill(pids_of(network)[first], signal.SIGKILL)
    wait_until(lambda: network.detect_lost_workers() == [first], description="it is found")
    network.stop_workers("kill", worker_ids=[second])
    wait_until(lambda: lives.left() == [], description="no process is left")
    assert sorted(messages_of(network, network.failed_tasks)) == [
        "Worker has crashed or was killed (no sign of life)",
        "Worker was killed",
    ]


def test_unsupervised_workers_can_be_stopped_by_another_manager(
    network: ParamNetwork, lives: Lives
) -> None:
    manager = lives.python(MANAGER.replace("wait_in_task", "idle"), "")
    wait_until(lambda: network.n_running_workers == 2, description="both workers run")
    manager.kill()
    network.stop_workers("terminate")
    wait_until(lambda: lives.left() == [], description="no process is left")
    assert network.n_terminated_workers == 2
    assert network.worker_info["reason"].to_list() == ["ended", "ended"]


def test_a_forked_child_does_not_keep_a_dead_worker_alive(
    network: ParamNetwork, lives: Lives
) -> None:
    parent = lives.python(FORKING, "")
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    (worker_id,) = network.worker_ids
    wait_until_renewed(network, worker_id)
    os.kill(parent.pid, signal.SIGKILL)
    wait_until(lambda: network.detect_lost_workers() == [worker_id], description="it is found")
    wait_until(lambda: lives.left() == [child], description="only the child is left")


def test_the_end_of_a_forked_child_does_not_end_the_lease(
    network: ParamNetwork, lives: Lives
) -> None:
    parent = lives.python(FORKING, "yes")
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    wait_until(lambda: not is_alive(child), description="the child has ended")
    (worker_id,) = network.worker_ids
    wait_until(lambda: 0 < pttl(network, worker_id) <= 2000, description="it was renewed")
    wait_until_renewed(network, worker_id, times=2)
    assert len(lives.left()) == 2
    assert network.detect_lost_workers() == []


def wait_out_lease(seconds: float) -> None:
    """Let more time pass than the leases last."""
    over = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > over, description="time passes")


def check_alive_then_lost(network: ParamNetwork, own_server: ServerProcess, life: Life) -> None:
    """See to it that nobody is found lost until leases count again, then that the dead one is."""
    managers = [network, Network[Params, Scores](network.network_id, redis=own_server.url)]
    looks: list[list[str]] = []

    def is_renewed() -> bool:
        looks.extend(manager.detect_lost_workers() for manager in managers)
        return 0 < pttl(network, life.worker_id) <= 1000

    wait_until(is_renewed, description="the lease is renewed")
    wait_until_renewed(network, life.worker_id, times=3)
    looks.extend(manager.detect_lost_workers() for manager in managers)
    assert not any(looks)
    os.kill(life.pid, signal.SIGKILL)
    wait_until(
        lambda: managers[1].detect_lost_workers() == [life.worker_id],
        description="the dead one is found",
    )


def test_nobody_is_lost_when_the_server_was_away_for_longer_than_the_leases(
    own_network: ParamNetwork, own_lives: Lives, own_server: ServerProcess
) -> None:
    life = own_lives.begin("script", wait_in_task, expire=1.0)
    wait_until(lambda: own_network.n_running_tasks == 1, description="its task runs")
    own_server.kill()
    wait_out_lease(1.5)
    own_server.start()
    wait_until(own_server.answers, description="the server is back")
    check_alive_then_lost(own_network, own_server, life)


@pytest.mark.slow
def test_nobody_is_lost_when_the_server_stood_still_for_longer_than_the_leases(
    own_network: ParamNetwork, own_lives: Lives, own_server: ServerProcess
) -> None:
    life = own_lives.begin("script", wait_in_task, expire=1.0)
    wait_until(lambda: own_network.n_running_tasks == 1, description="its task runs")
    wait_until(
        lambda: own_network.connector.info("server")["uptime_in_seconds"] > 2,
        description="the leases of the young server count",
    )
    os.kill(own_server.pid, signal.SIGSTOP)
    with in_background(own_network.detect_lost_workers) as look:
        wait_out_lease(1.5)
        os.kill(own_server.pid, signal.SIGCONT)
        assert look.result(20) == []
    check_alive_then_lost(own_network, own_server, life)


@pytest.mark.slow
def test_no_live_worker_is_lost_on_overloaded_cores(
    network: ParamNetwork, lives: Lives, redis_url: str
) -> None:
    other = Network[Params, Scores](network.network_id, redis=redis_url)
    ids = network.start_local_workers(idle, n_workers=20, heartbeat_period=1)
    network.wait_for_workers(worker_ids=ids, timeout=60.0)
    for _ in range(4 * (os.cpu_count() or 1)):
        lives.run(sys.executable, "-c", BURNER)
    over = time.monotonic() + 9.0  # three leases
    looks: list[list[str]] = []

    def is_over() -> bool:
        looks.append(other.detect_lost_workers())
        return time.monotonic() > over

    wait_until(is_over, description="three leases are over")
    assert not any(looks)
    assert sorted(other.running_worker_ids) == sorted(ids)
