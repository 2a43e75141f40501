"""Connections that are cut at bad moments neither hide lost workers nor hold tasks back."""

from __future__ import annotations

import os
import signal

import pytest

from rushtyped import Network, Worker
from rushtyped.keys import NetworkKeys
from tests.launch.lives import Lives, pids_of, wait_in_task
from tests.models import ParamNetwork, Params, Scores, points
from tests.waiting import wait_until


def cut_its_connection(network: ParamNetwork, admin: ParamNetwork) -> None:
    """Have the server close the connection that the network's next call would take."""
    admin.connector.client_kill_filter(_id=str(network._channel.call("CLIENT", "ID")))


@pytest.mark.parametrize("is_flaky", [False, True])
def test_a_frozen_worker_is_found_lost_over_a_link_that_breaks_all_the_time(
    redis_url: str, network_id: str, is_flaky: bool
) -> None:
    with Network[Params, Scores](network_id, redis=redis_url) as network:
        life = Lives(network, redis_url).begin("local", wait_in_task, expire=2.0)
        wait_until(lambda: network.n_running_tasks == 1, description="it is in its task")
        other = Network[Params, Scores](network_id, redis=redis_url)
        pid = pids_of(network)[life.worker_id]
        os.kill(pid, signal.SIGSTOP)

        def look() -> list[str]:
            if is_flaky:
                cut_its_connection(other, network)
            return other.detect_lost_workers()

        try:
            wait_until(look, description="the worker is found lost", timeout=60.0)
        finally:
            os.kill(pid, signal.SIGKILL)
        assert network.n_failed_tasks == 1


def test_a_task_that_a_lost_worker_popped_before_it_died_is_run_by_another(
    redis_url: str, network_id: str
) -> None:
    network = Network[Params, Scores](network_id, redis=redis_url)
    lost, keys = Worker[Params, Scores](network_id, redis=redis_url), NetworkKeys(network_id)
    (key,) = network.push_tasks(points(1))
    network.stop_workers("kill", worker_ids=[lost.worker_id])
    # It comes back with a pop, of which the claim does not get through before it dies.
    network.connector.lmove(keys.queue, keys.worker(lost.worker_id).pending)
    assert network.n_queued_tasks == 0

    def look() -> int:
        assert network.detect_lost_workers() == []
        return network.n_queued_tasks

    wait_until(look, description="the task is back")
    task = Worker[Params, Scores](network_id, redis=redis_url).pop_task(timeout=0.0)
    assert task is not None
    assert task.key == key
    assert network.verify().is_empty()
