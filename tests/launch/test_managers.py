"""What becomes of workers when their manager's process ends, in whatever way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.models import ParamNetwork
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
MANAGER = """
import sys
from rushtyped import Network
from tests.launch import loops
from tests.models import Params, Scores, search

_, network_id, redis, loop, supervise = sys.argv
loop = {"search": search, "sleep": loops.sleep_in_task, "block": loops.sleep_in_block}[loop]
with Network[Params, Scores](network_id, redis=redis) as network:
    network.start_local_workers(loop, n_workers=2, supervise=supervise == "yes")
    network.wait_for_workers(2, timeout=20)
    network.wait_until_done(timeout=60)
"""
FORKING_MANAGER = """
import os, sys, time
from rushtyped import Network
from tests.launch import loops
from tests.models import Params, Scores

_, network_id, redis = sys.argv
with Network[Params, Scores](network_id, redis=redis) as network:
    network.start_local_workers(loops.sleep_in_task, n_workers=1)
    network.wait_for_workers(1, timeout=20)
    if os.fork() == 0:
        print(os.getpid(), network.detect_lost_workers(), flush=True)
        time.sleep(60)
    time.sleep(60)
"""
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(network: ParamNetwork, redis_url: str) -> Iterator[Start]:
    """Start a manager process in a process group of its own; whatever is left of it is killed."""
    managers = []

    def start_manager(loop: str, *, supervise: bool = True) -> subprocess.Popen[bytes]:
        words = [network.network_id, redis_url, loop, "yes" if supervise else "no"]
        manager = subprocess.Popen(
            [sys.executable, "-c", MANAGER, *words],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        managers.append(manager)
        return manager

    yield start_manager
    for manager in managers:
        manager.kill()
        manager.communicate()
    for pid in pids_of(network):
        if is_alive(pid) and "rushtyped" in psutil.Process(pid).cmdline():
            os.kill(pid, signal.SIGKILL)


def pids_of(network: ParamNetwork) -> list[int]:
    return network.worker_info["pid"].to_list()


def is_alive(pid: int) -> bool:
    try:
        status: str = psutil.Process(pid).status()
    except psutil.NoSuchProcess:
        return False
    return status != "zombie"


def test_supervised_workers_die_with_a_killed_manager(network: ParamNetwork, start: Start) -> None:
    manager = start("sleep")
    wait_until(lambda: network.n_running_tasks == 2, description="both tasks run")
    pids = pids_of(network)
    manager.kill()
    wait_until(lambda: not any(map(is_alive, pids)), description="both workers are gone")
    wait_until(lambda: network.n_running_workers == 0, description="their tasks are settled")
    assert network.n_running_tasks == 0
    conditions = [record.condition for record in network.read_tasks(network.failed_tasks)]
    messages = [condition.message for condition in conditions if condition]
    assert messages == ["The manager of this worker has died"] * 2


def test_unsupervised_workers_go_on(network: ParamNetwork, start: Start) -> None:
    manager = start("search", supervise=False)
    wait_until(lambda: network.n_running_workers == 2, description="both workers run")
    manager.kill()
    manager.wait()
    done = network.n_finished_tasks
    wait_until(lambda: network.n_finished_tasks > done + 10, description="the workers go on")
    assert network.n_running_workers == 2
    network.stop_workers("terminate")
    wait_until(lambda: network.n_terminated_workers == 2, description="both obey")
    assert network.n_running_tasks == 0


@pytest.mark.parametrize("loop", ["search", "block"])
def test_ctrl_c_leaves_no_running_task(network: ParamNetwork, start: Start, loop: str) -> None:
    manager = start(loop)
    wait_until(lambda: network.n_tasks >= 2, description="tasks run")
    pids = pids_of(network)
    os.killpg(manager.pid, signal.SIGINT)
    _, messages = manager.communicate(timeout=20)
    assert manager.returncode == -signal.SIGINT
    assert messages.rstrip().endswith(b"KeyboardInterrupt")
    assert (network.n_running_workers, network.n_running_tasks) == (0, 0)
    assert not any(map(is_alive, pids))


def test_an_interrupted_worker_leaves_no_running_task(network: ParamNetwork, start: Start) -> None:
    start("block")
    wait_until(lambda: network.n_running_tasks == 2, description="both tasks run")
    for pid in pids_of(network):
        os.kill(pid, signal.SIGINT)
    wait_until(lambda: network.n_terminated_workers == 2, description="both have left")
    assert network.n_running_tasks == 0
    conditions = [record.condition for record in network.read_tasks(network.failed_tasks)]
    assert [condition.type for condition in conditions if condition] == ["KeyboardInterrupt"] * 2
    reasons = network.worker_info["reason"].to_list()
    assert reasons == ["KeyboardInterrupt"] * 2


def test_a_forked_child_of_a_manager_neither_loses_nor_keeps_its_workers(
    network: ParamNetwork, redis_url: str
) -> None:
    manager = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", FORKING_MANAGER, network.network_id, redis_url],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    )
    assert manager.stdout is not None
    child, lost = manager.stdout.readline().split(maxsplit=1)
    try:
        assert lost.strip() == b"[]"
        wait_until(lambda: network.n_running_tasks == 1, description="the worker goes on")
        pids = pids_of(network)
        manager.kill()
        manager.wait()
        wait_until(lambda: not any(map(is_alive, pids)), description="the worker is gone")
        assert is_alive(int(child))
    finally:
        manager.kill()
        os.kill(int(child), signal.SIGKILL)
        manager.communicate()
