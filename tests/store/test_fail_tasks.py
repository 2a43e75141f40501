"""Failing tasks: running ones by their worker, queued and running ones by anybody else."""

from __future__ import annotations

import pytest

from tests.store.contents import EARLIER, NOW
from tests.store.stored import StoredNetwork


def test_a_worker_fails_its_running_task(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push_running(worker, "a", "b")
    seen = net.watch()
    assert net.store.fail_tasks("w1", "t1", [("a", b"C")]) == [1]
    assert seen.changes() == {
        "task:a": {
            "state": "failed",
            "xs": "A",
            "attempt": "1",
            "condition": "C",
            "created_at": EARLIER,
            "started_at": EARLIER,
            "finished_at": NOW,
            "worker_id": "w1",
            "failed_by": "t1",
        },
        "running": ["b"],
        "failed": ["a"],
        "worker:w1:tasks": {"b"},
        "events": ["failed 1 w1"],
    }


def test_a_manager_fails_a_queued_task(net: StoredNetwork) -> None:
    net.push("a", "b")
    seen = net.watch()
    assert net.store.fail_tasks("", "t1", [("a", b"C")]) == [1]
    assert seen.changes() == {
        "task:a": {
            "state": "failed",
            "xs": "A",
            "attempt": "1",
            "condition": "C",
            "created_at": EARLIER,
            "finished_at": NOW,
            "failed_by": "t1",
        },
        "queue": ["b"],
        "failed": ["a"],
        "events": ["failed 1"],
    }


def test_a_manager_fails_running_tasks_of_any_worker(net: StoredNetwork) -> None:
    net.push_running(net.worker("w1"), "a")
    net.push_running(net.worker("w2"), "b")
    net.push("c")
    seen = net.watch()
    assert net.store.fail_tasks("", "t1", [("c", b"1"), ("b", b"2"), ("a", b"3")]) == [1, 1, 1]
    changes = seen.changes()
    assert changes["failed"] == ["c", "b", "a"]
    assert [changes[f"task:{key}"]["condition"] for key in "abc"] == ["3", "2", "1"]
    assert changes["events"] == ["failed 3"]
    gone = ["queue", "running", "worker:w1:tasks", "worker:w2:tasks"]
    assert [changes[name] for name in gone] == [None] * 4
    assert sorted(changes) == sorted(["events", "failed", "task:a", "task:b", "task:c", *gone])


def test_scores_follow_each_other_from_the_time_of_failing(net: StoredNetwork) -> None:
    net.push("a", "b")
    net.store.fail_tasks("", "t1", [("b", b"C"), ("a", b"C")])
    times = [int(net.client.hget(net.keys.task(key), "finished_at") or 0) for key in ("b", "a")]
    scores = net.client.zrange(net.keys.failed, 0, -1, withscores=True)
    assert scores == [(b"b", times[0]), (b"a", times[0] + 1)]


def test_a_task_that_a_worker_is_just_popping_is_taken_from_it(net: StoredNetwork) -> None:
    worker = net.worker()
    net.worker("w2")
    net.push("a", "b")
    net.move_to_pending(worker, 2)
    seen = net.watch()
    assert net.store.fail_tasks("", "t1", [("a", b"C")]) == [1]
    changes = seen.changes()
    assert changes["worker:w1:pending"] == ["b"]
    assert sorted(changes) == ["events", "failed", "task:a", "worker:w1:pending"]


@pytest.mark.parametrize("owner", ["w1", ""])
def test_the_repeat_succeeds_and_changes_nothing(net: StoredNetwork, owner: str) -> None:
    net.push_running(net.worker(), "a", "b")
    net.store.fail_tasks(owner, "t1", [("a", b"C"), ("b", b"C")])
    assert net.repeat() == ([1, 1], {})


def test_another_request_for_a_failed_task_changes_nothing(net: StoredNetwork) -> None:
    net.push_running(net.worker(), "a")
    net.store.fail_tasks("w1", "t1", [("a", b"C")])
    seen = net.watch()
    assert net.store.fail_tasks("w1", "t2", [("a", b"C")]) == [0]
    assert net.store.fail_tasks("", "t3", [("a", b"C")]) == [0]
    assert seen.changes() == {}


def test_the_same_key_twice_fails_once(net: StoredNetwork) -> None:
    net.push("a")
    seen = net.watch()
    net.store.fail_tasks("", "t1", [("a", b"first"), ("a", b"second")])
    changes = seen.changes()
    assert changes["task:a"]["condition"] == "first"
    assert changes["failed"] == ["a"]
    assert changes["events"] == ["failed 1"]


def test_a_worker_cannot_fail_what_is_not_its_own(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push_running(net.worker("w2"), "theirs")
    net.push("queued")
    net.push_failed("failed")
    net.push_finished("finished")
    net.push_running(worker, "done")
    worker.finish_tasks("done", "Y", "")
    seen = net.watch()
    keys = ("theirs", "queued", "failed", "finished", "done")
    assert net.store.fail_tasks("w1", "t1", [(key, b"C") for key in keys]) == [0] * 5
    assert seen.changes() == {}


def test_a_manager_cannot_fail_what_is_settled(net: StoredNetwork) -> None:
    net.push_failed("failed")
    net.push_finished("finished")
    seen = net.watch()
    assert net.store.fail_tasks("", "t1", [("failed", b"C"), ("finished", b"C")]) == [0, 0]
    assert seen.changes() == {}


@pytest.mark.parametrize("max_attempts", [0, 2])
def test_a_lost_worker_cannot_fail_what_has_been_taken_from_it(
    net: StoredNetwork, max_attempts: int
) -> None:
    worker = net.worker()
    net.push_running(worker, "a")
    net.settle(worker, max_attempts=max_attempts)
    net.worker("w2").pop_task(0)
    seen = net.watch()
    assert net.store.fail_tasks("w1", "t2", [("a", b"C")]) == [0]
    assert seen.changes() == {}


def test_an_unknown_key_keeps_all_others_from_being_written(net: StoredNetwork) -> None:
    net.push_running(net.worker(), "a")
    net.push("b")
    seen = net.watch()
    tasks = [("a", b"C"), ("nobody", b"C"), ("b", b"C")]
    assert net.store.fail_tasks("", "t1", tasks)[1] == -1
    assert net.store.fail_tasks("w1", "t2", tasks)[1] == -1
    assert seen.changes() == {}


def test_a_loser_among_winners_writes_nothing_of_its_own(net: StoredNetwork) -> None:
    net.push_finished("x")
    net.push("a")
    seen = net.watch()
    assert net.store.fail_tasks("", "t1", [("x", b"C"), ("a", b"C")]) == [0, 1]
    assert sorted(seen.changes()) == ["events", "failed", "queue", "task:a"]


def test_a_failed_task_may_be_queued_run_and_failed_again(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a")
    net.store.fail_tasks("", "t1", [("a", b"first")])
    net.store.retry_tasks("t2", ["a"])
    worker.pop_task(0)
    assert net.store.fail_tasks("w1", "t3", [("a", b"second")]) == [1]
    assert net.client.hget(net.keys.task("a"), "condition") == b"second"
    assert net.store.indexes.task_keys("failed") == ["a"]


def test_thousands_of_tasks_fail_at_once(net: StoredNetwork) -> None:
    keys = [f"k{number}" for number in range(2500)]
    net.push(*keys)
    assert net.store.fail_tasks("", "t1", [(key, b"C") for key in keys]) == [1] * 2500
    assert net.store.indexes.count("queue") == 0
    assert net.store.indexes.task_keys("failed") == keys


def test_a_late_copy_does_not_fail_the_task_again_when_it_was_retried_since(
    net: StoredNetwork,
) -> None:
    net.store.push_tasks([("a", b"X", b"")])
    net.store.fail_tasks("", "f1", [("a", b"C")])
    net.store.retry_tasks("t1", ["a"])
    seen = net.watch()
    assert net.store.fail_tasks("", "f1", [("a", b"C")]) == [1]
    assert seen.changes() == {}


def test_a_queued_task_is_taken_from_the_pending_list_of_a_worker_that_has_ended(
    net: StoredNetwork,
) -> None:
    worker = net.worker()
    net.store.settle_worker(
        worker.worker_id, "s1", b"C", max_attempts=0, fail_pending=True, reason="lost"
    )
    net.store.push_tasks([("a", b"X", b"")])
    net.client.lmove(net.keys.queue, net.keys.worker(worker.worker_id).pending)
    assert net.store.fail_tasks("", "f1", [("a", b"C")]) == [1]
    assert net.client.exists(net.keys.worker(worker.worker_id).pending) == 0
