"""Waiting for a kill, dismissing workers that have not registered, and the server's uptime."""

from __future__ import annotations

import time

import pytest

from rushtyped.channel import Channel
from rushtyped.connect import resolve_endpoint
from rushtyped.errors import ServerUnreachableError
from rushtyped.keys import NetworkKeys
from rushtyped.lease_store import LeaseStore, Renewal
from rushtyped.store import Store
from rushtyped.worker_store import Verdict
from tests.servers.process import ServerProcess
from tests.store.contents import lasting
from tests.store.stored import StoredNetwork
from tests.waiting import in_background, wait_until

DAY = 86400.0


@pytest.fixture
def leases(net: StoredNetwork) -> LeaseStore:
    """The leases of a fresh network."""
    return LeaseStore(net.store)


def test_a_wait_ends_with_the_kill_of_one_of_the_workers(
    net: StoredNetwork, leases: LeaseStore
) -> None:
    for number in (1, 2, 3):
        net.worker(f"w{number}")
    with in_background(lambda: leases.wait_for_kill(["w1", "w2"], 60.0)) as call:
        wait_until(
            lambda: net.client.info("clients")["blocked_clients"] == 1,
            description="it waits on the server",
        )
        net.store.stop_workers("kill", ["w3"])
        net.store.stop_workers("terminate", ["w1"])
        assert net.client.info("clients")["blocked_clients"] == 1
        seen = net.watch()
        net.store.stop_workers("kill", ["w2"])
        assert call.result(20) is True
    assert seen.changes() == {"worker:w2:terminate": "kill", "events": ["stop 1"]}


def test_a_kill_of_before_ends_the_wait_at_once(net: StoredNetwork, leases: LeaseStore) -> None:
    net.worker("w1")
    net.worker("w2")
    net.store.stop_workers("kill", ())
    seen = net.watch()
    assert leases.wait_for_kill(["w1", "w2"], 60.0)
    assert seen.changes() == {"worker:w1:kill": None}
    assert leases.wait_for_kill(["w1", "w2"], 60.0)
    assert not leases.wait_for_kill(["w1", "w2"], 0.01)


def test_a_wait_ends_with_its_time(net: StoredNetwork, leases: LeaseStore) -> None:
    net.worker()
    seen = net.watch()
    began = time.monotonic()
    assert leases.wait_for_kill(["w1"], 0.05) is False
    assert time.monotonic() - began >= 0.05
    assert seen.changes() == {}


def test_one_that_is_starting_is_asked_to_end_for_a_day(
    net: StoredNetwork, leases: LeaseStore
) -> None:
    seen = net.watch()
    before = net.channel.n_round_trips
    leases.dismiss(["w1", "w2"], "terminate")
    assert net.channel.n_round_trips == before + 1
    assert seen.changes() == {
        "worker:w1:terminate": lasting("terminate", DAY),
        "worker:w2:terminate": lasting("terminate", DAY),
    }


def test_nobody_to_dismiss_costs_nothing(net: StoredNetwork, leases: LeaseStore) -> None:
    before = net.channel.n_round_trips
    leases.dismiss([], "kill")
    assert net.channel.n_round_trips == before


def test_a_worker_that_was_dismissed_is_known(net: StoredNetwork, leases: LeaseStore) -> None:
    leases.dismiss(["w1"], "kill")
    assert leases.is_dismissed("w1") is True
    assert leases.is_dismissed("w2") is False


def test_a_worker_that_registers_all_the_same_is_to_stop(
    net: StoredNetwork, leases: LeaseStore
) -> None:
    leases.dismiss(["w1"], "terminate")
    worker = net.worker()
    assert worker.check() == (Verdict.STOPPED, 0)
    assert leases.renew({"w1": 15.0}) == [Renewal.DONE]


def test_a_kill_does_not_give_way_to_a_day(net: StoredNetwork, leases: LeaseStore) -> None:
    leases.dismiss(["w1"], "terminate")
    net.worker()
    seen = net.watch()
    net.store.stop_workers("kill", ["w1"])
    assert seen.changes()["worker:w1:terminate"] == "kill"


def test_a_renewal_is_tried_only_once(own_server: ServerProcess, network_id: str) -> None:
    keys = NetworkKeys(network_id)
    channel = Channel(resolve_endpoint(own_server.url), keys.meta, retry_timeout=1000.0)
    leases = LeaseStore(Store(channel, keys))
    assert leases.renew({"w1": 15.0}) == [Renewal.GONE]
    own_server.kill()
    tried = channel.n_round_trips
    with pytest.raises(ServerUnreachableError, match="did not answer: "):
        leases.renew({"w1": 15.0})
    assert channel.n_round_trips <= tried + 1
    own_server.start()
    wait_until(own_server.answers, description="the server is back")
    assert leases.renew({"w1": 15.0}) == [Renewal.GONE]
    channel.close()


def test_the_uptime_is_that_of_the_server(own_server: ServerProcess, network_id: str) -> None:
    keys = NetworkKeys(network_id)
    channel = Channel(resolve_endpoint(own_server.url), keys.meta, retry_timeout=20.0)
    leases = LeaseStore(Store(channel, keys))
    wait_until(lambda: leases.uptime() >= 2, description="the server has run for two seconds")
    own_server.kill()
    own_server.start()
    assert leases.uptime() < 2
    channel.close()


def test_the_uptime_is_in_seconds(net: StoredNetwork, leases: LeaseStore) -> None:
    before = net.client.info("server")["uptime_in_seconds"]
    assert before <= leases.uptime() <= net.client.info("server")["uptime_in_seconds"]
