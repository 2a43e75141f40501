"""Registering a worker."""

from __future__ import annotations

from rushtyped.worker_store import WorkerStore
from tests.store.contents import NOW, lasting
from tests.store.stored import StoredNetwork


def test_a_worker_is_recorded_as_running(net: StoredNetwork) -> None:
    worker = WorkerStore(net.store, "w1")
    seen = net.watch()
    assert worker.register({"pid": 7, "hostname": "node"}, 12.5)
    assert net.reply == 1
    token = net.channel.sent[1][8]
    assert seen.changes() == {
        "workers": {"w1"},
        "running_workers": {"w1"},
        "worker:w1": {"token": token, "started_at": NOW, "pid": "7", "hostname": "node"},
        "worker:w1:heartbeat": lasting("1", 12.5),
        "events": ["worker 1 w1"],
    }


def test_workers_stand_side_by_side(net: StoredNetwork) -> None:
    net.worker("w1")
    seen = net.watch()
    net.worker("w2")
    changes = seen.changes()
    assert changes["workers"] == {"w1", "w2"}
    assert changes["running_workers"] == {"w1", "w2"}
    assert sorted(changes) == [
        *("events", "running_workers", "worker:w2", "worker:w2:heartbeat", "workers"),
    ]


def test_the_repeat_succeeds_and_changes_nothing(net: StoredNetwork) -> None:
    net.worker()
    assert net.repeat() == (1, {})


def test_the_repeat_does_not_bring_back_a_lease_that_has_run_out(net: StoredNetwork) -> None:
    worker = net.worker()
    again = net.channel.sent
    net.lose(worker)
    seen = net.watch()
    assert net.channel.run(again[0], *again[1]) == 1
    assert seen.changes() == {}


def test_the_repeat_does_not_bring_back_a_worker_that_was_settled(net: StoredNetwork) -> None:
    worker = net.worker()
    again = net.channel.sent
    net.settle(worker)
    seen = net.watch()
    assert net.channel.run(again[0], *again[1]) == 1
    assert seen.changes() == {}


def test_an_id_that_is_taken_is_refused(net: StoredNetwork) -> None:
    net.worker()
    seen = net.watch()
    assert not WorkerStore(net.store, "w1").register({"pid": 2}, 1.0)
    assert net.reply == 0
    assert seen.changes() == {}


def test_the_id_of_a_terminated_worker_stays_taken(net: StoredNetwork) -> None:
    net.settle(net.worker())
    seen = net.watch()
    assert not WorkerStore(net.store, "w1").register({"pid": 2}, 1.0)
    assert seen.changes() == {}
