"""Pages that are asked for, and script calls that are sent, before earlier replies are read."""

from __future__ import annotations

from itertools import chain

import pytest

from rushtyped import index_store
from rushtyped.channel import Command
from rushtyped.errors import ServerError
from rushtyped.index_store import Page
from rushtyped.lua import load_script
from tests.store.stored import StoredNetwork
from tests.waiting import wait_until

KEYS = [f"k{number}" for number in range(9)]


@pytest.fixture
def finished(net: StoredNetwork, monkeypatch: pytest.MonkeyPatch) -> StoredNetwork:
    """A network with finished tasks, of which two make a page."""
    monkeypatch.setattr(index_store, "PAGE", 2)
    net.store.join("1", "e1", b"schemas")
    net.push_finished(*KEYS)
    net.client.config_resetstat()
    return net


def keys_of(*pages: Page) -> list[str]:
    keys = chain.from_iterable(page.columns["key"] for page in pages)
    return [key.decode() for key in keys if key is not None]


def n_sorted(net: StoredNetwork) -> int:
    return int(net.client.info("commandstats").get("cmdstat_sort", {}).get("calls", 0))


def test_pages_come_in_order_with_the_key_before_each(finished: StoredNetwork) -> None:
    pages = list(finished.store.indexes.finished_pages(0, ["ys"]))
    assert keys_of(*pages) == KEYS
    assert [page.last for page in pages[1:]] == [b"k1", b"k3", b"k5", b"k7"]
    assert {page.n_finished for page in pages} == {9}


def test_the_next_pages_are_prepared_while_one_is_used(finished: StoredNetwork) -> None:
    pages = finished.store.indexes.finished_pages(0, ["ys"])
    next(pages)
    assert n_sorted(finished) == 1
    next(pages)
    wait_until(lambda: n_sorted(finished) == 3, description="the third page is prepared")
    assert keys_of(*pages) == KEYS[4:]
    assert n_sorted(finished) == 5


def test_tasks_that_finish_meanwhile_are_read_too(finished: StoredNetwork) -> None:
    pages = finished.store.indexes.finished_pages(0, ["ys"])
    read = [next(pages), next(pages)]
    finished.push_finished("late", "later")
    assert keys_of(*read, *pages) == [*KEYS, "late", "later"]


def test_pages_that_nobody_wants_any_more_leave_no_reply_behind(finished: StoredNetwork) -> None:
    pages = finished.store.indexes.finished_pages(0, ["ys"])
    assert keys_of(next(pages), next(pages)) == KEYS[:4]
    pages.close()
    for _ in range(5):
        assert finished.store.epoch() == b"e1"
        assert finished.store.indexes.count("finished") == 9


def test_pages_end_where_the_server_has_lost_tasks(finished: StoredNetwork) -> None:
    pages = finished.store.indexes.finished_pages(0, ["ys"])
    next(pages)
    finished.client.ltrim(finished.keys.finished, 0, 4)
    assert keys_of(*pages) == ["k2", "k3"]


@pytest.mark.parametrize("n_read", [1, 2, 3])
def test_pages_outlive_their_connections(finished: StoredNetwork, n_read: int) -> None:
    pages = finished.store.indexes.finished_pages(0, ["ys"])
    read = [next(pages) for _ in range(n_read)]
    finished.client.client_kill_filter(_type="normal", skipme=True)
    assert keys_of(*read, *pages) == KEYS


def test_pages_that_cannot_be_asked_for_ahead_are_asked_for_with_patience(
    finished: StoredNetwork,
) -> None:
    pages = finished.store.indexes.finished_pages(0, ["ys"])
    read = [next(pages)]
    finished.channel.renew()  # as when another thread has just lost its connection
    assert keys_of(*read, *pages) == KEYS


def calls_of(net: StoredNetwork, *keys: str) -> list[Command]:
    names = (net.keys.meta, net.keys.all, net.keys.queue, net.keys.events)
    return [(len(names), *names, net.keys.prefix, key, b"X", b"") for key in keys]


def test_a_script_runs_for_each_call_in_order_in_one_round_trip(net: StoredNetwork) -> None:
    net.store.join("1", "e1", b"schemas")
    net.push("first")
    before = net.channel.n_round_trips
    replies = net.channel.run_each(load_script("push_tasks"), lambda: calls_of(net, *"abc"))
    assert replies == [1, 1, 1]
    assert net.channel.n_round_trips - before == 1
    assert net.store.indexes.task_keys("queue") == ["first", "a", "b", "c"]


def test_a_script_that_the_server_has_forgotten_is_loaded_for_many_calls(
    net: StoredNetwork,
) -> None:
    net.store.join("1", "e1", b"schemas")
    net.client.script_flush()
    net.channel.run_each(load_script("push_tasks"), lambda: calls_of(net, *"abc"))
    assert net.store.indexes.task_keys("queue") == ["a", "b", "c"]


def test_an_error_among_many_replies_is_raised_when_all_are_read(net: StoredNetwork) -> None:
    net.store.join("1", "e1", b"schemas")
    good, bad, last = calls_of(net, *"abc")
    wrong: Command = (99, *bad[1:])
    with pytest.raises(ServerError, match="Number of keys"):
        net.channel.run_each(load_script("push_tasks"), lambda: (good, wrong, last))
    assert net.store.indexes.task_keys("queue") == ["a", "c"]


def test_calls_whose_connection_is_lost_are_sent_again_and_count_once(net: StoredNetwork) -> None:
    net.store.join("1", "e1", b"schemas")
    attempts: list[int] = []

    def calls() -> list[Command]:
        if not attempts:
            net.client.client_kill_filter(_type="normal", skipme=True)
        attempts.append(1)
        return calls_of(net, *"abc")

    net.channel.run_each(load_script("push_tasks"), calls)
    assert len(attempts) == 2
    assert net.store.indexes.task_keys("queue") == ["a", "b", "c"]
