"""Finding workers whose lease has run out."""

from __future__ import annotations

import pytest

from rushtyped.lease_store import LeaseStore
from rushtyped.worker_store import WorkerStore
from tests.store.stored import LEASE, StoredNetwork
from tests.waiting import wait_until


@pytest.fixture
def leases(net: StoredNetwork) -> LeaseStore:
    """The leases of a fresh network."""
    return LeaseStore(net.store)


def test_a_worker_without_a_lease_is_found_with_what_its_lease_lasts(
    net: StoredNetwork, leases: LeaseStore
) -> None:
    net.worker("w1", lasts=15.0)
    net.lose(net.worker("w2", lasts=2.5))
    seen = net.watch()
    assert leases.lost() == {"w2": 2.5}
    assert net.reply == [b"w2", b"2.5"]
    assert seen.changes() == {}
    assert net.repeat() == ([b"w2", b"2.5"], {})


def test_all_that_have_none_are_found(net: StoredNetwork, leases: LeaseStore) -> None:
    for number in range(1, 4):
        net.lose(net.worker(f"w{number}", lasts=float(number)))
    net.worker("w4")
    assert leases.lost() == {"w1": 1.0, "w2": 2.0, "w3": 3.0}


def test_nobody_is_lost_where_all_leases_last(net: StoredNetwork, leases: LeaseStore) -> None:
    assert leases.lost() == {}
    assert net.reply == []
    net.worker("w1")
    net.worker("w2")
    assert leases.lost() == {}


def test_the_server_drops_a_lease_by_itself(net: StoredNetwork, leases: LeaseStore) -> None:
    net.worker("w1")
    leases.renew({"w1": 0.2})
    assert leases.renew({"w1": 0.05}) == [1]
    wait_until(leases.lost, description="the lease has run out")
    assert leases.lost() == {"w1": 15.0}


def test_a_renewal_saves_a_worker(net: StoredNetwork, leases: LeaseStore) -> None:
    net.lose(net.worker())
    assert leases.lost() == {"w1": 15.0}
    leases.renew({"w1": 15.0})
    assert leases.lost() == {}


def test_one_whose_lease_was_ended_is_found(net: StoredNetwork, leases: LeaseStore) -> None:
    net.worker()
    leases.renew({"w1": 0.0})
    assert leases.lost() == {"w1": 15.0}


def test_workers_that_have_ended_are_not_lost(net: StoredNetwork, leases: LeaseStore) -> None:
    net.settle(net.worker("w1"))
    lost = net.worker("w2")
    net.lose(lost)
    net.settle(lost, only_expired=True)
    assert leases.lost() == {}


def test_a_record_that_names_no_length_counts_at_once(
    net: StoredNetwork, leases: LeaseStore
) -> None:
    worker = WorkerStore(net.store, "w1")
    worker.register({"pid": 1}, LEASE)
    net.lose(worker)
    assert leases.lost() == {"w1": 0.0}
    assert net.reply == [b"w1", b"0"]


def test_workers_of_other_networks_are_not_looked_at(
    net: StoredNetwork, leases: LeaseStore
) -> None:
    net.client.sadd("rush:{other}:running_workers", "w1")
    net.worker("w2")
    assert leases.lost() == {}


def test_one_that_ended_and_holds_a_task_back_is_found(
    net: StoredNetwork, leases: LeaseStore
) -> None:
    for number in range(1, 4):
        net.settle(net.worker(f"w{number}"))
    net.push("a")
    net.move_to_pending(WorkerStore(net.store, "w2"))
    seen = net.watch()
    assert leases.lost() == {"w2": 0.0}
    assert seen.changes() == {}


def test_among_many_that_ended_one_that_holds_a_task_back_is_found_in_time(
    net: StoredNetwork, leases: LeaseStore
) -> None:
    net.client.sadd(net.keys.terminated_workers, *(f"w{number}" for number in range(1000)))
    net.push("a")
    net.move_to_pending(WorkerStore(net.store, "w7"))
    wait_until(lambda: leases.lost() == {"w7": 0.0}, description="it was among those drawn")
