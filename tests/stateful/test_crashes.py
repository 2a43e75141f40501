"""Processes that are killed at any instant leave each task in one state, and lose none."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import NamedTuple

import pytest

from rushtyped import Condition, Network
from rushtyped.keys import new_worker_id
from rushtyped.testing.machine.laws import check_laws
from rushtyped.testing.machine.snapshot import Snapshot, read_snapshot
from rushtyped.testing.stored_keys import delete_network
from tests.models import ParamNetwork, Params, Scores
from tests.stateful.hammer import Told, hammer
from tests.waiting import wait_until

# Children are forked from a process that has no threads, since this one may have some.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.stateful.hammer"])
LOST = Condition(type="WorkerLost", message="killed")


class Hammer(NamedTuple):
    """A process, the id of its worker, and where it says what it was told."""

    worker_id: str
    process: ForkServerProcess
    told: Connection


@pytest.fixture
def network(redis_url: str, network_id: str) -> Iterator[ParamNetwork]:
    with Network[Params, Scores](network_id, redis=redis_url) as network:
        yield network
        delete_network(network._channel, network_id)
        network.reconnect()


def start(network_id: str, url: str, seed: int) -> Hammer:
    ours, theirs = FORKS.Pipe(duplex=False)
    worker_id = new_worker_id()
    process = FORKS.Process(target=hammer, args=(network_id, url, worker_id, seed, theirs))
    process.start()
    theirs.close()
    return Hammer(worker_id, process, ours)


def kill(hammer: Hammer, rng: random.Random) -> list[Told]:
    """Kill a process at a random instant of its work; return all that it was told."""
    heard = [hammer.told.recv() for _ in range(rng.randint(1, 20))]
    time.sleep(rng.uniform(0.0, 0.001))  # not to wait for anything: any instant will do
    hammer.process.kill()
    hammer.process.join()
    with suppress(EOFError, OSError):  # the last message may be cut off
        while True:
            heard.append(hammer.told.recv())
    hammer.told.close()
    hammer.process.close()
    return heard


def check_told(told: list[Told], snapshot: Snapshot) -> None:
    """Fail unless what was created is there, and what was settled is as it was settled."""
    for state, keys in told:
        assert set(keys) <= set(snapshot.tasks), f"a task that was {state} is lost"
        if state != "created":
            states = {snapshot.tasks[key]["state"].decode() for key in keys}
            assert states <= {state}, f"a task that was {state} is {states}"


def n_clients(network: ParamNetwork) -> int:
    clients = network.connector.info("clients")["connected_clients"]
    assert isinstance(clients, int)
    return clients


@pytest.mark.parametrize("seed", range(30))
def test_killed_processes_lose_no_task(network: ParamNetwork, redis_url: str, seed: int) -> None:
    rng = random.Random(seed)
    n_before = n_clients(network)
    hammers = [start(network.network_id, redis_url, 10 * seed + number) for number in range(3)]
    told: list[Told] = []
    try:
        for each in hammers:
            told += kill(each, rng)
            check_laws(read_snapshot(network._channel, network.network_id))
    finally:
        for each in hammers:
            with suppress(ValueError):  # it was killed and closed above
                each.process.kill()
    requeue = rng.random() < 0.5
    for each in hammers:
        attempts = 3 if requeue else 0
        assert network._crew._settle(
            each.worker_id, LOST, attempts=attempts, fail_pending=not requeue
        )
    wait_until(lambda: n_clients(network) <= n_before, description="the server has read it all")
    snapshot = read_snapshot(network._channel, network.network_id)
    check_laws(snapshot)
    check_told(told, snapshot)
    assert snapshot.running == []
    assert snapshot.running_workers == set()
