"""Putting failed tasks back to the queue."""

from __future__ import annotations

from tests.store.contents import EARLIER
from tests.store.stored import StoredNetwork


def test_a_failed_task_is_queued_behind_all_others_as_its_next_attempt(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push_running(worker, "a", "b")
    net.store.fail_tasks("w1", "t1", [("a", b"C"), ("b", b"C")])
    net.push("q")
    seen = net.watch()
    assert net.store.retry_tasks("t2", ["a"]) == [1]
    assert seen.changes() == {
        "task:a": {
            "state": "queued",
            "xs": "A",
            "attempt": "2",
            "created_at": EARLIER,
            "failed_by": "t1",
            "retried_by": "t2",
        },
        "failed": ["b"],
        "queue": ["q", "a"],
        "events": ["queued 1"],
    }


def test_several_are_queued_in_the_order_given(net: StoredNetwork) -> None:
    net.push_failed("a", "b", "c")
    seen = net.watch()
    assert net.store.retry_tasks("t1", ["c", "a", "b"]) == [1, 1, 1]
    changes = seen.changes()
    assert changes["queue"] == ["c", "a", "b"]
    assert changes["failed"] is None
    assert changes["events"] == ["queued 3"]


def test_extras_are_kept(net: StoredNetwork) -> None:
    net.store.push_failed_tasks("", [("a", b"X", b"E", b"C")])
    net.store.retry_tasks("t1", ["a"])
    assert net.client.hget(net.keys.task("a"), "xs_extra") == b"E"


def test_the_repeat_succeeds_and_changes_nothing(net: StoredNetwork) -> None:
    net.push_failed("a", "b")
    net.store.retry_tasks("t1", ["a", "b"])
    assert net.repeat() == ([1, 1], {})


def test_the_repeat_succeeds_when_a_worker_has_popped_the_task(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push_failed("a")
    net.store.retry_tasks("t1", ["a"])
    worker.pop_task(0)
    seen = net.watch()
    assert net.store.retry_tasks("t1", ["a"]) == [1]
    assert seen.changes() == {}


def test_a_late_repeat_does_not_queue_what_has_failed_again(net: StoredNetwork) -> None:
    net.push_failed("a")
    net.store.retry_tasks("t1", ["a"])
    again = net.channel.sent
    net.store.fail_tasks("", "t2", [("a", b"C")])
    net.store.retry_tasks("t3", ["a"])
    seen = net.watch()
    assert net.channel.run(again[0], *again[1]) == [0]
    assert seen.changes() == {}


def test_the_same_key_twice_is_queued_once(net: StoredNetwork) -> None:
    net.push_failed("a")
    seen = net.watch()
    net.store.retry_tasks("t1", ["a", "a"])
    changes = seen.changes()
    assert changes["queue"] == ["a"]
    assert changes["task:a"]["attempt"] == "2"
    assert changes["events"] == ["queued 1"]


def test_queued_running_and_finished_tasks_are_left_alone(net: StoredNetwork) -> None:
    net.push("queued")
    net.push_finished("finished")
    net.push_running(net.worker(), "running")
    seen = net.watch()
    assert net.store.retry_tasks("t1", ["queued", "finished", "running"]) == [0, 0, 0]
    assert seen.changes() == {}


def test_an_unknown_key_keeps_all_others_from_being_written(net: StoredNetwork) -> None:
    net.push_failed("a", "b")
    seen = net.watch()
    assert net.store.retry_tasks("t1", ["a", "nobody", "b"])[1] == -1
    assert seen.changes() == {}


def test_every_attempt_counts(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a")
    for attempt in (1, 2, 3):
        popped = worker.pop_task(0).claimed
        assert popped is not None
        assert popped.attempt == attempt
        net.store.fail_tasks("w1", f"fail {attempt}", [("a", b"C")])
        net.store.retry_tasks(f"retry {attempt}", ["a"])


def test_thousands_of_tasks_are_queued_at_once(net: StoredNetwork) -> None:
    keys = [f"k{number}" for number in range(2500)]
    net.push_failed(*keys)
    assert net.store.retry_tasks("t1", keys) == [1] * 2500
    assert net.store.indexes.task_keys("queue") == keys
    assert net.store.indexes.count("failed") == 0


def test_a_late_copy_does_not_retry_the_task_again_when_it_has_failed_since(
    net: StoredNetwork,
) -> None:
    worker = net.worker()
    net.push_failed("a")
    net.store.retry_tasks("t1", ["a"])
    worker.pop_task(0)
    net.store.fail_tasks("", "f1", [("a", b"C")])
    seen = net.watch()
    assert net.store.retry_tasks("t1", ["a"]) == [1]
    assert seen.changes() == {}
