"""Networks and workers travel to other processes, and connect there."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from rushtyped import Network
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points

ROOT = Path(__file__).parents[2]
FORK = """
import os
from tests.models import points
network.push_failed_tasks(points(1))
child = os.fork()
for _ in range(200):
    assert network.n_queued_tasks == 1
    network.push_failed_tasks(points(1))
if child == 0:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""


def run_with(network: ParamNetwork, program: str) -> None:
    """Run a program in another process that was given the network."""
    receive = "import pickle, sys; network = pickle.load(sys.stdin.buffer)\n"
    subprocess.run(
        [sys.executable, "-c", receive + program],
        input=pickle.dumps(network),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )


@pytest.mark.parametrize("pickler", [pickle, cloudpickle])
def test_a_pickled_network_sees_the_same_tasks(network: ParamNetwork, pickler: Any) -> None:
    keys = network.push_tasks(points(2))
    other = pickle.loads(pickler.dumps(network))
    assert type(other) is type(network)
    assert other.network_id == network.network_id
    assert other.queued_tasks == keys
    keys += other.push_tasks(points(1))
    assert network.queued_tasks == keys


def test_a_pickled_network_works_in_another_process(network: ParamNetwork) -> None:
    keys = network.push_tasks(points(2))
    run_with(network, "network.empty_queue()")
    assert network.failed_tasks == keys


@pytest.mark.parametrize("copying", [copy.copy, copy.deepcopy])
def test_a_copy_has_a_connection_and_a_mark_of_its_own(network: ParamNetwork, copying: Any) -> None:
    network.push_finished_tasks(points(1), [Scores(y=1.0)])
    network.fetch_new_tasks()
    other = copying(network)
    assert other.fetch_new_tasks()["y"].to_list() == [1.0]
    network.reconnect()
    assert other.n_tasks == 1


def test_a_copy_does_not_stop_the_workers_of_the_original(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    with copy.copy(network):
        pass
    assert network.running_worker_ids == [worker.worker_id]


def test_a_pickle_holds_no_budget_of_its_own(network: ParamNetwork, redis_url: str) -> None:
    budgeted = Network[Params, Scores](network.network_id, redis=redis_url, max_tasks=1)
    pickled = pickle.dumps(budgeted)
    Network[Params, Scores](network.network_id, redis=redis_url, max_tasks=2)
    pickle.loads(pickled)
    worker = ParamWorker(network.network_id, redis=redis_url)
    assert len(worker.push_running_tasks(points(2))) == 2


def test_a_child_of_fork_gets_connections_of_its_own(network: ParamNetwork) -> None:
    keys = network.push_tasks(points(1))
    run_with(network, FORK)
    assert network.queued_tasks == keys
    assert network.n_failed_tasks == 401


def test_reconnect_makes_new_connections(network: ParamNetwork) -> None:
    keys = network.push_tasks(points(1))
    before = network.connector
    network.reconnect()
    assert network.connector is not before
    assert network.queued_tasks == keys


@pytest.mark.parametrize("name", ["network_id", "connector", "tasks", "n_tasks"])
def test_what_is_read_only_cannot_be_set(network: ParamNetwork, name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(network, name, "other")
