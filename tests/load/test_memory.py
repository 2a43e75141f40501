"""Memory of tasks on the server and in a reader, and of workers; `-rP` shows the figures."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from rushtyped import Network
from tests.benchmarks.tasks import TEN, VALUE, Ten, TenNetwork, Value
from tests.load.conftest import SLOW
from tests.models import ParamNetwork, search
from tests.servers.binaries import redis_of_debian, valkey
from tests.servers.process import SAVE_NOTHING, ServerProcess
from tests.waiting import wait_until

N = 20_000
COMPACT = {**SAVE_NOTHING, "hash-max-listpack-value": "1024"}
BOUNDS = {"queued": (430, 740), "finished": (490, 970), "expiring": (570, 1050)}
"""Bytes of server memory a task of ten floats may take, with compact hashes and as servers come."""


@pytest.fixture(params=["compact", "default"])
def hashes(request: pytest.FixtureRequest) -> str:
    """How the server keeps hashes with values of more than 64 bytes."""
    return str(request.param)


@pytest.fixture(params=[valkey, redis_of_debian])
def server(request: pytest.FixtureRequest, tmp_path: Path, hashes: str) -> Iterator[ServerProcess]:
    """A server of the test's own."""
    options = COMPACT if hashes == "compact" else SAVE_NOTHING
    with ServerProcess(tmp_path, binary=request.param(), options=options) as server:
        yield server


def test_server_memory_of_a_task(server: ServerProcess, hashes: str) -> None:
    found = {}
    with server.client() as client:

        def used() -> int:
            return int(client.info("memory")["used_memory"])

        network = Network[Ten, Value]("memory", redis=server.url)
        for state in ("queued", "finished", "expiring"):
            network.reset()
            began = used()
            if state == "queued":
                network.push_tasks([TEN] * N)
            else:
                network.push_finished_tasks([TEN] * N, [VALUE] * N)
            if state == "expiring":
                network.expire(3600)
            found[state] = (used() - began) / N
    print(hashes, server.log.split("version=")[-1][:8], {k: round(v) for k, v in found.items()})
    for state, size in found.items():
        assert size < BOUNDS[state][hashes == "default"], f"bytes of a {state} task"


@pytest.mark.parametrize("n", [N, pytest.param(1_000_000, marks=SLOW)])
def test_client_memory_of_a_cached_task(redis_url: str, network_id: str, n: int) -> None:
    network = TenNetwork(network_id, redis=redis_url)
    for _ in range(n // N):
        network.push_finished_tasks([TEN] * N, [VALUE] * N)
    network.fetch_tasks(fields=["xs"]) if n == N else None
    gc.collect()
    process = psutil.Process()
    before = process.memory_info().rss
    size = network.fetch_finished_tasks(fields=["xs", "ys", "worker_id", "times"]).estimated_size()
    gc.collect()
    grown = process.memory_info().rss - before
    print(f"{n} cached tasks: {size / n:.0f} bytes each as a frame, {grown / n:.0f} as memory")
    network.reset()
    assert size / n < 250
    assert n == N or grown / n < 600


def test_memory_of_a_worker(redis_url: str, network_id: str) -> None:
    with ParamNetwork(network_id, redis=redis_url) as network:
        ids = network.start_local_workers(search, n_workers=4)
        network.wait_for_workers(worker_ids=ids, timeout=120.0)
        wait_until(lambda: network.n_finished_tasks > 1000, description="workers work")
        processes = [psutil.Process(pid) for pid in network.worker_info["pid"]]
        shares = [process.memory_full_info().pss / 1e6 for process in processes]
        wholes = [process.memory_info().rss / 1e6 for process in processes]
        network.stop_workers("kill")
    print(f"MB of a worker: {max(shares):.0f} as its share, {max(wholes):.0f} resident")
    assert max(shares) < 50
    assert max(wholes) < 120
