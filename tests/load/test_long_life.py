"""Long lives: nothing grows with the number of tasks, records, networks or workers of before."""

from __future__ import annotations

import gc
import os
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from loguru import logger

from rushtyped import Network, ServerUnreachableError
from rushtyped.log_store import LogStore
from rushtyped.logs import LogSink, capture_logs
from tests.load.conftest import SLOW
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points
from tests.servers.process import SAVE_NOTHING, ServerProcess
from tests.waiting import wait_until

POINT, RESULT = Params(x1=1.0, x2=2.0), Scores(y=3.0)
MEGABYTE = 1_000_000


@pytest.fixture
def network(redis_url: str, network_id: str) -> ParamNetwork:
    """A network on the session's server."""
    return ParamNetwork(network_id, redis=redis_url)


@pytest.fixture
def worker(network: ParamNetwork, redis_url: str) -> ParamWorker:
    """A worker of the network, in this process."""
    return ParamWorker(network.network_id, redis=redis_url)


def work(worker: ParamWorker, n: int) -> None:
    """Take so many tasks through their life."""
    for _ in range(n):
        with worker.running_task(POINT) as task:
            task.finish(RESULT)
        assert not worker.terminated


@pytest.mark.parametrize("n", [5000, pytest.param(100_000, marks=SLOW)])
def test_events_stay_few(worker: ParamWorker, n: int) -> None:
    work(worker, n // 2)
    stream = f"rush:{{{worker.network_id}}}:events"
    client: Any = worker.connector
    assert 1000 <= client.xlen(stream) < 1200
    assert client.memory_usage(stream) < 100_000


@pytest.mark.parametrize("n", [20_000, pytest.param(100_000, marks=SLOW)])
def test_logs_stay_few(network: ParamNetwork, worker: ParamWorker, n: int) -> None:
    logs = LogStore(network._store)
    with closing(capture_logs(LogSink(logs, worker.worker_id, buffer_size=500), {"": "INFO"})):
        for number in range(n):
            logger.info("record {}", number)
    log = network.read_log()
    assert log["message"].to_list() == [f"record {each}" for each in range(n - 10_000, n)]
    key = f"rush:{{{network.network_id}}}:worker:{worker.worker_id}:log"
    client: Any = network.connector
    assert client.memory_usage(key, samples=100) < 4 * MEGABYTE


def test_a_worker_keeps_nothing_of_older_tasks(
    worker: ParamWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rushtyped.journal.MOST_SETTLED", 500)
    tracemalloc.start()
    try:
        work(worker, 1500)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        work(worker, 5000)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown / 5000 < 2.0, "bytes for each task"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_worker_does_not_grow_over_a_million_tasks(worker: ParamWorker) -> None:
    process = psutil.Process()
    work(worker, 50_000)
    before = process.memory_info().rss
    work(worker, 950_000)
    assert process.memory_info().rss - before < 5 * MEGABYTE
    assert worker.n_finished_tasks == 1_000_000


def with_network(url: str) -> None:
    with Network[Params, Scores](f"life-{os.getpid()}", redis=url) as network:
        network.push_tasks(points(2))
        network.fetch_tasks()


def without_leaving(url: str) -> None:
    network = Network[Params, Scores](f"life-{os.getpid()}", redis=url)
    network.push_tasks(points(2))
    network.reset(workers=False)


def opened(url: str) -> None:
    with Network[Params, Scores](f"life-{os.getpid()}", redis=url):
        Network.open(f"life-{os.getpid()}", redis=url).fetch_tasks()


def as_worker(url: str) -> None:
    worker = ParamWorker(f"life-{os.getpid()}", redis=url)
    worker.running_task(POINT).finish(RESULT)
    worker.set_terminated()


def in_vain(url: str) -> None:
    with pytest.raises(ServerUnreachableError):
        Network[Params, Scores]("life", redis=f"{url}.none", retry_timeout=0.0)


@pytest.mark.parametrize(
    ("use", "n"),
    [(with_network, 100), (without_leaving, 100), (opened, 100), (as_worker, 30), (in_vain, 100)],
)
def test_nothing_stays_open(tmp_path: Path, use: Callable[[str], None], n: int) -> None:
    with ServerProcess(tmp_path, options=SAVE_NOTHING) as server:
        use(server.url)
        gc.collect()
        process = psutil.Process()

        def held() -> tuple[int, int, int]:
            gc.collect()
            with server.client() as client:
                clients = client.info("clients")["connected_clients"]
            return process.num_fds(), process.num_threads(), clients

        before = held()
        for _ in range(n):
            use(server.url)
        wait_until(
            lambda: all(now <= then for now, then in zip(held(), before, strict=True)),
            description=f"no more than {before} descriptors, threads and clients",
        )
