"""Creating queued tasks."""

from __future__ import annotations

from tests.store.contents import NOW
from tests.store.stored import StoredNetwork


def test_tasks_are_queued_in_the_order_given(net: StoredNetwork) -> None:
    seen = net.watch()
    net.store.push_tasks([("b", b"B", b""), ("a", b"A", b"more")])
    assert net.reply == 2
    assert seen.changes() == {
        "task:b": {"state": "queued", "xs": "B", "attempt": "1", "created_at": NOW},
        "task:a": {
            "state": "queued",
            "xs": "A",
            "xs_extra": "more",
            "attempt": "1",
            "created_at": NOW,
        },
        "all": ["b", "a"],
        "queue": ["b", "a"],
        "events": ["queued 2"],
    }


def test_later_tasks_stand_behind_earlier_ones(net: StoredNetwork) -> None:
    net.push("a")
    seen = net.watch()
    net.push("b")
    changes = seen.changes()
    assert changes["all"] == ["a", "b"]
    assert changes["queue"] == ["a", "b"]
    assert sorted(changes) == ["all", "events", "queue", "task:b"]


def test_the_repeat_changes_nothing(net: StoredNetwork) -> None:
    net.push("a", "b")
    assert net.repeat() == (0, {})


def test_the_repeat_changes_nothing_when_the_task_has_gone_on(net: StoredNetwork) -> None:
    net.push("a")
    again = net.channel.sent
    worker = net.worker()
    worker.pop_task(0)
    worker.finish_tasks("a", "Y", "")
    seen = net.watch()
    assert net.channel.run(again[0], *again[1]) == 0
    assert seen.changes() == {}


def test_a_repeat_creates_what_is_missing_only(net: StoredNetwork) -> None:
    net.push("a")
    seen = net.watch()
    net.store.push_tasks([("a", b"other", b"other"), ("b", b"B", b"")])
    assert net.reply == 1
    assert seen.changes() == {
        "task:b": {"state": "queued", "xs": "B", "attempt": "1", "created_at": NOW},
        "all": ["a", "b"],
        "queue": ["a", "b"],
        "events": ["queued 1"],
    }


def test_a_key_given_twice_is_one_task(net: StoredNetwork) -> None:
    seen = net.watch()
    net.push("a", "a")
    assert net.reply == 1
    assert seen.changes()["queue"] == ["a"]


def test_any_bytes_may_be_stored(net: StoredNetwork) -> None:
    every = bytes(range(256))
    net.store.push_tasks([("a", every, every)])
    assert net.store.indexes.read_hashes(["a"], ["xs", "xs_extra"]) == {
        "xs": [every],
        "xs_extra": [every],
    }


def test_thousands_of_tasks_keep_their_order(net: StoredNetwork) -> None:
    keys = [f"k{number}" for number in range(2001)]
    seen = net.watch()
    net.store.run(
        "push_tasks",
        (net.keys.meta, net.keys.all, net.keys.queue, net.keys.events),
        net.keys.prefix,
        *(part for key in keys for part in (key, "X", "")),
    )
    changes = seen.changes()
    assert net.reply == 2001
    assert changes["all"] == keys
    assert changes["queue"] == keys
    assert changes["events"] == ["queued 2001"]


def test_large_pushes_go_in_chunks(net: StoredNetwork) -> None:
    n_round_trips = net.channel.n_round_trips
    net.push("warm")
    first = net.channel.n_round_trips
    keys = [f"k{number}" for number in range(18_001)]
    net.push(*keys)
    assert net.channel.n_round_trips - first == 1 + 2
    assert first - n_round_trips <= 3
    assert net.store.indexes.task_keys("queue") == ["warm", *keys]
    calls = net.client.info("commandstats")["cmdstat_evalsha"]["calls"]
    net.push("one more")
    assert net.client.info("commandstats")["cmdstat_evalsha"]["calls"] == calls + 1
