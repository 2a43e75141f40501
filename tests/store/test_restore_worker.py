"""Registering a worker again that the server, gone back to an earlier state, does not know."""

from __future__ import annotations

from typing import Any

import pytest

from rushtyped.lua import load_script
from tests.store.contents import NOW, lasting
from tests.store.stored import StoredNetwork


def restore(net: StoredNetwork, *, epoch: str = "e1", token: str = "t1") -> Any:
    """Ask for the worker w1."""
    keys, worker = net.keys, net.keys.worker("w1")
    names = (
        *(keys.meta, keys.workers, keys.running_workers),
        *(worker.record, worker.heartbeat, keys.events),
    )
    arguments = ("w1", epoch, token, 12_500, "pid", 7)
    return net.channel.run(load_script("restore_worker"), len(names), *names, *arguments)


@pytest.fixture(autouse=True)
def _joined(net: StoredNetwork) -> None:
    net.store.join("1", "e1", b"schemas")


def test_a_worker_that_is_absent_is_registered(net: StoredNetwork) -> None:
    seen = net.watch()
    assert restore(net) == [b"e1", 1]
    assert seen.changes() == {
        "workers": {"w1"},
        "running_workers": {"w1"},
        "worker:w1": {"token": "t1", "started_at": NOW, "pid": "7"},
        "worker:w1:heartbeat": lasting("1", 12.5),
        "events": ["worker 1 w1"],
    }
    assert net.repeat() == ([b"e1", 1], {})


def test_one_that_is_registered_stays_as_it_is(net: StoredNetwork) -> None:
    worker = net.worker("w1")
    token = net.record(worker)["token"]
    net.lose(worker)
    seen = net.watch()
    assert restore(net, token=token) == [b"e1", 1]
    net.settle(worker)
    seen = net.watch()
    assert restore(net, token=token) == [b"e1", 1]
    assert seen.changes() == {}


def test_an_id_that_another_has_taken_is_left_to_it(net: StoredNetwork) -> None:
    net.worker("w1")
    seen = net.watch()
    assert restore(net) == [b"e1", 0]
    assert seen.changes() == {}


def test_a_worker_that_a_reset_has_dropped_is_not_registered(net: StoredNetwork) -> None:
    net.worker("w1")
    net.store.reset("e2", workers=True)
    seen = net.watch()
    assert restore(net) == [b"e2", 0]
    assert seen.changes() == {}


def test_one_that_a_reset_has_kept_is_told_of_it(net: StoredNetwork) -> None:
    token = net.record(net.worker("w1"))["token"]
    net.store.reset("e2", workers=False)
    assert restore(net, token=token) == [b"e2", 1]


def test_nobody_is_registered_where_there_is_no_network(net: StoredNetwork) -> None:
    net.client.flushall()
    seen = net.watch()
    assert restore(net) == [b"", 0]
    assert restore(net, epoch="") == [b"", 0]
    assert seen.changes() == {}


def test_what_is_registered_vanishes_with_its_network(net: StoredNetwork) -> None:
    at = int(net.client.time()[0]) * 1000 + 5000
    net.client.hset(net.keys.meta, "expires_at", at)
    restore(net)
    keys, worker = net.keys, net.keys.worker("w1")
    for name in (keys.workers, keys.running_workers, worker.record):
        assert net.client.pexpiretime(name) == at
    assert 0 < net.client.pttl(worker.heartbeat) <= 5000
