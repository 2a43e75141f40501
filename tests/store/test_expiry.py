"""Networks that vanish at a moment, with all that belongs to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rushtyped import expiry_store
from rushtyped.channel import Argument
from rushtyped.errors import UnknownNetworkError
from rushtyped.expiry_store import ExpiryStore
from rushtyped.lease_store import LeaseStore, Renewal
from rushtyped.log_store import LogStore
from rushtyped.lua import Script
from rushtyped.worker_store import Verdict, WorkerStore
from tests.store.contents import EARLIER, server_time
from tests.store.stored import JOINED, StoredNetwork, joined
from tests.store.test_reset import fill
from tests.waiting import wait_until

HOUR = 3600.0


@pytest.fixture
def expiry(net: StoredNetwork) -> ExpiryStore:
    """The moment at which the network vanishes."""
    return ExpiryStore(net.store)


def moments(net: StoredNetwork) -> dict[str, int]:
    """Read when each key of the network vanishes; -1 for those that stay."""
    names = sorted(net.client.scan_iter(match=f"{net.keys.prefix}*", count=1000))
    shown = [name.decode().removeprefix(net.keys.prefix) for name in names]
    return {name: net.client.pexpiretime(net.keys.prefix + name) for name in shown}


def moment_of(net: StoredNetwork) -> int:
    return int(net.client.hget(net.keys.meta, "expires_at"))


def lasting_ones(net: StoredNetwork) -> list[str]:
    """Name the keys that do not vanish with the network."""
    moment = moment_of(net)
    return [name for name, at in moments(net).items() if at != moment]


def test_the_moment_is_noted_by_the_clock_of_the_server(net: StoredNetwork) -> None:
    began = server_time(net.client) // 1000
    seen = net.watch()
    moment = net.store.run("set_expiry", (net.keys.meta, net.keys.events), 2500)
    assert seen.changes() == {
        "meta": {**JOINED, "expires_at": moment.decode()},
        "events": ["expire 0"],
    }
    assert began + 2500 <= int(moment) <= server_time(net.client) // 1000 + 2500


def test_the_moment_is_taken_back(net: StoredNetwork) -> None:
    net.store.run("set_expiry", (net.keys.meta, net.keys.events), 2500)
    seen = net.watch()
    assert net.store.run("set_expiry", (net.keys.meta, net.keys.events), "") == b""
    assert seen.changes() == {"meta": JOINED, "events": ["expire 0"]}


@pytest.mark.parametrize("milliseconds", [100, ""])
def test_a_network_that_is_not_there_gets_no_moment(
    net: StoredNetwork, milliseconds: int | str
) -> None:
    net.client.delete(net.keys.meta)
    seen = net.watch()
    assert net.store.run("set_expiry", (net.keys.meta, net.keys.events), milliseconds) == -1
    assert seen.changes() == {}


def expire_keys(net: StoredNetwork, moment: object, leases: int, *names: str) -> Any:
    full = (net.keys.prefix + name for name in names)
    return net.store.run("expire_keys", (net.keys.meta,), str(moment), leases, *full)


def test_keys_get_the_moment(net: StoredNetwork) -> None:
    net.push("a", "b")
    moment = net.store.run("set_expiry", (net.keys.meta, net.keys.events), 9000).decode()
    assert expire_keys(net, moment, 0, "task:a", "queue", "nothing") == 1
    assert moments(net) == {
        "all": -1,
        "events": -1,
        "meta": -1,
        "queue": int(moment),
        "task:a": int(moment),
        "task:b": -1,
    }


def test_keys_whose_moment_has_passed_go_at_once(net: StoredNetwork) -> None:
    net.push("a", "b")
    moment = net.store.run("set_expiry", (net.keys.meta, net.keys.events), 0).decode()
    seen = net.watch()
    assert expire_keys(net, moment, 0, "task:a", "all") == 1
    assert seen.changes() == {"task:a": None, "all": None}


def test_keys_stay_where_the_moment_is_taken_back(net: StoredNetwork) -> None:
    net.client.set(net.keys.prefix + "a", "1", px=9000)
    assert expire_keys(net, "", 0, "a") == 1
    assert moments(net)["a"] == -1


def test_nothing_is_done_for_a_moment_that_is_not_the_networks_own(net: StoredNetwork) -> None:
    net.push("a")
    moment = int(net.store.run("set_expiry", (net.keys.meta, net.keys.events), 9000))
    assert expire_keys(net, moment - 1, 0, "task:a") == 0
    assert expire_keys(net, "", 0, "task:a") == 0
    assert moments(net)["task:a"] == -1
    net.client.delete(net.keys.meta)
    assert expire_keys(net, moment, 0, "task:a") == 0


def test_a_lease_is_shortened_and_never_lengthened(net: StoredNetwork) -> None:
    moment = net.store.run("set_expiry", (net.keys.meta, net.keys.events), 9000).decode()
    net.client.set(net.keys.prefix + "short", "1", px=1000)
    net.client.set(net.keys.prefix + "long", "1", px=90000)
    before = moments(net)
    assert expire_keys(net, moment, 1, "short", "long", "nothing") == 1
    assert moments(net) == {**before, "long": int(moment)}


def test_all_keys_vanish_at_one_moment(net: StoredNetwork, expiry: ExpiryStore) -> None:
    fill(net)
    names = list(moments(net))
    expiry.set(HOUR)
    assert list(moments(net)) == names
    heartbeat = net.client.pexpiretime(net.keys.worker("w1").heartbeat)
    assert 0 < heartbeat < moment_of(net)
    assert lasting_ones(net) == ["worker:w1:heartbeat"]


def test_a_lease_that_is_longer_ends_with_the_network(
    net: StoredNetwork, expiry: ExpiryStore
) -> None:
    net.worker()
    expiry.set(60.0)
    assert lasting_ones(net) == []


def test_a_later_call_replaces_the_moment(net: StoredNetwork, expiry: ExpiryStore) -> None:
    fill(net)
    expiry.set(HOUR)
    first = moment_of(net)
    expiry.set(2 * HOUR)
    assert moment_of(net) > first
    assert lasting_ones(net) == ["worker:w1:heartbeat"]
    expiry.set(HOUR / 2)
    assert moment_of(net) < first
    assert lasting_ones(net) == ["worker:w1:heartbeat"]


def test_a_moment_that_is_taken_back_is_forgotten_by_all_keys(
    net: StoredNetwork, expiry: ExpiryStore
) -> None:
    fill(net)
    expiry.set(HOUR)
    expiry.set(None)
    found = moments(net)
    assert found.pop("worker:w1:heartbeat") > 0
    assert set(found.values()) == {-1}


def test_nothing_of_the_network_is_left(net: StoredNetwork, expiry: ExpiryStore) -> None:
    fill(net)
    expiry.set(0.05)
    wait_until(lambda: not moments(net), description="every key has vanished")


def test_in_no_time_all_is_deleted_at_once(net: StoredNetwork, expiry: ExpiryStore) -> None:
    fill(net)
    net.client.set("another", "1")
    expiry.set(0.0)
    assert net.client.keys("*") == [b"another"]


def test_the_trash_of_a_reset_is_swept_first(net: StoredNetwork, expiry: ExpiryStore) -> None:
    net.push("a")
    net.store.write_hashes(["note"], [("h", b"1")], guarded=False)
    net.client.rename(net.keys.all, net.keys.trash)
    net.client.rename(net.keys.hashes, net.keys.trash_hashes)
    expiry.set(HOUR)
    assert list(moments(net)) == ["events", "meta", "queue"]


def worker_in(net: StoredNetwork) -> WorkerStore:
    return WorkerStore(net.store, "w1")


def pop_in_vain(net: StoredNetwork) -> None:
    """Take two tasks from the queue, so that a claim puts one of them back."""
    net.move_to_pending(worker_in(net), 2)
    net.claim(worker_in(net), 10**18)


WRITES: list[Callable[[StoredNetwork], object]] = [
    lambda net: net.push("a"),
    lambda net: net.push_finished("a"),
    lambda net: net.push_failed("a"),
    lambda net: net.worker("w2"),
    lambda net: net.store.import_tasks([("i", "queued", "1", "xs", b"X")]),
    lambda net: net.push_running(worker_in(net), "a"),
    lambda net: worker_in(net).pop_task(0),
    pop_in_vain,
    lambda net: worker_in(net).finish_tasks("r1", "Y", ""),
    lambda net: net.store.fail_tasks("w1", "t1", [("r1", b"C")]),
    lambda net: net.store.fail_tasks("", "t1", [("q1", b"C")]),
    lambda net: net.store.retry_tasks("t1", ["f1"]),
    lambda net: net.settle(worker_in(net)),
    lambda net: net.settle(worker_in(net), max_attempts=9),
    lambda net: net.store.stop_workers("kill", ()),
    lambda net: net.store.store_loop("abc", b"signed"),
    lambda net: net.store.write_hashes(["note"], [("h", b"1"), ("q1", b"2")], guarded=False),
    lambda net: net.store.claim_columns("xs_extra", ["note"]),
    lambda net: net.store.set_budget(9, 100.0),
    lambda net: LogStore(net.store).push("w1", 1, 100, [b"line"]),
    lambda net: LeaseStore(net.store).renew({"w1": 2 * HOUR}),
    lambda net: net.store.reset("e2", workers=False),
    lambda net: net.store.reset("e2", workers=True),
]


@pytest.mark.parametrize("call", WRITES)
def test_what_is_written_later_vanishes_with_the_rest(
    net: StoredNetwork, expiry: ExpiryStore, call: Callable[[StoredNetwork], object]
) -> None:
    net.worker()
    net.push_running(worker_in(net), "r1")
    net.push("q1", "q2")
    net.push_failed("f1")
    expiry.set(HOUR / 10)
    assert lasting_ones(net) == []
    call(net)
    assert lasting_ones(net) == []


@pytest.mark.parametrize("call", WRITES[:4])
def test_what_is_written_first_vanishes_with_the_rest(
    net: StoredNetwork, expiry: ExpiryStore, call: Callable[[StoredNetwork], object]
) -> None:
    expiry.set(HOUR / 10)
    call(net)
    assert lasting_ones(net) == []


@pytest.mark.parametrize("workers", [False, True])
def test_a_reset_leaves_the_moment(net: StoredNetwork, expiry: ExpiryStore, workers: bool) -> None:
    fill(net)
    expiry.set(HOUR / 10)
    moment = moment_of(net)
    net.store.reset("e2", workers=workers)
    joined(net.store)
    net.push("a")
    assert moment_of(net) == moment
    assert lasting_ones(net) == []


class BrokenOffError(Exception):
    """The process of the caller has ended."""


def break_off(net: StoredNetwork, monkeypatch: pytest.MonkeyPatch, nth: int) -> None:
    """End the caller at its so many-th call of expire_keys."""
    monkeypatch.setattr(expiry_store, "CHUNK", 2)
    run = net.channel.run
    seen: list[Script] = []

    def run_or_end(script: Script, *arguments: Argument) -> Any:
        if script.name == "expire_keys":
            seen.append(script)
            if len(seen) == nth:
                raise BrokenOffError
        return run(script, *arguments)

    monkeypatch.setattr(net.channel, "run", run_or_end)


def test_a_call_that_was_cut_short_is_completed_by_its_repeat(
    net: StoredNetwork, expiry: ExpiryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.push("a", "b", "c", "d")
    break_off(net, monkeypatch, 2)
    with pytest.raises(BrokenOffError):
        expiry.set(HOUR)
    net.push("e")
    moment = moment_of(net)
    assert moments(net) == {
        "all": -1,
        "events": -1,
        "meta": -1,  # they can still be found by these
        "queue": moment,
        "task:a": moment,
        "task:b": moment,
        "task:c": -1,
        "task:d": -1,
        "task:e": moment,
    }
    expiry.set(HOUR)
    assert lasting_ones(net) == []


def test_what_a_call_that_was_cut_short_has_left_is_found_after_its_moment(
    net: StoredNetwork, expiry: ExpiryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.push("a", "b", "c", "d")
    break_off(net, monkeypatch, 2)
    with pytest.raises(BrokenOffError):
        expiry.set(0.0)
    assert list(moments(net)) == ["all", "events", "meta", "queue", "task:c", "task:d"]
    net.push("e")
    net.push_finished("x")
    expiry.set(0.0)
    assert moments(net) == {}


def test_taking_back_keeps_first_what_lists_the_others(
    net: StoredNetwork, expiry: ExpiryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.push("a")
    expiry.set(HOUR)
    moment = moment_of(net)
    break_off(net, monkeypatch, 9)  # after 15 keys in twos
    with pytest.raises(BrokenOffError):
        expiry.set(None)
    assert moments(net) == {"all": -1, "events": -1, "meta": -1, "queue": -1, "task:a": moment}
    expiry.set(None)
    assert set(moments(net).values()) == {-1}


def test_of_two_calls_the_later_one_decides(
    net: StoredNetwork, expiry: ExpiryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.push("a", "b", "c", "d")
    monkeypatch.setattr(expiry_store, "CHUNK", 2)
    run = net.channel.run
    others: list[Script] = []

    def run_between(script: Script, *arguments: Argument) -> Any:
        if script.name == "expire_keys" and not others:
            others.append(script)
            expiry.set(2 * HOUR)
        return run(script, *arguments)

    monkeypatch.setattr(net.channel, "run", run_between)
    began = server_time(net.client) / 1e6
    expiry.set(HOUR)
    assert moment_of(net) / 1000 > began + 1.5 * HOUR
    assert lasting_ones(net) == []


def test_thousands_of_keys_go_in_steps(net: StoredNetwork, expiry: ExpiryStore) -> None:
    net.push(*(f"k{number}" for number in range(2500)))
    rows = [(f"h{number}", b"1") for number in range(1500)]
    net.store.write_hashes(["note"], rows, guarded=False)
    net.channel.history.clear()
    expiry.set(HOUR)
    assert lasting_ones(net) == []
    sizes = [len(sent) - 4 for script, sent in net.channel.history if script.name == "expire_keys"]
    assert sizes == [1000, 1000, 1000, 1000, 15]


def test_a_worker_of_before_is_lost_and_writes_nothing(
    net: StoredNetwork, expiry: ExpiryStore
) -> None:
    worker = net.worker()
    net.push_running(worker, "a")
    expiry.set(0.0)
    assert worker.push_running_tasks("b", "B", "").verdict is Verdict.LOST
    assert worker.pop_task(0).verdict is Verdict.LOST
    assert worker.finish_tasks("a", "Y", "").moved == [-1]
    assert worker.check()[0] is Verdict.LOST
    assert net.store.fail_tasks("w1", "t1", [("a", b"C")]) == [-1]
    assert net.store.retry_tasks("t2", ["a"]) == [-1]
    assert not net.settle(worker)
    assert net.store.stop_workers("kill", ()) == []
    assert LeaseStore(net.store).renew({"w1": 15.0}) == [Renewal.GONE]
    assert LogStore(net.store).push("w1", 3, 100, [b"line"]) == 3
    assert moments(net) == {}


CREATING: list[Callable[[StoredNetwork], object]] = [
    *WRITES[:3],
    lambda net: net.store.store_loop("abc", b"signed"),
    lambda net: net.store.write_hashes(["note"], [("h", b"1")], guarded=False),
    lambda net: net.store.claim_columns("xs_extra", ["note"]),
    lambda net: ExpiryStore(net.store).set(HOUR),
]


@pytest.mark.parametrize("call", CREATING)
def test_nobody_writes_into_a_network_that_has_vanished(
    net: StoredNetwork, expiry: ExpiryStore, call: Callable[[StoredNetwork], object]
) -> None:
    expiry.set(0.0)
    with pytest.raises(UnknownNetworkError, match=f"{net.keys.network_id}' has vanished from"):
        call(net)
    assert moments(net) == {}


def test_a_network_that_begins_anew_stays(net: StoredNetwork, expiry: ExpiryStore) -> None:
    net.push("a")
    expiry.set(0.0)

    class Member:
        def rejoin(self) -> None:
            joined(net.store)

    member = Member()
    net.store.when_vanished(member.rejoin)
    net.push("b")
    assert moments(net) == {"all": -1, "events": -1, "meta": -1, "queue": -1, "task:b": -1}
    assert net.state("b") == "queued"


def test_times_of_before_are_kept(net: StoredNetwork, expiry: ExpiryStore) -> None:
    net.store.set_budget(None, 100.0)
    net.push_running(net.worker(), "a")
    seen = net.watch()
    expiry.set(HOUR)
    meta = seen.changes()["meta"]
    assert (meta["started_at"], meta["max_seconds"]) == (EARLIER, "100.0")
