"""The process that forks local workers: what it hands to them, and what becomes of it."""

from __future__ import annotations

import functools
import os
import random
import resource
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from rushtyped import Network, WorkerStartError
from rushtyped.launch.local import LocalWorker
from tests.launch.lives import (
    Lives,
    idle,
    is_alive,
    lease_process_of,
    messages_of,
    pids_of,
    reason_of,
    wait_in_task,
)
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points
from tests.waiting import wait_until

DROPPED = """
import sys
from rushtyped import Network
from tests.launch.lives import idle
from tests.models import Params, ParamWorker, Scores

_, network_id, redis, when = sys.argv
network = Network[Params, Scores](network_id, redis=redis)
network.start_local_workers(idle, n_workers=2)
network.wait_for_workers(2, timeout=20)
worker = ParamWorker(network_id, redis=redis)
print(worker.terminated)
if when == "at once":
    del network, worker
"""


@pytest.fixture
def lives(network: ParamNetwork, redis_url: str) -> Iterator[Lives]:
    """Starts processes for the network."""
    lives = Lives(network, redis_url)
    yield lives
    lives.close()


def tell_surroundings(worker: ParamWorker, *, module: str) -> None:
    """Record the directory, a variable, and a module as the worker finds them."""
    found = __import__(module).FOUND if module else "nothing"
    told = [Path.cwd().name, os.environ.get("TESTED_VARIABLE"), found]
    worker.push_failed_tasks(points(1), conditions=str(told))


def tell_input(worker: ParamWorker) -> None:
    """Record what standard input is."""
    told = [os.path.realpath("/proc/self/fd/0"), sys.stdin.read()]
    worker.push_failed_tasks(points(1), conditions=str(told))


def tell_random(worker: ParamWorker) -> None:
    """Record a random number."""
    worker.push_failed_tasks(points(1), conditions=str(random.random()))


def nursery_of(network: ParamNetwork) -> psutil.Process:
    """Find the process that starts the workers of a manager in this process."""
    found = [
        child
        for child in psutil.Process().children()
        if child.pid in {psutil.Process(pid).ppid() for pid in pids_of(network).values()}
    ]
    assert len(found) == 1
    return found[0]


def test_a_worker_runs_where_its_manager_was_at_the_time(
    network: ParamNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = functools.partial(tell_surroundings, module="colorsys")  # one that others have, too
    for place in ("first", "second"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "colorsys.py").write_text(f"FOUND = '{place} module'")
        monkeypatch.chdir(tmp_path / place)
        monkeypatch.setenv("TESTED_VARIABLE", f"{place} value")
        monkeypatch.syspath_prepend(str(tmp_path / place))
        network.start_local_workers(loop, n_workers=1)
        network.wait_until_done(timeout=20.0)
    assert messages_of(network, network.failed_tasks) == [
        "['first', 'first value', 'first module']",
        "['second', 'second value', 'second module']",
    ]


def test_a_variable_that_was_removed_is_not_there(
    network: ParamNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESTED_VARIABLE", "there")
    network.start_local_workers(functools.partial(tell_surroundings, module=""), n_workers=1)
    network.wait_until_done(timeout=20.0)
    monkeypatch.delenv("TESTED_VARIABLE")
    network.start_local_workers(functools.partial(tell_surroundings, module=""), n_workers=1)
    network.wait_until_done(timeout=20.0)
    first, second = messages_of(network, network.failed_tasks)
    assert "'there'" in first
    assert "None" in second


def test_a_module_beside_the_manager_does_not_hide_that_of_the_path(
    network: ParamNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "redis.py").write_text("raise ImportError('the wrong redis')")
    monkeypatch.chdir(tmp_path)
    network.start_local_workers(idle, n_workers=1)
    network.wait_for_workers(1, timeout=20.0)
    assert network.n_running_workers == 1


def test_standard_input_is_empty(network: ParamNetwork) -> None:
    network.start_local_workers(tell_input, n_workers=1)
    network.wait_until_done(timeout=20.0)
    assert messages_of(network, network.failed_tasks) == ["['/dev/null', '']"]


def test_each_worker_draws_its_own_random_numbers(network: ParamNetwork) -> None:
    network.start_local_workers(tell_random, n_workers=5)
    network.wait_until_done(timeout=20.0)
    assert len(set(messages_of(network, network.failed_tasks))) == 5


def test_a_module_that_fails_to_import_is_named_with_its_messages(
    network: ParamNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rushtyped_broken_module.py").write_text("raise RuntimeError('no licence found')")
    monkeypatch.syspath_prepend(str(tmp_path))
    network.start_local_workers(idle, n_workers=1, imports=["rushtyped_broken_module"])
    with pytest.raises(WorkerStartError, match="RuntimeError: no licence found"):
        network.wait_for_workers(1, timeout=20.0)
    network.start_local_workers(idle, n_workers=1)
    network.wait_for_workers(1, timeout=20.0)


def test_workers_of_a_killed_nursery_are_lost_and_others_can_be_started(
    network: ParamNetwork,
) -> None:
    ids = network.start_local_workers(wait_in_task, n_workers=2, heartbeat_period=1)
    wait_until(lambda: network.n_running_tasks == 2, description="both tasks run")
    nursery = nursery_of(network)
    pids = [*pids_of(network).values(), lease_process_of(nursery.pid).pid]
    nursery.kill()
    wait_until(lambda: not any(map(is_alive, pids)), description="nothing of it is left")
    assert sorted(network.detect_lost_workers()) == sorted(ids)
    reason = "Worker has crashed or was killed (its process is gone)"
    assert [reason_of(network, worker_id) for worker_id in ids] == [reason] * 2
    assert messages_of(network, network.failed_tasks) == [reason] * 2
    (another,) = network.start_local_workers(idle, n_workers=1)
    network.wait_for_workers(worker_ids=[another], timeout=20.0)
    assert network.running_worker_ids == [another]


def test_two_threads_can_start_workers_at_the_same_time(network: ParamNetwork) -> None:
    with ThreadPoolExecutor(2) as pool:
        calls = [
            pool.submit(network.start_local_workers, idle, n_workers=3, heartbeat_period=1)
            for _ in range(2)
        ]
    ids = [worker_id for call in calls for worker_id in call.result()]
    network.wait_for_workers(worker_ids=ids, timeout=20.0)
    assert sorted(network.running_worker_ids) == sorted(ids)
    assert len({psutil.Process(pid).ppid() for pid in pids_of(network).values()}) == 1


def test_workers_that_are_being_started_are_not_lost(network: ParamNetwork) -> None:
    ids: list[str] = []
    dead: list[LocalWorker] = []

    def start() -> None:
        for _ in range(12):
            ids.extend(network.start_local_workers(idle, n_workers=2))

    def look_on() -> None:
        while not call.done():
            dead.extend(network._crew.local.dead())

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # the threads take turns at any place
    try:
        with ThreadPoolExecutor(4) as pool:
            call = pool.submit(start)
            looks = [pool.submit(look_on) for _ in range(3)]
            for each in (call, *looks):
                each.result()
    finally:
        sys.setswitchinterval(interval)
    network.wait_for_workers(worker_ids=ids, timeout=20.0)
    assert dead == []
    assert network.detect_lost_workers() == []
    assert network.n_running_workers == 24


def test_threads_that_look_for_lost_workers_at_the_same_time_find_each_once(
    network: ParamNetwork,
) -> None:
    ids = network.start_local_workers(wait_in_task, n_workers=6, heartbeat_period=1)
    wait_until(lambda: network.n_running_tasks == 6, description="all tasks run")
    for pid in pids_of(network).values():
        os.kill(pid, signal.SIGKILL)
    found: list[str] = []
    with ThreadPoolExecutor(4) as pool:

        def have_all() -> bool:
            calls = [pool.submit(network.detect_lost_workers) for _ in range(4)]
            found.extend(worker_id for call in calls for worker_id in call.result())
            return len(found) >= 6

        wait_until(have_all, description="all are found")
    assert Counter(found) == Counter(ids)


def test_thirty_workers_start_in_one_call(network: ParamNetwork) -> None:
    ids = network.start_local_workers(idle, n_workers=30)
    assert len(set(ids)) == 30
    network.wait_for_workers(worker_ids=ids, timeout=60.0)
    assert sorted(network.running_worker_ids) == sorted(ids)


def test_a_manager_with_many_open_files_can_start_workers(network: ParamNetwork) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= most < 1400:
        pytest.skip(f"a process may have only {most} files open here")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], 1400), most))
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        ids = network.start_local_workers(idle, n_workers=1)
        network.wait_for_workers(worker_ids=ids, timeout=20.0)
    finally:
        for descriptor in opened:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_too_few_files_for_all_workers_start_none(network: ParamNetwork) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    n_open = psutil.Process().num_fds()
    resource.setrlimit(resource.RLIMIT_NOFILE, (n_open + 40, before[1]))
    try:
        with pytest.raises(WorkerStartError, match=r"60 worker processes need .* None was started"):
            network.start_local_workers(idle, n_workers=60)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert network._crew.local.ever_started == set()
    ids = network.start_local_workers(idle, n_workers=1)
    network.wait_for_workers(worker_ids=ids, timeout=20.0)
    assert network.worker_ids == ids


@pytest.mark.parametrize("when", ["at once", "at its end"])
def test_a_network_that_is_dropped_leaves_neither_warnings_nor_processes(
    network: ParamNetwork, redis_url: str, lives: Lives, when: str
) -> None:
    words = (network.network_id, redis_url, when)
    process = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", DROPPED, *words],
        env=lives.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, "False\n", "")
    wait_until(lambda: lives.left() == [], description="no process is left")


def test_workers_write_no_warnings_of_their_own(
    network: ParamNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDEVMODE", "1")
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    for _ in range(2):  # the second one is forked beside the process that renews leases
        network.start_local_workers(tell_random, n_workers=1, message_log=tmp_path)
        network.wait_until_done(timeout=20.0)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["", ""]


def test_a_loop_may_use_processes_of_its_own(network: ParamNetwork) -> None:
    network.start_local_workers(run_child, n_workers=1)
    network.wait_until_done(timeout=20.0)
    assert messages_of(network, network.failed_tasks) == ["child said hello"]


def run_child(worker: ParamWorker) -> None:
    """Record what a child process says that reads its standard input."""
    said = subprocess.check_output(["sh", "-c", "cat && echo hello"], text=True)
    worker.push_failed_tasks(points(1), conditions=f"child said {said.strip()}")


def test_workers_of_two_networks_do_not_mix(network: ParamNetwork, redis_url: str) -> None:
    with Network[Params, Scores](redis=redis_url) as another:
        network.start_local_workers(idle, n_workers=1)
        another.start_local_workers(idle, n_workers=1)
        network.wait_for_workers(1, timeout=20.0)
        another.wait_for_workers(1, timeout=20.0)
        assert nursery_of(network).pid != nursery_of(another).pid
    assert network.detect_lost_workers() == []
    assert network.n_running_workers == 1
