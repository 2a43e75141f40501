"""Waiting on the server, without asking it again and again."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from rushtyped.channel import Channel
from rushtyped.connect import SOCKET_TIMEOUT, Endpoint
from rushtyped.errors import NetworkResetError, UnknownTaskError, WaitTimeoutError
from rushtyped.store import Store
from rushtyped.waiter import Waiter, Watch
from tests.store.stored import StoredNetwork
from tests.waiting import in_background, wait_until


@pytest.fixture
def waiting(net: StoredNetwork, endpoint: Endpoint) -> Store:
    """The store of somebody else who waits for the network."""
    return Store(Channel(endpoint, net.keys.meta, retry_timeout=5.0), net.keys)


def wait_until_blocked(net: StoredNetwork) -> None:
    wait_until(
        lambda: net.client.info("clients")["blocked_clients"] == 1,
        description="somebody waits on the server",
    )


def n_commands(net: StoredNetwork, name: str) -> int:
    stats = net.client.info("commandstats")
    return int(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"])


def test_an_event_ends_the_wait(net: StoredNetwork, waiting: Store) -> None:
    event = waiting.last_event()
    net.client.config_resetstat()
    with in_background(lambda: waiting.wait_for_event(event, 5.0)) as call:
        wait_until_blocked(net)
        began = time.monotonic()
        net.push("a")
        call.result(5)
    assert time.monotonic() - began < 1.0
    assert n_commands(net, "xread") == 1
    waiting.channel.close()


def test_an_event_that_came_before_ends_it_at_once(net: StoredNetwork) -> None:
    event = net.store.last_event()
    assert event == b"0-0"
    net.push("a")
    net.push("b")
    began = time.monotonic()
    assert net.store.wait_for_event(event, 5.0) == net.store.last_event()
    assert time.monotonic() - began < 1.0
    assert net.store.last_event() == net.client.xrevrange(net.keys.events, count=1)[0][0]


def test_it_ends_with_its_time_and_one_command(net: StoredNetwork) -> None:
    net.push("a")
    event = net.store.last_event()
    net.client.config_resetstat()
    before, began = net.channel.n_round_trips, time.monotonic()
    assert net.store.wait_for_event(event, 0.2) is None
    assert 0.19 < time.monotonic() - began < 1.0
    assert net.channel.n_round_trips - before == 1
    assert n_commands(net, "xread") == 1


def test_no_time_is_no_endless_wait(net: StoredNetwork) -> None:
    began = time.monotonic()
    net.store.wait_for_event(b"0-0", 0.0)
    assert time.monotonic() - began < 1.0


@pytest.mark.parametrize(
    "act",
    [
        lambda net: net.push("b"),
        lambda net: net.push_finished("b"),
        lambda net: net.push_failed("b"),
        lambda net: net.push_running(net.worker("w9"), "b"),
        lambda net: net.store.fail_tasks("", "t1", [("a", b"C")]),
        lambda net: net.store.stop_workers("terminate", ()),
        lambda net: net.store.set_budget(1, None),
        lambda net: net.store.reset("e9", workers=False),
        lambda net: net.settle(net.worker("w9")),
    ],
)
def test_every_change_is_an_event(
    net: StoredNetwork, act: Callable[[StoredNetwork], object]
) -> None:
    net.worker()
    net.push("a")
    event = net.store.last_event()
    act(net)
    assert net.store.last_event() > event


def test_events_are_trimmed(net: StoredNetwork) -> None:
    for number in range(1300):
        net.push(f"k{number}")
    assert 1000 <= net.client.xlen(net.keys.events) <= 1200


def test_a_pop_waits_on_the_server_and_is_woken_up(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a")
    worker.pop_task(0)
    before = net.channel.n_round_trips
    with in_background(lambda: worker.pop_task(0.9)) as call:
        wait_until_blocked(net)
        began = time.monotonic()
        net.push("b")
        started = call.result(5)
    assert time.monotonic() - began < 0.8
    assert started.claimed is not None
    assert started.claimed.key == "b"
    assert net.channel.n_round_trips - before == 2  # the pop and the push


def test_a_pop_ends_with_its_time_and_one_round_trip(net: StoredNetwork) -> None:
    worker = net.worker()
    worker.pop_task(0)
    before, began = net.channel.n_round_trips, time.monotonic()
    assert worker.pop_task(0.2).claimed is None
    assert 0.19 < time.monotonic() - began < 1.0
    assert net.channel.n_round_trips - before == 1


def test_a_pop_without_time_does_not_wait(net: StoredNetwork) -> None:
    worker = net.worker()
    began = time.monotonic()
    worker.pop_task(0)
    assert time.monotonic() - began < 0.5
    assert net.channel.moved_by[0] == "LMOVE"


def test_no_pop_waits_longer_than_a_connection_may_be_silent(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a")
    worker.pop_task(3600)
    assert net.channel.moved_by[0] == "BLMOVE"
    assert 0.5 <= float(net.channel.moved_by[-1]) <= SOCKET_TIMEOUT / 3


ALONE = Watch(pause=5.0, look=list, is_deserted=lambda: True)


def test_a_waiter_sees_tasks_settle(net: StoredNetwork, waiting: Store) -> None:
    worker = net.worker()
    net.push_running(worker, "a", "b")
    net.push("c")
    waiter = Waiter(waiting, ["a", "b", "c"])
    net.client.config_resetstat()
    with in_background(lambda: waiter.wait(5.0, ALONE)) as call:
        wait_until_blocked(net)
        worker.finish_tasks("a", "Y", "")
        net.store.fail_tasks("w1", "t1", [("b", b"C")])
        assert not call.done()
        net.store.fail_tasks("", "t2", [("c", b"C")])
        call.result(5)
    assert n_commands(net, "xread") <= 3
    waiting.channel.close()


def test_a_waiter_for_settled_tasks_does_not_wait(net: StoredNetwork) -> None:
    net.push_finished("a")
    net.push_failed("b")
    Waiter(net.store, ["a", "b"]).wait(0.0, ALONE)


def test_a_waiter_ends_when_no_worker_runs(net: StoredNetwork, waiting: Store) -> None:
    worker = net.worker()
    net.push("a")
    with in_background(lambda: Waiter(waiting, ["a"]).wait(5.0, ALONE)) as call:
        wait_until_blocked(net)
        net.settle(worker)
        call.result(5)
    assert net.state("a") == "queued"
    waiting.channel.close()


def test_a_waiter_stays_where_a_worker_is_about_to_begin(
    net: StoredNetwork, waiting: Store
) -> None:
    net.push("a")
    coming = ALONE._replace(is_deserted=lambda: False)
    with in_background(lambda: Waiter(waiting, ["a"]).wait(5.0, coming)) as call:
        wait_until_blocked(net)
        assert not call.done()
        net.store.fail_tasks("", "t1", [("a", b"C")])
        call.result(5)
    waiting.channel.close()


def test_a_waiter_has_a_timeout_and_looks_up_between(net: StoredNetwork) -> None:
    net.worker()
    net.push("a", "b")
    looks: list[int] = []
    with pytest.raises(WaitTimeoutError, match=r"2 tasks .* within 0\.2 s, 'a' among them"):
        Waiter(net.store, ["b", "a"]).wait(
            0.2, ALONE._replace(pause=0.05, look=lambda: looks.append(1))
        )
    assert 2 <= len(looks) <= 7


def test_a_waiter_is_told_of_a_reset(net: StoredNetwork, waiting: Store) -> None:
    net.store.join("1", "e1", b"schemas")
    net.worker()
    net.push("a")
    waiter = Waiter(waiting, ["a"])
    with in_background(lambda: waiter.wait(5.0, ALONE)) as call:
        wait_until_blocked(net)
        net.store.reset("e2", workers=False)
        with pytest.raises(NetworkResetError, match="1 of its tasks"):
            call.result(5)
    waiting.channel.close()


def test_a_waiter_knows_its_tasks(net: StoredNetwork) -> None:
    net.push("a")
    with pytest.raises(UnknownTaskError, match="'nobody', 'x'"):
        Waiter(net.store, ["x", "a", "nobody"])
