"""Worker processes that are told to stop, killed, or left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

import psutil
import pytest

from rushtyped import Network
from tests.launch import loops
from tests.models import (
    ParamNetwork,
    Params,
    Scores,
    points,
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


def test_kill_ends_workers_at_once(network: ParamNetwork) -> None:
    ids = network.start_local_workers(loops.sleep_in_task, n_workers=2)
    wait_until(lambda: network.n_running_tasks == 2, description="both tasks run")
    pids = pids_of(network)
    network.stop_workers("kill", worker_ids=ids[:1])
    assert network.running_worker_ids == ids[1:]
    assert network.terminated_worker_ids == ids[:1]
    assert not psutil.pid_exists(pids[ids[0]])
    assert psutil.pid_exists(pids[ids[1]])
    (failed,) = network.failed_tasks
    assert message_of(network, failed) == "Worker was killed"
    assert network.n_running_tasks == 1


def test_killing_one_worker_does_not_hide_that_another_has_died(network: ParamNetwork) -> None:
    dead, other = network.start_local_workers(loops.sleep_in_task, n_workers=2)
    wait_until(lambda: network.n_running_tasks == 2, description="both tasks run")
    process = psutil.Process(pids_of(network)[dead])
    process.kill()
    wait_until_ended(process)
    network.stop_workers("kill", worker_ids=[other])
    assert network.detect_lost_workers() == [dead]
    assert (network.n_running_workers, network.n_running_tasks) == (0, 0)


def test_a_worker_that_registers_while_it_is_killed_leaves_no_task(
    network: ParamNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = network._store.stop_workers

    def stop_and_wait(how: str, worker_ids: Sequence[str]) -> list[str]:
        asked = stop(how, worker_ids)
        wait_until(lambda: network.n_running_tasks == 1, description="it has begun")
        return asked

    network.start_local_workers(loops.sleep_in_task, n_workers=1)
    with monkeypatch.context() as patch:
        patch.setattr(network._store, "stop_workers", stop_and_wait)
        network.stop_workers("kill")
    assert (network.n_running_workers, network.n_running_tasks) == (0, 0)


def test_a_worker_asked_to_end_while_it_starts_is_no_failure(network: ParamNetwork) -> None:
    network.start_local_workers(serve, n_workers=1)
    network.stop_workers("terminate")
    network.wait_until_done(timeout=20.0)
    assert network.n_running_workers == 0


def test_kill_ends_workers_that_are_still_starting(network: ParamNetwork) -> None:
    network.start_local_workers(loops.sleep_in_task, n_workers=1)
    network.stop_workers("kill")
    assert [worker for worker in network._crew.local if worker.is_alive] == []
    assert network.n_running_workers == 0


def test_terminate_ends_workers_after_their_task(network: ParamNetwork) -> None:
    ids = network.start_local_workers(search, n_workers=2)
    network.wait_for_workers(worker_ids=ids, timeout=20.0)
    network.stop_workers("terminate")
    wait_until(lambda: network.n_terminated_workers == 2, description="both have left")
    assert network.n_running_tasks == 0
    assert network.n_failed_tasks == 0
    assert network.detect_lost_workers() == []


def test_ids_that_do_not_run_are_skipped_with_a_warning(
    network: ParamNetwork, warnings_seen: list[str]
) -> None:
    (worker_id,) = network.start_local_workers(serve, n_workers=1)
    network.wait_for_workers(1, timeout=20.0)
    network.stop_workers("kill", worker_ids=[worker_id, "nobody"])
    assert warnings_seen == ["Workers ['nobody'] do not run: nothing to stop"]
    network.stop_workers("kill", worker_ids=[worker_id])
    assert warnings_seen[1] == f"Workers ['{worker_id}'] do not run: nothing to stop"


def test_leaving_the_block_stops_the_workers_and_keeps_the_data(
    redis_url: str, network_id: str
) -> None:
    with Network[Params, Scores](network_id, redis=redis_url) as network:
        network.start_local_workers(search, n_workers=2)
        wait_until(lambda: network.n_finished_tasks > 0, description="tasks finish")
        pids = pids_of(network)
    assert all(not psutil.pid_exists(pid) for pid in pids.values())
    assert (network.n_running_workers, network.n_running_tasks) == (0, 0)
    assert network.n_failed_tasks == 0
    assert network.n_finished_tasks > 0


def test_leaving_the_block_by_an_error_kills_the_workers(redis_url: str, network_id: str) -> None:
    network = Network[Params, Scores](network_id, redis=redis_url)
    network.start_local_workers(loops.sleep_in_task, n_workers=1)
    wait_until(lambda: network.n_running_tasks == 1, description="the task runs")
    with pytest.raises(ValueError, match="no luck"), network:
        raise ValueError("no luck")
    assert (network.n_running_workers, network.n_running_tasks) == (0, 0)
    assert message_of(network, network.failed_tasks[0]) == "Worker was killed"


def test_sigterm_ends_the_loop_after_its_task(network: ParamNetwork) -> None:
    (worker_id,) = network.start_local_workers(loops.count_seconds, n_workers=1)
    wait_until(lambda: network.n_running_tasks == 1, description="the task runs")
    keys = network.running_tasks
    os.kill(pids_of(network)[worker_id], signal.SIGTERM)
    wait_until(lambda: network.n_terminated_workers == 1, description="the worker has left")
    assert network.finished_tasks == network.tasks == keys
    assert network.detect_lost_workers() == []


def test_a_reset_kills_the_workers_and_forgets_them(network: ParamNetwork) -> None:
    network.start_local_workers(serve, n_workers=2)
    network.wait_for_workers(2, timeout=20.0)
    pids = network.worker_info["pid"].to_list()
    network.reset()
    assert (network.n_workers, network.n_tasks) == (0, 0)
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_reset_may_keep_the_workers(network: ParamNetwork) -> None:
    network.push_tasks(points(1))
    ids = network.start_local_workers(serve, n_workers=2)
    network.wait_for_workers(2, timeout=20.0)
    wait_until(lambda: network.n_finished_tasks == 1, description="the task is finished")
    network.reset(workers=False)
    assert network.n_tasks == 0
    assert network.running_worker_ids == sorted(ids)
    network.push_tasks(points(3))
    wait_until(lambda: network.n_finished_tasks == 3, description="they go on")
