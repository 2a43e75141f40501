"""What calls cost in counts that depend on no machine: each is to stay as small as it is."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rushtyped.keys import NetworkKeys
from tests.benchmarks.tasks import TEN, VALUE, TenNetwork, TenWorker
from tests.servers.process import SAVE_NOTHING, ServerProcess

Call = Callable[[], object]
MANY = 4000


class Bench:
    """A network on a server of its own, with a worker."""

    def __init__(self, url: str, client: Any) -> None:
        self.network = TenNetwork("counts", redis=url)
        self.worker = TenWorker("counts", redis=url)
        self.client = client
        self.keys: list[str] = []

    def start(self) -> None:
        """Start a task."""
        self.keys += self.worker.push_running_tasks([TEN])

    def finish(self) -> None:
        """Finish the oldest one."""
        self.worker.finish_tasks([self.keys.pop(0)], [VALUE])

    def pop(self) -> None:
        """Take a task from the queue."""
        task = self.worker.pop_task(timeout=0.0)
        assert task is not None
        self.keys.append(task.key)

    def fetch(self) -> None:
        """Fetch what is new."""
        self.worker.fetch_finished_tasks()

    def fetch_all(self) -> None:
        """Fetch all as for the first time."""
        self.network.reset_cache()
        self.network.fetch_finished_tasks()

    def round_trips(self, call: Call) -> int:
        """Count the round trips of a call."""
        channels = self.worker._channel, self.network._channel
        before = sum(channel.n_round_trips for channel in channels)
        call()
        return sum(channel.n_round_trips for channel in channels) - before

    def commands(self, call: Call) -> dict[str, int]:
        """Count what the server does in a call, what scripts do included."""
        self.client.config_resetstat()
        call()
        stats = self.client.info("commandstats")
        found = {name.removeprefix("cmdstat_"): stat["calls"] for name, stat in stats.items()}
        return {name: n for name, n in found.items() if name not in ("config|resetstat", "info")}


@pytest.fixture
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A network in which all calls were made once."""
    directory = tmp_path_factory.mktemp("server")
    with (
        ServerProcess(directory, options=SAVE_NOTHING) as server,
        server.client() as client,
    ):
        bench = Bench(server.url, client)
        bench.network.push_tasks([TEN] * 2)
        for call in (bench.start, bench.pop, bench.finish, bench.finish, bench.fetch):
            call()
        bench.worker.push_finished_tasks([TEN], [VALUE])
        yield bench
        bench.worker.set_terminated()


def python_calls(call: Call) -> int:
    """Count the Python functions that run in a call."""
    n = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal n
        n += event == "call"

    gc.collect()
    gc.disable()
    sys.setprofile(count)
    try:
        call()
    finally:
        sys.setprofile(None)
        gc.enable()
    return n


def test_a_call_is_one_round_trip_and_bulk_calls_are_few(bench: Bench) -> None:
    found = {
        "start": bench.round_trips(bench.start),
        "finish": bench.round_trips(bench.finish),
        "pop": bench.round_trips(bench.pop),
        "finish popped": bench.round_trips(bench.finish),
        "fetch": bench.round_trips(bench.fetch),
        "push many": bench.round_trips(lambda: bench.network.push_tasks([TEN] * 10_000)),
    }
    assert found == {**dict.fromkeys(found, 1), "push many": 2}


def test_the_server_does_no_more_than_it_must(bench: Bench) -> None:
    one = {"evalsha": 1, "time": 1, "llen": 1, "hmget": 1, "exists": 1, "sismember": 1, "hset": 1}
    assert bench.commands(bench.start) == {
        **one,
        "exists": 2,
        "zadd": 1,
        "rpush": 1,
        "sadd": 1,
        "xadd": 1,
    }
    assert bench.commands(bench.finish) == {
        **one,
        "hmget": 2,
        "zrem": 1,
        "rpush": 1,
        "srem": 1,
        "xadd": 1,
    }
    assert bench.commands(bench.fetch) == {"hget": 1, "llen": 1, "lindex": 1, "sort": 1}


@pytest.mark.parametrize("history", [0, 20_000])
def test_no_call_of_a_worker_s_loop_grows_with_history(bench: Bench, history: int) -> None:
    bench.network.push_finished_tasks([TEN] * history, [VALUE] * history)
    bench.fetch()
    for call in (bench.start, bench.finish, bench.fetch):
        call()
    assert python_calls(bench.start) <= 40
    assert python_calls(bench.finish) <= 45
    assert python_calls(bench.fetch) <= 250
    assert sum(bench.commands(bench.start).values()) == 12
    bench.finish()
    assert sum(bench.commands(bench.fetch).values()) == 4


def test_many_rows_take_no_python_of_their_own(bench: Bench) -> None:
    bench.network.push_finished_tasks([TEN] * MANY, [VALUE] * MANY)
    bench.fetch_all()
    few = python_calls(bench.fetch_all)
    bench.network.push_finished_tasks([TEN] * MANY, [VALUE] * MANY)
    assert (python_calls(bench.fetch_all) - few) / MANY < 1


def test_a_pushed_task_takes_few_python_calls(bench: Bench) -> None:
    xss = [TEN] * MANY
    assert python_calls(lambda: bench.network.push_tasks(xss)) / MANY < 6


def test_a_fetched_row_leaves_no_python_objects_behind(bench: Bench) -> None:
    bench.network.push_finished_tasks([TEN] * MANY, [VALUE] * MANY)
    bench.fetch_all()
    gc.collect()
    before = sys.getallocatedblocks()
    bench.fetch_all()
    gc.collect()
    assert (sys.getallocatedblocks() - before) / MANY < 0.05


def test_the_peak_of_python_memory_does_not_grow_with_the_rows(bench: Bench) -> None:
    peaks = []
    for _ in range(2):
        bench.network.push_finished_tasks([TEN] * 5 * MANY, [VALUE] * 5 * MANY)
        bench.fetch_all()
        gc.collect()
        tracemalloc.start()
        bench.fetch_all()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def test_a_task_is_one_key(bench: Bench) -> None:
    before = bench.client.dbsize()
    bench.network.push_tasks([TEN] * 100)
    bench.network.push_finished_tasks([TEN] * 100, [VALUE] * 100)
    assert bench.client.dbsize() - before == 200
    hashes = bench.client.keys(NetworkKeys("counts").task("*"))
    assert len(hashes) >= 200
