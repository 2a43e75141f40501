"""Servers whose memory is full: those that refuse to write, and those that delete."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rushtyped import Network, ServerError, ServerMemoryError, Worker
from tests.contents import check_one_state
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points
from tests.servers.binaries import redis_of_debian, valkey
from tests.servers.process import SAVE_NOTHING, ServerProcess

BOTH = (valkey, redis_of_debian)


@pytest.fixture(params=BOTH)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server of the test's own."""
    with ServerProcess(tmp_path, binary=request.param(), options=SAVE_NOTHING) as server:
        yield server


def limit(client: Any, policy: str, spare: int) -> None:
    """Leave the server so many bytes, and tell it what to do then."""
    used = client.info("memory")["used_memory"]
    client.config_set("maxmemory-policy", policy)
    client.config_set("maxmemory", used + spare)


TASKS = "tasks. Set it to noeviction"
LEASES = "leases of live workers, which then count as lost, and networks that expire. Set it to "
POLICIES = {
    **dict.fromkeys(("allkeys-lru", "allkeys-lfu", "allkeys-random"), TASKS),
    **dict.fromkeys(("volatile-lru", "volatile-lfu"), f"{LEASES}noeviction"),
    **dict.fromkeys(("volatile-random", "volatile-ttl"), f"{LEASES}noeviction"),
}


def test_every_policy_that_deletes_is_warned_of(
    server: ServerProcess, warnings_seen: list[str]
) -> None:
    with server.client() as client:
        for policy, what in POLICIES.items():
            client.config_set("maxmemory-policy", policy)
            warnings_seen.clear()
            Network[Params, Scores]("study", redis=server.url)
            assert warnings_seen == [
                f"{server.url} has maxmemory-policy {policy}: it may delete {what}"
            ]
        client.config_set("maxmemory-policy", "noeviction")
        warnings_seen.clear()
        Network[Params, Scores]("study", redis=server.url)
        assert warnings_seen == []


def test_evicted_tasks_are_skipped_and_workers_go_on(
    server: ServerProcess, warnings_seen: list[str]
) -> None:
    network = ParamNetwork("study", redis=server.url)
    keys = network.push_finished_tasks(points(5000), [Scores(y=1.0)] * 5000)
    with server.client() as client:
        # what lists tasks is put aside: an eviction of that is not to be survived
        lists = [name for name in client.scan_iter(count=1000) if b"task:" not in name]
        kept = {name: client.dump(name) for name in lists}
        limit(client, "allkeys-random", -400_000)
        left = client.dbsize()
        client.config_set("maxmemory", 0)
        client.config_set("maxmemory-policy", "noeviction")
        for name, data in kept.items():
            client.restore(name, 0, data, replace=True)
        present = {key for key in keys if client.exists(f"rush:{{study}}:task:{key}")}
    assert 100 < len(present) < left < 5000
    worker = ParamWorker("study", redis=server.url)
    gone = 5000 - len(present)
    for frame in (
        network.fetch_finished_tasks(),
        network.fetch_tasks(),
        network.fetch_tasks_with_state(states=["finished"]),
        worker.fetch_new_tasks(),
    ):
        assert set(frame["key"]) == present
    assert any(warning.startswith(f"{gone} tasks have no hash") for warning in warnings_seen)
    network.push_tasks(points(2))
    task = worker.pop_task()
    assert task is not None
    assert task.finish(Scores(y=2.0)) is True
    assert network.fetch_finished_tasks()["y"].to_list()[-1] == 2.0


def test_a_queued_task_that_was_evicted_is_passed_over(server: ServerProcess) -> None:
    network, worker = (
        ParamNetwork("study", redis=server.url),
        ParamWorker("study", redis=server.url),
    )
    first, second = network.push_tasks(points(2))
    with server.client() as client:
        client.delete(f"rush:{{study}}:task:{first}")
    popped = worker.pop_task(timeout=5.0)
    assert popped is not None
    assert popped.key == second


WRITES: list[Callable[[Worker[Params, Scores]], object]] = [
    lambda w: w.push_tasks(points(1)),
    lambda w: w.push_finished_tasks(points(1), [Scores(y=1.0)]),
    lambda w: w.push_failed_tasks(points(1)),
    lambda w: w.push_running_tasks(points(1)),
    lambda w: w.pop_task(),
    lambda w: w.write_hashes(note=["x"]),
]


def test_a_full_server_is_one_clear_error_and_nothing_is_half_done(server: ServerProcess) -> None:
    network, worker = (
        ParamNetwork("study", redis=server.url),
        ParamWorker("study", redis=server.url),
    )
    network.push_tasks(points(3))
    network.write_hashes(note=["y"])
    running = worker.push_running_tasks(points(2))
    pending = "rush:{study}:worker:" + worker.worker_id + ":pending"
    with server.client() as client:
        limit(client, "noeviction", -100_000)
        before = (network.tasks, network.queued_tasks, network.running_tasks)
        for call in WRITES:
            with pytest.raises(ServerMemoryError, match="has reached its maxmemory and wrote noth"):
                call(worker)
        assert client.llen(pending) == 0
        assert (network.tasks, network.queued_tasks, network.running_tasks) == before
        assert issubclass(ServerMemoryError, ServerError)
        # what is running can be settled, since that makes room
        assert worker.finish_tasks(running[:1], [Scores(y=1.0)]) == running[:1]
        assert worker.fail_tasks(running[1:]) == running[1:]
        assert network.fetch_finished_tasks()["key"].to_list() == running[:1]
        check_one_state(network)
        client.config_set("maxmemory", 0)
    for call in WRITES:
        call(worker)
    check_one_state(network)
    assert network.n_tasks == 9


def test_a_full_server_has_room_again_after_a_reset(server: ServerProcess) -> None:
    network = ParamNetwork("study", redis=server.url)
    network.push_tasks(points(1000))
    with server.client() as client:
        limit(client, "noeviction", 300_000)
        with pytest.raises(ServerMemoryError):
            network.push_tasks(points(100_000))
        check_one_state(network)
        network.reset(workers=False)
        assert len(network.push_tasks(points(1000))) == 1000
