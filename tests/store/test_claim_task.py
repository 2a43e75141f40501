"""Popping: a queued task moves to a worker's own list, and becomes its running task."""

from __future__ import annotations

import pytest

from rushtyped.worker_store import Claimed, Started, Verdict, WorkerStore
from tests.store.contents import EARLIER, NOW
from tests.store.stored import JOINED, StoredNetwork, joined

NOTHING = [Verdict.GO, 0, b""]


def test_the_first_task_of_the_queue_becomes_running(net: StoredNetwork) -> None:
    worker = net.worker()
    net.store.push_tasks([("a", b"A", b"more"), ("b", b"B", b"")])
    record = net.record(worker)
    seen = net.watch()
    assert net.pop(worker, 1) == [Verdict.GO, 0, b"", b"a", b"A", b"more", b"1"]
    assert seen.changes() == {
        "task:a": {
            "state": "running",
            "xs": "A",
            "xs_extra": "more",
            "attempt": "1",
            "created_at": EARLIER,
            "started_at": NOW,
            "worker_id": "w1",
        },
        "queue": ["b"],
        "running": ["a"],
        "worker:w1:tasks": {"a"},
        "worker:w1": {
            **record,
            "started_at": EARLIER,
            "request": "1",
            "claimed": "a",
        },
        "events": ["running 1 w1"],
    }


def test_tasks_are_popped_in_the_order_in_which_they_were_pushed(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("b", "a")
    net.push("c")
    popped = [worker.pop_task(0).claimed for _ in range(3)]
    assert [task.key for task in popped if task] == ["b", "a", "c"]
    assert net.store.indexes.task_keys("running") == ["b", "a", "c"]
    assert net.store.indexes.task_keys("queue") == []


def test_a_task_without_extras_has_none(net: StoredNetwork) -> None:
    net.push("a")
    assert net.worker().pop_task(0).claimed == Claimed("a", b"A", None, 1)


def test_the_start_is_the_score(net: StoredNetwork) -> None:
    net.push("a")
    net.worker().pop_task(0)
    started = int(net.client.hget(net.keys.task("a"), "started_at") or 0)
    assert net.client.zscore(net.keys.running, "a") == started


def test_the_reply_counts_finished_tasks_and_attempts(net: StoredNetwork) -> None:
    net.push_finished("x", "y")
    net.push_failed("a")
    net.store.retry_tasks("t1", ["a"])
    net.worker().pop_task(0)
    assert net.reply == [Verdict.GO, 2, b"", b"a", b"X", None, b"2"]


def test_each_task_goes_to_one_worker(net: StoredNetwork) -> None:
    first, second = net.worker("w1"), net.worker("w2")
    net.push("a", "b")
    assert first.pop_task(0).claimed == Claimed("a", b"A", None, 1)
    assert second.pop_task(0).claimed == Claimed("b", b"B", None, 1)
    assert net.client.smembers(net.keys.worker("w1").tasks) == {b"a"}
    assert net.client.smembers(net.keys.worker("w2").tasks) == {b"b"}


def test_an_empty_queue_gives_nothing_and_changes_no_task(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push_finished("x")
    record = net.record(worker)
    seen = net.watch()
    assert worker.pop_task(0) == Started(Verdict.GO, 1, b"", 0, None)
    assert net.reply == [Verdict.GO, 1, b""]
    request = str(net.channel.sent[1][-1])
    assert seen.changes() == {
        "worker:w1": {**record, "started_at": EARLIER, "request": request, "claimed": ""}
    }
    assert net.repeat() == ([Verdict.GO, 1, b""], {})


def test_the_repeat_gives_the_same_task_and_changes_nothing(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a", "b")
    worker.pop_task(0)
    assert net.repeat() == ([Verdict.GO, 0, b"", b"a", b"A", None, b"1"], {})


def test_the_repeat_after_a_stop_still_gives_the_task(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a")
    net.pop(worker, 1)
    net.store.stop_workers("terminate", ())
    net.push_finished("x")
    assert net.claim(worker, 1) == [Verdict.STOPPED, 1, b"", b"a", b"A", None, b"1"]


def test_the_repeat_gives_nothing_when_the_task_has_gone_on(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a")
    net.pop(worker, 1)
    net.store.fail_tasks("", "t1", [("a", b"C")])
    net.push_finished("x")
    seen = net.watch()
    assert net.claim(worker, 1) == [Verdict.GO, 1, b""]
    assert seen.changes() == {}


def test_a_move_whose_claim_was_lost_is_claimed_by_the_repeat(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a", "b")
    net.move_to_pending(worker)
    assert net.claim(worker, 1) == [Verdict.GO, 0, b"", b"a", b"A", None, b"1"]
    assert net.store.indexes.task_keys("queue") == ["b"]
    assert net.client.exists(net.keys.worker("w1").pending) == 0


def test_the_oldest_of_several_pending_tasks_is_claimed_and_the_others_go_back_in_order(
    net: StoredNetwork,
) -> None:
    worker = net.worker()
    net.push("a", "b", "c", "d", "e")
    net.move_to_pending(worker, 4)
    seen = net.watch()
    assert net.claim(worker, 1)[3] == b"a"
    changes = seen.changes()
    assert changes["queue"] == ["b", "c", "d", "e"]
    assert changes["running"] == ["a"]
    assert changes["worker:w1:pending"] is None
    assert "task:b" not in changes


def test_a_late_old_request_puts_back_what_it_moved(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a", "b", "c")
    net.pop(worker, 1)
    net.pop(worker, 2)
    before = net.watch()
    net.move_to_pending(worker)
    assert net.claim(worker, 1) == NOTHING
    assert before.changes() == {}


def test_a_late_repeat_of_the_last_request_puts_back_what_it_moved(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a", "b", "c")
    net.pop(worker, 1)
    before = net.watch()
    net.move_to_pending(worker, 2)
    assert net.claim(worker, 1) == [Verdict.GO, 0, b"", b"a", b"A", None, b"1"]
    assert before.changes() == {}


def test_a_late_request_that_was_given_up_takes_no_task(net: StoredNetwork) -> None:
    worker = net.worker()
    assert net.pop(worker, 1) == NOTHING
    net.push("a", "b")
    before = net.watch()
    assert net.pop(worker, 1) == NOTHING
    assert before.changes() == {}
    assert net.pop(worker, 2)[3] == b"a"


@pytest.mark.parametrize("cause", ["stopped", "spent", "full"])
def test_a_late_request_that_was_denied_takes_no_task(net: StoredNetwork, cause: str) -> None:
    worker, other = net.worker(), net.worker("w2")
    net.push("a", "b")
    net.store.set_budget(1, None)
    if cause == "stopped":
        net.store.stop_workers("terminate", ["w1"])
    elif cause == "spent":
        net.push_finished("x")
    else:
        net.push_running(other, "x")
    assert net.pop(worker, 1)[0] != Verdict.GO
    net.client.delete(net.keys.worker("w1").terminate)
    net.store.set_budget(9, None)
    before = net.watch()
    assert len(net.pop(worker, 1)) == 3
    assert before.changes() == {}
    assert net.pop(worker, 2)[3] == b"a"


def test_requests_grow_with_every_pop_and_in_a_copy_of_the_worker(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a", "b", "c")
    copy = WorkerStore(net.store, "w1")
    popped = [popping.pop_task(0).claimed for popping in (worker, worker, copy)]
    assert [task.key for task in popped if task] == ["a", "b", "c"]


def test_requests_numbered_by_a_clock_in_microseconds_are_told_apart(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a", "b")
    assert net.pop(worker, 1_790_000_000_000_001)[3] == b"a"
    assert net.pop(worker, 1_790_000_000_000_002)[3] == b"b"
    assert net.record(worker)["request"] == "1790000000000002"


def test_a_pending_task_whose_hash_has_gone_is_forgotten(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a", "b", "c")
    net.move_to_pending(worker, 3)
    net.client.delete(net.keys.task("a"))
    assert net.claim(worker, 1)[3] == b"b"
    assert net.store.indexes.task_keys("queue") == ["c"]
    assert net.store.indexes.task_keys("running") == ["b"]
    assert net.client.exists(net.keys.worker("w1").pending) == 0
    assert net.client.exists(net.keys.task("a")) == 0


def test_a_queued_task_whose_hash_has_gone_is_forgotten(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a")
    net.client.delete(net.keys.task("a"))
    seen = net.watch()
    assert worker.pop_task(0).claimed is None
    changes = seen.changes()
    assert changes.pop("queue") is None
    assert set(changes) == {"worker:w1"}


def test_a_pending_task_that_a_manager_failed_is_not_claimed(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a", "b")
    net.move_to_pending(worker)
    assert net.store.fail_tasks("", "t1", [("a", b"C")]) == [1]
    assert net.client.exists(net.keys.worker("w1").pending) == 0
    seen = net.watch()
    assert net.claim(worker, 1) == NOTHING
    assert set(seen.changes()) == {"worker:w1"}


@pytest.mark.parametrize("stop", [False, True])
def test_a_task_that_is_pending_and_failed_goes_neither_way(net: StoredNetwork, stop: bool) -> None:
    worker = net.worker()
    net.push_failed("a")
    net.push("b")
    net.client.rpush(net.keys.worker("w1").pending, "a")
    if stop:
        net.store.stop_workers("terminate", ())
    reply = net.claim(worker, 1)
    assert len(reply) == 3
    assert net.store.indexes.task_keys("queue") == ["b"]
    assert net.state("a") == "failed"
    assert net.client.exists(net.keys.worker("w1").pending) == 0


def test_a_task_of_another_worker_is_not_claimed(net: StoredNetwork) -> None:
    worker, other = net.worker("w1"), net.worker("w2")
    net.push_running(other, "a")
    net.client.rpush(net.keys.worker("w1").pending, "a")
    assert net.claim(worker, 1) == NOTHING
    assert net.client.hget(net.keys.task("a"), "worker_id") == b"w2"
    assert net.store.indexes.task_keys("queue") == []


def test_a_stopped_worker_puts_everything_back(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a", "b", "c")
    net.store.stop_workers("terminate", ())
    before = net.watch()
    net.move_to_pending(worker, 2)
    assert net.claim(worker, 1) == [Verdict.STOPPED, 0, b""]
    assert set(before.changes()) == {"worker:w1"}


def test_a_stopped_worker_pops_nothing(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a", "b")
    net.store.stop_workers("terminate", ())
    seen = net.watch()
    assert worker.pop_task(0).verdict is Verdict.STOPPED
    assert set(seen.changes()) == {"worker:w1"}


def test_a_lost_worker_pops_nothing(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a", "b")
    net.settle(worker)
    seen = net.watch()
    assert worker.pop_task(0) == Started(Verdict.LOST, 0, b"", 0, None)
    assert net.reply == [Verdict.LOST, 0, b""]
    assert seen.changes() == {}


def test_a_stranger_pops_nothing_and_leaves_no_record(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a")
    net.store.reset("e2", workers=True)
    joined(net.store)
    net.push("b")
    seen = net.watch()
    assert worker.pop_task(0).verdict is Verdict.LOST
    assert seen.changes() == {}


def test_nothing_is_popped_when_the_budget_of_tasks_is_spent(net: StoredNetwork) -> None:
    worker = net.worker()
    net.store.set_budget(1, None)
    net.push_finished("x")
    net.push("a", "b")
    seen = net.watch()
    worker.pop_task(0)
    assert net.reply == [Verdict.SPENT, 1, b""]
    assert set(seen.changes()) == {"worker:w1"}


def test_nothing_is_popped_when_the_time_is_up(net: StoredNetwork) -> None:
    worker = net.worker()
    net.store.set_budget(None, 100.0)
    net.push("a", "b")
    worker.pop_task(0)
    started_at = int(net.client.hget(net.keys.meta, "started_at") or 0)
    net.client.hset(net.keys.meta, "started_at", started_at - 100_000_000)
    assert worker.pop_task(0).verdict is Verdict.SPENT
    assert net.store.indexes.task_keys("queue") == ["b"]


def test_slots_that_others_hold_are_waited_for_from_the_newest_event(net: StoredNetwork) -> None:
    net.store.set_budget(2, None)
    worker, other = net.worker(), net.worker("w2")
    net.push_finished("x")
    net.push_running(other, "y")
    net.push("a", "b")
    seen = net.watch()
    started = worker.pop_task(0)
    newest = net.client.xrevrange(net.keys.events, count=1)[0][0]
    assert net.reply == [Verdict.FULL, 1, newest]
    assert started == Started(Verdict.FULL, 1, newest, 0, None)
    assert set(seen.changes()) == {"worker:w1"}
    net.store.fail_tasks("w2", "t1", [("y", b"C")])
    assert worker.pop_task(0).claimed == Claimed("a", b"A", None, 1)


def test_the_clock_of_the_budget_begins_with_the_first_task(net: StoredNetwork) -> None:
    worker = net.worker()
    net.store.set_budget(None, 100.0)
    net.push("a", "b")
    seen = net.watch()
    worker.pop_task(0)
    assert seen.changes()["meta"] == {
        **JOINED,
        "max_seconds": "100.0",
        "started_at": NOW,
    }
    seen = net.watch()
    worker.pop_task(0)
    assert "meta" not in seen.changes()


def test_an_empty_queue_starts_no_clock(net: StoredNetwork) -> None:
    worker = net.worker()
    net.store.set_budget(None, 100.0)
    seen = net.watch()
    worker.pop_task(0)
    assert "meta" not in seen.changes()
