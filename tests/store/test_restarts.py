"""Lost replies, killed servers: calls go on where they were, with the effect of once."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from rushtyped.channel import Channel
from rushtyped.connect import Endpoint, resolve_endpoint
from rushtyped.embedded import release_embedded_server
from rushtyped.errors import ServerUnreachableError
from rushtyped.keys import NetworkKeys
from rushtyped.lua import load_script, script_names
from rushtyped.store import Store
from rushtyped.worker_store import Verdict, WorkerStore
from tests.faults.proxy import FaultProxy
from tests.faults.proxy_faults import At, CutReply
from tests.servers.process import ServerProcess
from tests.store.stored import LEASE, RecordingChannel, StoredNetwork, joined
from tests.waiting import in_background, wait_until


@pytest.fixture
def proxy(own_server: ServerProcess) -> Iterator[FaultProxy]:
    """A way to a server of the test's own that can lose replies."""
    with (
        tempfile.TemporaryDirectory(prefix="rushtyped-") as directory,
        FaultProxy(own_server.socket, Path(directory, "proxy.sock")) as proxy,
    ):
        yield proxy


@pytest.fixture
def lossy(proxy: FaultProxy, own_server: ServerProcess, network_id: str) -> Iterator[StoredNetwork]:
    """A network behind the proxy."""
    keys = NetworkKeys(network_id)
    channel = RecordingChannel(resolve_endpoint(proxy.url), keys.meta, retry_timeout=10.0)
    client = redis.Redis.from_url(own_server.url, protocol=2)
    for name in script_names():
        client.script_load(load_script(name).source)
    yield StoredNetwork(client, channel, joined(Store(channel, keys)))
    channel.close()
    client.close()


def test_a_call_whose_reply_is_lost_has_the_effect_of_once(
    lossy: StoredNetwork, proxy: FaultProxy
) -> None:
    worker = WorkerStore(lossy.store, "w1")
    outcomes: list[object] = []
    calls: list[tuple[str, Callable[[], object]]] = [
        ("register_worker", lambda: worker.register({"pid": 1}, LEASE)),
        ("push_tasks", lambda: lossy.push("a", "b", "c")),
        ("claim_task", lambda: worker.pop_task(1.0).claimed),
        ("claim_task", lambda: worker.pop_task(0).claimed),
        ("finish_tasks", lambda: worker.finish_tasks("a", "Y", "").moved),
        ("fail_tasks", lambda: lossy.store.fail_tasks("w1", "t1", [("b", b"C")])),
        ("retry_tasks", lambda: lossy.store.retry_tasks("t2", ["b"])),
        ("push_running_tasks", lambda: worker.push_running_tasks("r", "R", "").verdict),
        ("settle_worker", lambda: lossy.settle(worker)),
    ]
    for script, call in calls:
        proxy.begin(CutReply(At(0, script)), CutReply(At(1, script)))
        outcomes.append(call())
        assert proxy.n_injected == 2
    registered, _, first, second, *others = outcomes
    assert registered is True
    assert [getattr(task, "key", None) for task in (first, second)] == ["a", "b"]
    assert others == [[1], [1], [1], Verdict.GO, True]
    store = lossy.store
    assert store.indexes.task_keys("all") == ["a", "b", "c", "r"]
    assert store.indexes.snapshot(["queue", "running", "finished", "failed"]) == (
        1,
        [["c", "b"], [], ["a"], ["r"]],
    )
    entries = lossy.client.xrange(lossy.keys.events)
    assert [entry[b"type"].decode() for _, entry in entries] == [
        *("worker", "queued", "running", "running", "finished", "failed", "queued", "running"),
        *("worker", "failed"),
    ]


def test_a_restart_of_the_server_is_survived(own_server: ServerProcess, network_id: str) -> None:
    keys = NetworkKeys(network_id)
    channel = Channel(resolve_endpoint(own_server.url), keys.meta, retry_timeout=20.0)
    store = joined(Store(channel, keys))
    worker = WorkerStore(store, "w1")
    worker.register({"pid": 1}, LEASE)
    store.push_tasks([("a", b"A", b""), ("b", b"B", b"")])
    assert worker.pop_task(0).claimed is not None
    own_server.kill()
    restart = threading.Timer(0.3, own_server.start)
    restart.start()
    began = time.monotonic()
    assert worker.finish_tasks("a", "Y", "").moved == [1]
    assert time.monotonic() - began > 0.25
    restart.join()
    store.push_tasks([("c", b"C", b"")])
    assert store.indexes.snapshot(["queue", "running", "finished"]) == (1, [["b", "c"], [], ["a"]])
    channel.close()


def test_an_embedded_server_that_is_killed_with_its_keeper_is_started_again(
    network_id: str,
) -> None:
    with tempfile.TemporaryDirectory(prefix="rushtyped-") as parent:
        home = Path(os.path.realpath(parent), "data")
        keys = NetworkKeys(network_id)
        channel = Channel(Endpoint(address="mine", directory=home), keys.meta, retry_timeout=20.0)
        store = joined(Store(channel, keys))
        store.indexes.count("queue")
        keeper = (home / "keeper.lock").read_text().split()[1]
        for pid in (keeper, (home / "server.pid").read_text()):
            os.kill(int(pid), signal.SIGKILL)
        store.push_tasks([("a", b"A", b"")])
        assert store.indexes.task_keys("queue") == ["a"]
        channel.close()
        release_embedded_server(home)
        wait_until(lambda: not (home / "valkey.sock").exists(), description="it has ended")


def test_a_pop_that_waits_while_the_server_restarts_goes_on(
    own_server: ServerProcess, network_id: str
) -> None:
    keys = NetworkKeys(network_id)
    channel = Channel(resolve_endpoint(own_server.url), keys.meta, retry_timeout=20.0)
    store = joined(Store(channel, keys))
    worker = WorkerStore(store, "w1")
    worker.register({"pid": 1}, LEASE)
    client = redis.Redis.from_url(own_server.url)
    with in_background(lambda: worker.pop_task(5.0)) as call:
        wait_until(
            lambda: client.info("clients")["blocked_clients"] == 1,
            description="the pop waits on the server",
        )
        client.close()
        own_server.kill()
        own_server.start()
        assert call.result(20).verdict is Verdict.GO
    store.push_tasks([("a", b"A", b"")])
    assert worker.pop_task(1.0).claimed is not None
    channel.close()


def test_a_server_that_stays_away_is_one_clear_error(
    own_server: ServerProcess, network_id: str
) -> None:
    keys = NetworkKeys(network_id)
    channel = Channel(resolve_endpoint(own_server.url), keys.meta, retry_timeout=0.4)
    store = joined(Store(channel, keys))
    store.push_tasks([("a", b"A", b"")])
    own_server.kill()
    began = time.monotonic()
    with pytest.raises(ServerUnreachableError) as caught:
        store.indexes.count("queue")
    assert 0.1 < time.monotonic() - began < 1.5
    message = str(caught.value)
    assert message.startswith(f"{own_server.url} did not answer within 0.4 s: ConnectionError: ")
    assert "Start the server, or correct redis=" in message
    assert isinstance(caught.value, ConnectionError)
    with pytest.raises(ServerUnreachableError):
        WorkerStore(store, "w1").pop_task(1.0)
    own_server.start()
    wait_until(own_server.answers, description="the server is back")
    assert store.indexes.count("queue") == 1
    channel.close()


def test_no_patience_is_one_attempt(own_server: ServerProcess, network_id: str) -> None:
    channel = Channel(resolve_endpoint(own_server.url), "key", retry_timeout=0.0)
    own_server.kill()
    began = time.monotonic()
    with pytest.raises(ServerUnreachableError):
        channel.call("PING")
    assert time.monotonic() - began < 0.2
