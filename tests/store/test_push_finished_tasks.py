"""Creating finished tasks, from results that are known already."""

from __future__ import annotations

from tests.store.contents import NOW
from tests.store.stored import StoredNetwork


def test_tasks_are_finished_in_the_order_given(net: StoredNetwork) -> None:
    seen = net.watch()
    net.store.push_finished_tasks(
        "w9", [("b", b"XB", b"YB", b"", b""), ("a", b"XA", b"YA", b"EX", b"EY")]
    )
    assert net.reply == 2
    assert seen.changes() == {
        "task:b": {
            "state": "finished",
            "xs": "XB",
            "ys": "YB",
            "attempt": "1",
            "created_at": NOW,
            "finished_at": NOW,
            "worker_id": "w9",
        },
        "task:a": {
            "state": "finished",
            "xs": "XA",
            "ys": "YA",
            "xs_extra": "EX",
            "ys_extra": "EY",
            "attempt": "1",
            "created_at": NOW,
            "finished_at": NOW,
            "worker_id": "w9",
        },
        "all": ["b", "a"],
        "finished": ["b", "a"],
        "events": ["finished 2 w9"],
    }


def test_tasks_of_nobody_have_no_worker(net: StoredNetwork) -> None:
    seen = net.watch()
    net.store.push_finished_tasks("", [("a", b"X", b"Y", b"", b"")])
    changes = seen.changes()
    assert changes["task:a"] == {
        "state": "finished",
        "xs": "X",
        "ys": "Y",
        "attempt": "1",
        "created_at": NOW,
        "finished_at": NOW,
    }
    assert changes["events"] == ["finished 1"]


def test_creation_and_finish_have_one_time(net: StoredNetwork) -> None:
    net.push_finished("a")
    created, finished = net.client.hmget(net.keys.task("a"), "created_at", "finished_at")
    assert created == finished


def test_the_repeat_changes_nothing(net: StoredNetwork) -> None:
    net.push_finished("a", "b")
    assert net.repeat() == (0, {})


def test_a_task_that_exists_is_left_alone(net: StoredNetwork) -> None:
    net.push("a")
    seen = net.watch()
    net.push_finished("a")
    assert net.reply == 0
    assert seen.changes() == {}


def test_a_repeat_creates_what_is_missing_only(net: StoredNetwork) -> None:
    net.push_finished("a")
    seen = net.watch()
    net.push_finished("a", "b")
    assert net.reply == 1
    changes = seen.changes()
    assert sorted(changes) == ["all", "events", "finished", "task:b"]
    assert changes["all"] == ["a", "b"]
    assert changes["finished"] == ["a", "b"]
    assert changes["events"] == ["finished 1"]


def test_they_are_created_though_the_budget_is_spent(net: StoredNetwork) -> None:
    net.store.set_budget(1, None)
    net.push_finished("a", "b")
    assert net.reply == 2
    assert net.store.indexes.task_keys("finished") == ["a", "b"]
