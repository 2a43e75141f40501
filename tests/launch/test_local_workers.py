"""Worker processes on this machine: started, watched, lost."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
from pathlib import Path

import psutil
import pytest

from rushtyped import Network, WaitTimeoutError, WorkerStartError
from tests.launch import loops
from tests.models import (
    ParamNetwork,
    Params,
    ParamWorker,
    Scores,
    points,
    raise_in_task,
    search,
    serve,
)
from tests.waiting import wait_until, wait_until_ended


def pids_of(network: ParamNetwork) -> dict[str, int]:
    rows = network.worker_info.select("worker_id", "pid").iter_rows()
    return {worker_id: int(pid) for worker_id, pid in rows}


def message_of(network: ParamNetwork, key: str) -> str:
    condition = network.read_tasks([key])[0].condition
    assert condition is not None
    return condition.message


def reasons_of(network: ParamNetwork) -> list[str]:
    return network.worker_info["reason"].to_list()


def test_two_workers_finish_exactly_max_tasks(redis_url: str, network_id: str) -> None:
    with Network[Params, Scores](network_id, redis=redis_url, max_tasks=40) as network:
        ids = network.start_local_workers(search, n_workers=2)
        network.wait_for_workers(2, timeout=20.0)
        network.wait_until_done(timeout=20.0)
        assert network.n_finished_tasks == 40
        assert (network.n_running_tasks, network.n_failed_tasks) == (0, 0)
        assert set(network.fetch_finished_tasks()["worker_id"]) <= set(ids)
        wait_until(lambda: network.n_terminated_workers == 2, description="both have left")
    assert sorted(network.terminated_worker_ids) == sorted(ids)
    assert all(not psutil.pid_exists(pid) for pid in pids_of(network).values())


@pytest.mark.parametrize("detect", [False, True])
def test_tasks_are_waited_for_while_workers_only_start(network: ParamNetwork, detect: bool) -> None:
    keys = network.push_tasks(points(3))
    network.start_local_workers(serve, n_workers=2)
    network.wait_for_tasks(keys, timeout=20.0, detect_lost_workers=detect)
    assert network.n_finished_tasks == 3


def test_a_wait_for_tasks_ends_with_workers_that_could_not_start(network: ParamNetwork) -> None:
    keys = network.push_tasks(points(1))
    network.start_local_workers(serve, n_workers=1, imports=["no_such_module"])
    with pytest.raises(WorkerStartError, match="no_such_module"):
        network.wait_for_tasks(keys, timeout=20.0, detect_lost_workers=True)


def test_a_killed_worker_is_found_at_once_and_the_budget_is_still_met(
    redis_url: str, network_id: str
) -> None:
    with Network[Params, Scores](network_id, redis=redis_url, max_tasks=20) as network:
        (first,) = network.start_local_workers(loops.sleep_unless_first, n_workers=1)
        wait_until(lambda: network.n_running_tasks == 1, description="the first task runs")
        (key,) = network.running_tasks
        network.start_local_workers(loops.sleep_unless_first, n_workers=1)
        wait_until(lambda: network.n_finished_tasks == 19, description="all slots but one")
        process = psutil.Process(pids_of(network)[first])
        process.kill()
        wait_until_ended(process)
        assert network.detect_lost_workers() == [first]
        assert network.failed_tasks == [key]
        assert message_of(network, key) == "Worker has crashed or was killed (SIGKILL)"
        assert network.detect_lost_workers() == []
        network.wait_until_done(timeout=20.0)
        assert (network.n_finished_tasks, network.n_failed_tasks) == (20, 1)


def test_waiting_until_done_sees_to_lost_workers(network: ParamNetwork) -> None:
    network.start_local_workers(loops.die, n_workers=1)
    network.wait_until_done(timeout=20.0)
    assert network.n_running_tasks == 0
    message = message_of(network, network.failed_tasks[0])
    assert message == "Worker has crashed or was killed (SIGSEGV)"
    assert reasons_of(network) == [message]


def test_waiting_for_tasks_can_find_lost_workers(network: ParamNetwork) -> None:
    network.start_local_workers(loops.sleep_in_task, n_workers=1)
    wait_until(lambda: network.n_running_tasks == 1, description="the task runs")
    keys = network.running_tasks
    (pid,) = pids_of(network).values()
    os.kill(pid, signal.SIGKILL)
    network.wait_for_tasks(keys, timeout=20.0, detect_lost_workers=True)
    assert network.failed_tasks == keys


def test_the_task_of_a_lost_worker_can_be_queued_again(network: ParamNetwork) -> None:
    keys = network.push_tasks(points(2))
    (worker_id,) = network.start_local_workers(pop_and_sleep, n_workers=1)
    wait_until(lambda: network.n_running_tasks == 1, description="the task runs")
    process = psutil.Process(pids_of(network)[worker_id])
    process.kill()
    wait_until_ended(process)
    assert network.detect_lost_workers(requeue=True) == [worker_id]
    assert network.queued_tasks == keys
    assert [task.attempt for task in network.read_tasks(keys)] == [2, 1]


def pop_and_sleep(worker: ParamWorker) -> None:
    worker.pop_task(timeout=10.0)
    signal.pause()


def test_waiting_for_workers(network: ParamNetwork) -> None:
    with pytest.raises(WaitTimeoutError, match="0 of 1 workers registered within 0 s"):
        network.wait_for_workers(1, timeout=0)
    network.wait_for_workers(0, timeout=0)
    ids = network.start_local_workers(serve, n_workers=2)
    network.wait_for_workers(1, timeout=20.0)
    network.wait_for_workers(1, worker_ids=ids, timeout=20.0)
    network.wait_for_workers(worker_ids=ids, timeout=20.0)
    network.wait_for_workers(2, timeout=0)
    with pytest.raises(WaitTimeoutError, match=r"2 of 3 workers registered within 0\.1 s"):
        network.wait_for_workers(3, timeout=0.1)


def test_workers_that_have_ended_since_were_registered(network: ParamNetwork) -> None:
    ids = network.start_local_workers(loops.finish_one, n_workers=1)
    wait_until(lambda: network.n_terminated_workers == 1, description="the worker has left")
    network.wait_for_workers(worker_ids=ids, timeout=0)
    network.wait_for_workers(1, timeout=0)


def test_the_reset_of_another_is_no_failure_to_start(network: ParamNetwork, redis_url: str) -> None:
    network.start_local_workers(search, n_workers=1)
    network.wait_for_workers(1, timeout=20.0)
    Network[Params, Scores](network.network_id, redis=redis_url).reset()
    network.wait_until_done(timeout=20.0)
    assert network.worker_ids == []


def test_a_loop_that_raises_fails_its_task_and_leaves(
    network: ParamNetwork, tmp_path: Path
) -> None:
    (worker_id,) = network.start_local_workers(raise_in_task, n_workers=1, message_log=tmp_path)
    network.wait_until_done(timeout=20.0)
    (record,) = network.read_tasks(network.failed_tasks)
    assert record.condition is not None
    assert (record.condition.type, record.condition.message) == ("ValueError", "no such point")
    assert 'raise ValueError("no such point")' in (record.condition.traceback or "")
    assert reasons_of(network) == ["ValueError: no such point"]
    assert network.detect_lost_workers() == []
    log = (tmp_path / f"message_{worker_id}.log").read_text()
    assert "ValueError: no such point" in log


@pytest.mark.parametrize(
    ("code", "reason", "message"),
    [
        (None, "ended", "Worker was terminated"),
        (0, "ended", "Worker was terminated"),
        (3, "SystemExit: 3", "3"),
        ("no licence", "SystemExit: no licence", "no licence"),
    ],
)
def test_a_loop_may_leave_by_exit(
    network: ParamNetwork, code: int | str | None, reason: str, message: str
) -> None:
    network.start_local_workers(functools.partial(loops.exit_with, code=code), n_workers=1)
    wait_until(lambda: network.n_terminated_workers == 1, description="the worker has left")
    assert reasons_of(network) == [reason]
    assert message_of(network, network.failed_tasks[0]) == message


def test_a_worker_that_cannot_import_says_so(network: ParamNetwork) -> None:
    network.start_local_workers(serve, n_workers=1, imports=["no_such_module"])
    with pytest.raises(WorkerStartError, match="No module named 'no_such_module'") as caught:
        network.wait_for_workers(1, timeout=20.0)
    assert "ended before it registered (exit code 1)" in str(caught.value)


def test_waiting_until_done_tells_that_no_worker_could_start(network: ParamNetwork) -> None:
    network.start_local_workers(serve, n_workers=2, imports=["no_such_module"])
    with pytest.raises(WorkerStartError, match="no_such_module"):
        network.wait_until_done(timeout=20.0)


def test_the_wait_for_the_end_has_a_timeout(network: ParamNetwork) -> None:
    network.start_local_workers(serve, n_workers=1)
    network.wait_for_workers(1, timeout=20.0)
    with pytest.raises(WaitTimeoutError, match=r"was not done within 0\.1 s"):
        network.wait_until_done(timeout=0.1)


def test_progress_is_shown_on_standard_error(
    network: ParamNetwork, capfd: pytest.CaptureFixture[str]
) -> None:
    network.start_local_workers(loops.finish_one, n_workers=1)
    network.wait_until_done(timeout=20.0, progress=True)
    (last,) = [line for line in capfd.readouterr().err.splitlines() if "1 finished" in line]
    expected = f"{network.network_id}: 1 finished, 0 running, 0 queued, 0 failed, 0 workers, "
    assert last.startswith(expected)


def test_a_worker_is_gone_from_the_process_table(network: ParamNetwork) -> None:
    network.start_local_workers(loops.finish_one, n_workers=1)
    network.wait_until_done(timeout=20.0)
    (pid,) = pids_of(network).values()
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(timeout=10.0)
    network.detect_lost_workers()
    assert not psutil.pid_exists(pid)
