"""Creating running tasks of a worker, within the budget."""

from __future__ import annotations

import pytest

from rushtyped.worker_store import Verdict
from tests.store.contents import NOW
from tests.store.stored import JOINED, StoredNetwork


def test_the_worker_runs_the_tasks(net: StoredNetwork) -> None:
    worker = net.worker()
    seen = net.watch()
    worker.push_running_tasks("b", b"B", "", "a", b"A", b"more")
    assert net.reply == [Verdict.GO, 0, b""]
    assert seen.changes() == {
        "task:b": {
            "state": "running",
            "xs": "B",
            "attempt": "1",
            "created_at": NOW,
            "started_at": NOW,
            "worker_id": "w1",
        },
        "task:a": {
            "state": "running",
            "xs": "A",
            "xs_extra": "more",
            "attempt": "1",
            "created_at": NOW,
            "started_at": NOW,
            "worker_id": "w1",
        },
        "all": ["b", "a"],
        "running": ["b", "a"],
        "worker:w1:tasks": {"a", "b"},
        "events": ["running 2 w1"],
    }


def test_scores_follow_each_other_from_the_time_of_starting(net: StoredNetwork) -> None:
    net.push_running(net.worker(), "b", "a")
    started = [int(net.client.hget(net.keys.task(key), "started_at") or 0) for key in ("b", "a")]
    scores = net.client.zrange(net.keys.running, 0, -1, withscores=True)
    assert scores == [(b"b", started[0]), (b"a", started[0] + 1)]
    assert started[0] == started[1]


def test_the_reply_tells_how_many_tasks_are_finished(net: StoredNetwork) -> None:
    net.push_finished("x", "y", "z")
    worker = net.worker()
    started = worker.push_running_tasks("a", "A", "")
    assert started.verdict is Verdict.GO
    assert started.n_finished == 3


def test_the_repeat_changes_nothing(net: StoredNetwork) -> None:
    net.push_running(net.worker(), "a", "b")
    assert net.repeat() == ([Verdict.GO, 0, b""], {})


def test_the_repeat_is_no_second_request_for_slots(net: StoredNetwork) -> None:
    net.store.set_budget(2, None)
    net.push_running(net.worker(), "a", "b")
    assert net.repeat() == ([Verdict.GO, 0, b""], {})


def test_the_repeat_succeeds_when_a_stop_came_meanwhile(net: StoredNetwork) -> None:
    net.push_running(net.worker(), "a")
    again = net.channel.sent
    net.store.stop_workers("terminate", ())
    seen = net.watch()
    assert net.channel.run(again[0], *again[1]) == [Verdict.GO, 0, b""]
    assert seen.changes() == {}


def test_a_stopped_worker_starts_nothing(net: StoredNetwork) -> None:
    worker = net.worker()
    net.store.stop_workers("terminate", ())
    seen = net.watch()
    worker.push_running_tasks("a", "A", "")
    assert net.reply == [Verdict.STOPPED, 0, b""]
    assert seen.changes() == {}


def test_a_lost_worker_starts_nothing(net: StoredNetwork) -> None:
    worker = net.worker()
    net.settle(worker)
    seen = net.watch()
    worker.push_running_tasks("a", "A", "")
    assert net.reply == [Verdict.LOST, 0, b""]
    assert seen.changes() == {}


def test_a_lost_worker_is_told_so_rather_than_that_it_was_stopped(net: StoredNetwork) -> None:
    worker = net.worker()
    net.store.stop_workers("terminate", ())
    net.settle(worker)
    assert worker.push_running_tasks("a", "A", "").verdict is Verdict.LOST


def test_nothing_starts_when_the_budget_of_tasks_is_spent(net: StoredNetwork) -> None:
    worker = net.worker()
    net.store.set_budget(2, None)
    net.push_finished("x", "y")
    seen = net.watch()
    worker.push_running_tasks("a", "A", "")
    assert net.reply == [Verdict.SPENT, 2, b""]
    assert seen.changes() == {}


def test_more_than_is_left_of_the_budget_is_too_much(net: StoredNetwork) -> None:
    worker = net.worker()
    net.store.set_budget(3, None)
    net.push_finished("x")
    seen = net.watch()
    started = worker.push_running_tasks("a", "A", "", "b", "B", "", "c", "C", "")
    assert net.reply == [Verdict.EXCESS, 1, 2]
    assert started.verdict is Verdict.EXCESS
    assert started.left == 2
    assert seen.changes() == {}


def test_slots_that_others_hold_are_waited_for_from_the_newest_event(net: StoredNetwork) -> None:
    net.store.set_budget(3, None)
    net.push_running(net.worker("w2"), "x", "y")
    worker = net.worker()
    seen = net.watch()
    started = worker.push_running_tasks("a", "A", "", "b", "B", "")
    newest = net.client.xrevrange(net.keys.events, count=1)[0][0]
    assert net.reply == [Verdict.FULL, 0, newest]
    assert started.event == newest
    assert seen.changes() == {}


def test_the_last_slot_is_given_away(net: StoredNetwork) -> None:
    net.store.set_budget(3, None)
    net.push_finished("x")
    net.push_running(net.worker("w2"), "y")
    worker = net.worker()
    assert worker.push_running_tasks("a", "A", "").verdict is Verdict.GO
    assert worker.push_running_tasks("b", "B", "").verdict is Verdict.FULL


@pytest.mark.parametrize("end", ["fail", "settle"])
def test_a_failed_or_lost_task_frees_its_slot(net: StoredNetwork, end: str) -> None:
    net.store.set_budget(1, None)
    other, worker = net.worker("w2"), net.worker()
    net.push_running(other, "x")
    assert worker.push_running_tasks("a", "A", "").verdict is Verdict.FULL
    if end == "fail":
        net.store.fail_tasks("w2", "t1", [("x", b"C")])
    else:
        net.settle(other)
    assert worker.push_running_tasks("a", "A", "").verdict is Verdict.GO


def test_queued_and_failed_tasks_hold_no_slot(net: StoredNetwork) -> None:
    net.store.set_budget(1, None)
    net.push("x", "y")
    net.push_failed("z")
    assert net.worker().push_running_tasks("a", "A", "").verdict is Verdict.GO


def test_the_clock_of_the_budget_begins_with_the_first_task(net: StoredNetwork) -> None:
    worker = net.worker()
    net.store.set_budget(None, 100.0)
    seen = net.watch()
    net.push_running(worker, "a")
    assert seen.changes()["meta"] == {
        **JOINED,
        "max_seconds": "100.0",
        "started_at": NOW,
    }
    seen = net.watch()
    net.push_running(worker, "b")
    assert "meta" not in seen.changes()


def test_there_is_no_clock_without_a_budget_of_seconds(net: StoredNetwork) -> None:
    worker = net.worker()
    net.store.set_budget(10, None)
    seen = net.watch()
    net.push_running(worker, "a")
    assert "meta" not in seen.changes()


@pytest.mark.parametrize(("age", "verdict"), [(99.0, Verdict.GO), (100.0, Verdict.SPENT)])
def test_nothing_starts_when_the_time_is_up(
    net: StoredNetwork, age: float, verdict: Verdict
) -> None:
    worker = net.worker()
    net.store.set_budget(None, 100.0)
    net.push_running(worker, "x")
    started_at = int(net.client.hget(net.keys.meta, "started_at") or 0)
    net.client.hset(net.keys.meta, "started_at", started_at - int(age * 1_000_000))
    seen = net.watch()
    assert worker.push_running_tasks("a", "A", "").verdict is verdict
    assert (seen.changes() == {}) is (verdict is Verdict.SPENT)


def test_thousands_of_tasks_start_at_once(net: StoredNetwork) -> None:
    worker = net.worker()
    keys = [f"k{number}" for number in range(9000)]
    net.push_running(worker, *keys)
    assert net.store.indexes.task_keys("running") == keys
    assert net.store.indexes.task_keys("all") == keys
    assert net.client.scard(net.keys.worker("w1").tasks) == 9000
