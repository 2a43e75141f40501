"""Creating failed tasks."""

from __future__ import annotations

from tests.store.contents import NOW
from tests.store.stored import StoredNetwork


def test_tasks_are_failed_in_the_order_given(net: StoredNetwork) -> None:
    seen = net.watch()
    net.store.push_failed_tasks("w9", [("b", b"XB", b"", b"CB"), ("a", b"XA", b"EX", b"CA")])
    assert net.reply == 2
    assert seen.changes() == {
        "task:b": {
            "state": "failed",
            "xs": "XB",
            "condition": "CB",
            "attempt": "1",
            "created_at": NOW,
            "finished_at": NOW,
            "worker_id": "w9",
        },
        "task:a": {
            "state": "failed",
            "xs": "XA",
            "xs_extra": "EX",
            "condition": "CA",
            "attempt": "1",
            "created_at": NOW,
            "finished_at": NOW,
            "worker_id": "w9",
        },
        "all": ["b", "a"],
        "failed": ["b", "a"],
        "events": ["failed 2 w9"],
    }


def test_tasks_of_nobody_have_no_worker(net: StoredNetwork) -> None:
    seen = net.watch()
    net.store.push_failed_tasks("", [("a", b"X", b"", b"C")])
    changes = seen.changes()
    assert changes["task:a"] == {
        "state": "failed",
        "xs": "X",
        "condition": "C",
        "attempt": "1",
        "created_at": NOW,
        "finished_at": NOW,
    }
    assert changes["events"] == ["failed 1"]


def test_scores_follow_each_other_from_the_time_of_failing(net: StoredNetwork) -> None:
    net.push_failed("b", "a")
    times = [int(net.client.hget(net.keys.task(key), "finished_at") or 0) for key in ("b", "a")]
    scores = net.client.zrange(net.keys.failed, 0, -1, withscores=True)
    assert scores == [(b"b", times[0]), (b"a", times[0] + 1)]
    assert times[0] == times[1]


def test_the_repeat_changes_nothing(net: StoredNetwork) -> None:
    net.push_failed("a", "b")
    assert net.repeat() == (0, {})


def test_a_task_that_exists_is_left_alone(net: StoredNetwork) -> None:
    net.push_running(net.worker(), "a")
    seen = net.watch()
    net.push_failed("a")
    assert net.reply == 0
    assert seen.changes() == {}


def test_a_repeat_creates_what_is_missing_only(net: StoredNetwork) -> None:
    net.push_failed("a")
    seen = net.watch()
    net.push_failed("a", "b")
    assert net.reply == 1
    changes = seen.changes()
    assert sorted(changes) == ["all", "events", "failed", "task:b"]
    assert changes["all"] == ["a", "b"]
    assert changes["failed"] == ["a", "b"]
    assert changes["events"] == ["failed 1"]
