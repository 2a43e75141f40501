"""Round trips, refused commands, lost connections, threads, forks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rushtyped.errors import ServerError
from rushtyped.lease_store import LeaseStore
from rushtyped.worker_store import Verdict, WorkerStore
from tests.store.stored import LEASE, StoredNetwork
from tests.waiting import in_background, wait_until

Calls = list[tuple[str, Callable[[], object]]]


def every_call(net: StoredNetwork) -> Calls:
    store, worker = net.store, WorkerStore(net.store, "w1")
    leases = LeaseStore(store)
    return [
        ("register", lambda: worker.register({"pid": 1}, LEASE)),
        ("join", lambda: store.join("1", "e1", b"schemas")),
        ("set_budget", lambda: store.set_budget(99, 100.0)),
        ("claim_columns", lambda: store.claim_columns("xs_extra", ["a"])),
        ("store_loop", lambda: store.store_loop("abc", b"signed")),
        ("read_loop", lambda: store.read_loop("abc")),
        ("push_tasks", lambda: net.push("a", "b", "c")),
        ("push_finished_tasks", lambda: net.push_finished("x")),
        ("push_failed_tasks", lambda: net.push_failed("f")),
        ("push_running_tasks", lambda: worker.push_running_tasks("r", "R", "", "s", "S", "")),
        ("finish_tasks", lambda: worker.finish_tasks("r", "Y", "")),
        ("fail_tasks", lambda: store.fail_tasks("w1", "t1", [("s", b"C")])),
        ("retry_tasks", lambda: store.retry_tasks("t2", ["s"])),
        ("pop_task at once", lambda: worker.pop_task(0)),
        ("pop_task with a wait", lambda: worker.pop_task(1.0)),
        ("check", worker.check),
        ("progress", store.progress),
        ("read_hashes", lambda: store.indexes.read_hashes(["a"], ["xs"])),
        ("write_hashes", lambda: store.write_hashes(["note"], [("h", b"1")], guarded=False)),
        ("read_index", lambda: store.indexes.read_index("all", ["xs"])),
        ("finished_pages", lambda: next(store.indexes.finished_pages(0, ["xs"]))),
        ("snapshot", lambda: store.indexes.snapshot(["queue", "failed"])),
        ("count", lambda: store.indexes.count("running")),
        ("task_keys", lambda: store.indexes.task_keys("all")),
        ("worker_ids", store.worker_ids),
        ("n_workers", store.n_workers),
        ("registered", store.registered),
        ("epoch", store.epoch),
        ("last_event", store.last_event),
        ("wait_for_event", lambda: store.wait_for_event(b"0-0", 1.0)),
        ("settled_mark", store.indexes.settled_mark),
        ("settled_since", lambda: store.indexes.settled_since(0, 0.0)),
        ("renew", lambda: leases.renew({"w1": 15.0})),
        ("lost", leases.lost),
        ("uptime", leases.uptime),
        ("dismiss", lambda: leases.dismiss(["w8", "w9"], "kill")),
        ("is_dismissed", lambda: leases.is_dismissed("w1")),
        ("stop_workers", lambda: store.stop_workers("kill", ())),
        ("wait_for_kill", lambda: leases.wait_for_kill(["w1"], 1.0)),
        ("settle_worker", lambda: net.settle(worker)),
    ]


def test_every_call_is_one_round_trip(net: StoredNetwork) -> None:
    for _, call in every_call(net):
        call()  # the server gets to know the scripts
    net.client.flushall()
    counts = {}
    for name, call in every_call(net):
        before = net.channel.n_round_trips
        call()
        counts[name] = net.channel.n_round_trips - before
    assert counts == dict.fromkeys(counts, 1)


def test_a_reset_is_two_round_trips(net: StoredNetwork) -> None:
    net.store.reset("e1", workers=True)
    before = net.channel.n_round_trips
    net.store.reset("e2", workers=True)
    assert net.channel.n_round_trips - before == 2


def test_the_counted_round_trips_are_all_that_the_server_sees(net: StoredNetwork) -> None:
    for _, call in every_call(net):
        call()
    net.client.config_resetstat()
    net.push("z")
    processed = net.client.info("stats")["total_commands_processed"]
    stats = net.client.info("commandstats")
    assert stats["cmdstat_evalsha"]["calls"] == 1
    assert "cmdstat_script|load" not in stats
    assert processed >= 1


@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_scripts_that_the_server_has_forgotten_are_loaded_again(
    net: StoredNetwork, seconds: float
) -> None:
    worker = net.worker()
    net.push("a")
    net.client.script_flush()
    net.push("b")
    assert net.reply == 1
    net.client.script_flush()
    started = worker.pop_task(seconds)
    assert started.claimed is not None
    assert started.claimed.key == "a"
    assert net.store.indexes.task_keys("queue") == ["b"]
    assert net.client.exists(net.keys.worker("w1").pending) == 0


def test_a_refused_command_is_an_error_and_the_connection_stays(net: StoredNetwork) -> None:
    net.client.set(net.keys.queue, "no list")
    worker = net.worker()
    net.push_running(worker, "a")
    with pytest.raises(ServerError, match=r"the server of the tests refused a command: WRONGTYPE"):
        net.store.indexes.task_keys("queue")
    with pytest.raises(ServerError, match="WRONGTYPE"):
        net.store.indexes.read_index("queue", ["xs"])
    with pytest.raises(ServerError, match="WRONGTYPE"):
        worker.pop_task(0)
    assert net.store.indexes.task_keys("running") == ["a"]
    assert worker.finish_tasks("a", "Y", "").moved == [1]
    assert worker.check() == (Verdict.GO, 1)


def test_a_refused_command_costs_no_connection(net: StoredNetwork) -> None:
    net.client.set(net.keys.queue, "no list")
    net.store.indexes.count("all")
    before = net.client.info("stats")["total_connections_received"]
    for _ in range(3):
        with pytest.raises(ServerError, match="WRONGTYPE"):
            net.store.indexes.count("queue")
    assert net.client.info("stats")["total_connections_received"] == before


class InterruptError(Exception):
    """Raised by a signal, as KeyboardInterrupt is."""


def test_the_reply_to_an_interrupted_call_reaches_no_other_call(net: StoredNetwork) -> None:
    def interrupt(number: int, frame: object) -> None:
        raise InterruptError

    event = net.store.last_event()
    previous = signal.signal(signal.SIGUSR1, interrupt)
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    with pytest.raises(InterruptError):
        net.store.wait_for_event(event, 5.0)
    signal.signal(signal.SIGUSR1, previous)
    timer.join()
    net.push("a")
    assert net.store.indexes.count("queue") == 1
    assert net.store.indexes.task_keys("queue") == ["a"]


def test_an_error_of_the_caller_goes_through(net: StoredNetwork) -> None:
    with pytest.raises(TypeError):
        net.channel.call("SET", net.keys.meta, object())  # type: ignore[arg-type]  # wrong on purpose
    net.push("a")
    assert net.store.indexes.task_keys("queue") == ["a"]


def test_a_connection_that_the_server_closed_is_replaced(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a", "b")
    for _ in range(2):
        net.client.client_kill_filter(_type="normal", skipme=True)
        assert worker.pop_task(1.0).verdict is Verdict.GO
    net.client.client_kill_filter(_type="normal", skipme=True)
    net.push("c")
    assert net.store.indexes.count("all") == 3


def test_a_blocked_pop_that_loses_its_connection_leaves_the_queue_whole(
    net: StoredNetwork,
) -> None:
    worker = net.worker()
    with in_background(lambda: worker.pop_task(5.0)) as call:
        wait_until(
            lambda: net.client.info("clients")["blocked_clients"] == 1,
            description="the pop waits on the server",
        )
        net.client.client_kill_filter(_type="normal", skipme=True)
        assert call.result(5).claimed is None
    net.push("a")
    started = worker.pop_task(1.0)
    assert started.claimed is not None
    assert net.store.indexes.task_keys("queue") == []


def test_threads_use_connections_of_their_own(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a")
    worker.pop_task(0)
    with in_background(lambda: worker.pop_task(5.0)) as call:
        wait_until(
            lambda: net.client.info("clients")["blocked_clients"] == 1,
            description="the pop waits on the server",
        )
        began = time.monotonic()
        assert worker.finish_tasks("a", "Y", "").moved == [1]
        assert time.monotonic() - began < 1.0
        net.push("b")
        assert call.result(5).claimed is not None


def test_one_connection_serves_calls_that_follow_each_other(net: StoredNetwork) -> None:
    net.push("a")
    before = net.client.info("stats")["total_connections_received"]
    for _ in range(20):
        net.store.indexes.count("queue")
        net.store.indexes.snapshot(["queue"])
    assert net.client.info("stats")["total_connections_received"] == before


FORK = """
import os, sys
from rushtyped.channel import Channel
from rushtyped.connect import resolve_endpoint

channel = Channel(resolve_endpoint(sys.argv[1]), "key", retry_timeout=5.0)
mine = channel.call("CLIENT", "ID")
reading, writing = os.pipe()
if os.fork() == 0:
    theirs = [channel.call("CLIENT", "ID"), channel.call("CLIENT", "ID")]
    channel.close()
    os.write(writing, f"{theirs[0]} {theirs[1]}".encode())
    os._exit(0)
os.wait()
first, second = os.read(reading, 100).split()
assert first == second
assert int(first) != mine
assert channel.call("CLIENT", "ID") == mine
print("separate")
"""


def test_a_forked_child_uses_a_connection_of_its_own(redis_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORK, redis_url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
    )
    assert done.stdout == "separate\n", done.stderr
