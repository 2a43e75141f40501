"""Setting the budget of a network."""

from __future__ import annotations

from tests.store.contents import EARLIER
from tests.store.stored import JOINED, StoredNetwork


def test_both_limits_are_stored(net: StoredNetwork) -> None:
    seen = net.watch()
    net.store.set_budget(5, 2.5)
    assert net.reply == [b"5", b"2.5"]
    assert seen.changes() == {
        "meta": {**JOINED, "max_tasks": "5", "max_seconds": "2.5"},
        "events": ["budget 0"],
    }


def test_a_limit_that_is_not_given_stays(net: StoredNetwork) -> None:
    net.store.set_budget(5, None)
    assert net.reply == [b"5", None]
    net.store.set_budget(None, 0.1)
    assert net.reply == [b"5", b"0.1"]
    net.store.set_budget(6, None)
    assert net.reply == [b"6", b"0.1"]
    net.store.set_budget(None, None)
    assert net.reply == [b"6", b"0.1"]


def test_the_repeat_only_wakes_up_once_more(net: StoredNetwork) -> None:
    net.store.set_budget(5, 2.5)
    assert net.repeat() == ([b"5", b"2.5"], {"events": ["budget 0"]})


def test_other_seconds_begin_a_new_clock(net: StoredNetwork) -> None:
    net.store.set_budget(5, 10.0)
    net.push_running(net.worker(), "a")
    seen = net.watch()
    net.store.set_budget(None, 20.0)
    assert seen.changes()["meta"] == {**JOINED, "max_tasks": "5", "max_seconds": "20.0"}


def test_the_same_seconds_keep_the_clock(net: StoredNetwork) -> None:
    net.store.set_budget(5, 10.0)
    net.push_running(net.worker(), "a")
    seen = net.watch()
    net.store.set_budget(6, 10.0)
    assert seen.changes()["meta"] == {
        **JOINED,
        "max_tasks": "6",
        "max_seconds": "10.0",
        "started_at": EARLIER,
    }
