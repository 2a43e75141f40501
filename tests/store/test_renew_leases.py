"""Renewing leases, ending them or leaving them alone, and telling who is to be killed."""

from __future__ import annotations

import pytest

from rushtyped.lease_store import LeaseStore, Renewal
from tests.store.contents import lasting
from tests.store.stored import StoredNetwork


@pytest.fixture
def leases(net: StoredNetwork) -> LeaseStore:
    """The leases of a fresh network."""
    return LeaseStore(net.store)


def test_a_lease_lasts_from_now_on(net: StoredNetwork, leases: LeaseStore) -> None:
    net.worker("w1")
    net.worker("w2")
    seen = net.watch()
    assert leases.renew({"w2": 2.5}) == [Renewal.DONE]
    assert net.reply == [1]
    assert seen.changes() == {"worker:w2:heartbeat": lasting("1", 2.5)}


def test_a_lease_that_has_run_out_begins_anew(net: StoredNetwork, leases: LeaseStore) -> None:
    net.lose(net.worker())
    seen = net.watch()
    assert leases.renew({"w1": 15.0}) == [Renewal.DONE]
    assert seen.changes() == {"worker:w1:heartbeat": lasting("1", 15.0)}


def test_the_repeat_of_a_renewal_only_lets_it_last_from_then_on(
    net: StoredNetwork, leases: LeaseStore
) -> None:
    net.worker()
    leases.renew({"w1": 15.0})
    net.client.set(net.keys.worker("w1").heartbeat, "1", px=1_000_000)
    assert net.repeat() == ([1], {"worker:w1:heartbeat": lasting("1", 15.0)})


def test_a_lease_can_be_ended_which_wakes_up_those_who_wait(
    net: StoredNetwork, leases: LeaseStore
) -> None:
    net.worker("w1")
    net.worker("w2")
    seen = net.watch()
    assert leases.renew({"w2": 0.0}) == [Renewal.DONE]
    assert net.reply == [1]
    assert seen.changes() == {"worker:w2:heartbeat": None, "events": ["worker 1 w2"]}


def test_the_repeat_of_an_end_changes_nothing(net: StoredNetwork, leases: LeaseStore) -> None:
    net.worker()
    leases.renew({"w1": 0.0})
    assert net.repeat() == ([1], {})


def test_a_lease_that_is_left_alone_runs_on(net: StoredNetwork, leases: LeaseStore) -> None:
    net.worker()
    seen = net.watch()
    assert leases.renew({"w1": -1.0}) == [Renewal.DONE]
    assert net.reply == [1]
    assert seen.changes() == {}
    assert net.repeat() == ([1], {})


def test_a_lease_that_has_run_out_does_not_come_back_where_it_is_left_alone(
    net: StoredNetwork, leases: LeaseStore
) -> None:
    net.lose(net.worker())
    seen = net.watch()
    assert leases.renew({"w1": -1.0}) == [Renewal.DONE]
    assert seen.changes() == {}


def test_an_end_settles_nothing(net: StoredNetwork, leases: LeaseStore) -> None:
    net.push_running(net.worker(), "a")
    leases.renew({"w1": 0.0})
    assert net.store.worker_ids("running_workers") == ["w1"]
    assert net.store.indexes.task_keys("running") == ["a"]


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 15.0])
def test_a_settled_worker_gets_no_lease_again(
    net: StoredNetwork, leases: LeaseStore, seconds: float
) -> None:
    net.settle(net.worker())
    seen = net.watch()
    assert leases.renew({"w1": seconds}) == [Renewal.GONE]
    assert net.reply == [0]
    assert seen.changes() == {}
    assert net.repeat() == ([0], {})


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 15.0])
def test_a_worker_that_nobody_knows_gets_none(
    net: StoredNetwork, leases: LeaseStore, seconds: float
) -> None:
    net.worker("w1")
    seen = net.watch()
    assert leases.renew({"w9": seconds}) == [Renewal.GONE]
    assert seen.changes() == {}


def test_a_worker_that_is_to_end_by_itself_keeps_its_lease(
    net: StoredNetwork, leases: LeaseStore
) -> None:
    net.worker()
    net.store.stop_workers("terminate", ["w1"])
    seen = net.watch()
    assert leases.renew({"w1": 15.0}) == [Renewal.DONE]
    assert seen.changes() == {"worker:w1:heartbeat": lasting("1", 15.0)}


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 15.0])
def test_a_worker_that_is_to_be_killed_is_named_and_not_kept_alive(
    net: StoredNetwork, leases: LeaseStore, seconds: float
) -> None:
    net.worker()
    net.store.stop_workers("kill", ["w1"])
    seen = net.watch()
    assert leases.renew({"w1": seconds}) == [Renewal.KILL]
    assert net.reply == [2]
    assert seen.changes() == {}
    assert net.repeat() == ([2], {})


def test_a_worker_is_still_to_be_killed_when_it_has_been_settled(
    net: StoredNetwork, leases: LeaseStore
) -> None:
    worker = net.worker()
    net.store.stop_workers("kill", ["w1"])
    net.settle(worker)
    seen = net.watch()
    assert leases.renew({"w1": 15.0}) == [Renewal.KILL]
    assert seen.changes() == {}


def test_one_that_was_dismissed_before_it_registered_is_to_be_killed(
    net: StoredNetwork, leases: LeaseStore
) -> None:
    leases.dismiss(["w1"], "kill")
    seen = net.watch()
    assert leases.renew({"w1": 15.0}) == [Renewal.KILL]
    assert seen.changes() == {}


def test_many_leases_are_renewed_in_one_call_and_answered_in_their_order(
    net: StoredNetwork, leases: LeaseStore
) -> None:
    for worker_id in ("renewed", "ended", "killed", "left"):
        net.worker(worker_id)
    net.settle(net.worker("settled"))
    net.store.stop_workers("kill", ["killed"])
    seen = net.watch()
    before = net.channel.n_round_trips
    lasts = {"killed": 1.0, "renewed": 2.0, "settled": 3.0, "ended": 0.0, "nobody": 4.0, "left": -1}
    assert leases.renew(lasts) == [
        *(Renewal.KILL, Renewal.DONE, Renewal.GONE, Renewal.DONE, Renewal.GONE, Renewal.DONE),
    ]
    assert net.channel.n_round_trips <= before + 3  # the server may not know the script yet
    assert seen.changes() == {
        "worker:renewed:heartbeat": lasting("1", 2.0),
        "worker:ended:heartbeat": None,
        "events": ["worker 1 ended"],
    }


def test_no_lease_at_all_changes_nothing(net: StoredNetwork, leases: LeaseStore) -> None:
    net.worker()
    seen = net.watch()
    assert leases.renew({}) == []
    assert seen.changes() == {}


def test_thousands_of_leases_are_renewed_in_one_call(
    net: StoredNetwork, leases: LeaseStore
) -> None:
    ids = [f"w{number}" for number in range(5000)]
    net.client.sadd(net.keys.running_workers, *ids)
    assert leases.renew(dict.fromkeys(ids, 15.0)) == [Renewal.DONE] * 5000
    names = [net.keys.worker(worker_id).heartbeat for worker_id in ids]
    assert net.client.exists(*names) == 5000
