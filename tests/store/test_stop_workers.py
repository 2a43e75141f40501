"""Asking workers to end."""

from __future__ import annotations

from rushtyped.lease_store import LeaseStore, Renewal
from tests.store.stored import StoredNetwork


def test_a_named_worker_is_asked(net: StoredNetwork) -> None:
    net.worker("w1")
    net.worker("w2")
    seen = net.watch()
    assert net.store.stop_workers("terminate", ["w2"]) == ["w2"]
    assert net.reply == [b"w2"]
    assert seen.changes() == {"worker:w2:terminate": "terminate", "events": ["stop 1"]}


def test_a_kill_also_wakes_up_who_renews_the_lease(net: StoredNetwork) -> None:
    net.worker("w1")
    net.worker("w2")
    seen = net.watch()
    assert net.store.stop_workers("kill", ["w2"]) == ["w2"]
    assert net.reply == [b"w2"]
    assert seen.changes() == {
        "worker:w2:terminate": "kill",
        "worker:w2:kill": ["kill"],
        "events": ["stop 1"],
    }


def test_all_that_run_are_asked_where_none_is_named(net: StoredNetwork) -> None:
    net.worker("w1")
    net.worker("w2")
    net.settle(net.worker("w3"))
    seen = net.watch()
    assert sorted(net.store.stop_workers("terminate", ())) == ["w1", "w2"]
    assert seen.changes() == {
        "worker:w1:terminate": "terminate",
        "worker:w2:terminate": "terminate",
        "events": ["stop 2"],
    }


def test_those_that_do_not_run_are_left_out(net: StoredNetwork) -> None:
    net.worker("w1")
    net.settle(net.worker("w2"))
    seen = net.watch()
    assert net.store.stop_workers("kill", ["w2", "w1", "nobody"]) == ["w1"]
    assert seen.changes() == {
        "worker:w1:terminate": "kill",
        "worker:w1:kill": ["kill"],
        "events": ["stop 1"],
    }


def test_nothing_is_written_where_nobody_runs(net: StoredNetwork) -> None:
    net.settle(net.worker("w1"))
    seen = net.watch()
    assert net.store.stop_workers("kill", ["w1", "nobody"]) == []
    assert net.store.stop_workers("kill", ()) == []
    assert seen.changes() == {}


def test_the_repeat_only_wakes_up_once_more(net: StoredNetwork) -> None:
    net.worker("w1")
    net.store.stop_workers("terminate", ["w1"])
    assert net.repeat() == ([b"w1"], {"events": ["stop 1"]})


def test_the_repeat_of_a_kill_only_wakes_up_once_more(net: StoredNetwork) -> None:
    net.worker("w1")
    net.store.stop_workers("kill", ["w1"])
    assert net.repeat() == (
        [b"w1"],
        {"worker:w1:kill": ["kill", "kill"], "events": ["stop 1"]},
    )


def test_a_kill_follows_a_request_to_end(net: StoredNetwork) -> None:
    net.worker("w1")
    net.store.stop_workers("terminate", ["w1"])
    seen = net.watch()
    net.store.stop_workers("kill", ["w1"])
    assert seen.changes() == {
        "worker:w1:terminate": "kill",
        "worker:w1:kill": ["kill"],
        "events": ["stop 1"],
    }


def test_a_request_to_end_does_not_take_back_a_kill(net: StoredNetwork) -> None:
    net.worker("w1")
    net.store.stop_workers("kill", ["w1"])
    seen = net.watch()
    assert net.store.stop_workers("terminate", ["w1"]) == ["w1"]
    assert seen.changes() == {"events": ["stop 1"]}
    assert LeaseStore(net.store).renew({"w1": 15.0}) == [Renewal.KILL]


def test_the_lease_of_who_is_asked_lasts(net: StoredNetwork) -> None:
    net.worker("w1")
    before = net.client.pexpiretime(net.keys.worker("w1").heartbeat)
    net.store.stop_workers("kill", ())
    assert net.client.pexpiretime(net.keys.worker("w1").heartbeat) == before
