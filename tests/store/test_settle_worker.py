"""Terminating a worker and settling its tasks, in one step."""

from __future__ import annotations

from tests.store.contents import EARLIER, NOW
from tests.store.stored import StoredNetwork


def test_running_tasks_fail_and_popped_ones_go_back_to_the_front(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a", "b", "c", "d")
    net.push_running(worker, "r")
    net.move_to_pending(worker, 2)
    record = net.record(worker)
    seen = net.watch()
    assert net.settle(worker)
    assert net.reply == 1
    assert seen.changes() == {
        "task:r": {
            "state": "failed",
            "xs": "R",
            "attempt": "1",
            "created_at": EARLIER,
            "started_at": EARLIER,
            "worker_id": "w1",
            "condition": "lost",
            "finished_at": NOW,
            "failed_by": "t1",
        },
        "running": None,
        "failed": ["r"],
        "queue": ["a", "b", "c", "d"],
        "running_workers": None,
        "terminated_workers": {"w1"},
        "worker:w1": {
            **record,
            "started_at": EARLIER,
            "settled_by": "t1",
            "ended_at": NOW,
            "reason": "gone",
        },
        "worker:w1:tasks": None,
        "worker:w1:pending": None,
        "worker:w1:heartbeat": None,
        "events": ["worker 1 w1", "failed 1 w1", "queued 2 w1"],
    }


def test_a_worker_without_tasks_just_ends(net: StoredNetwork) -> None:
    worker = net.worker()
    net.worker("w2")
    net.push("q")
    record = net.record(worker)
    seen = net.watch()
    assert net.settle(worker)
    assert seen.changes() == {
        "running_workers": {"w2"},
        "terminated_workers": {"w1"},
        "worker:w1": {
            **record,
            "started_at": EARLIER,
            "settled_by": "t1",
            "ended_at": NOW,
            "reason": "gone",
        },
        "worker:w1:heartbeat": None,
        "events": ["worker 1 w1"],
    }


def test_tasks_below_the_most_attempts_are_queued_again(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push_running(worker, "first")
    net.push_failed("second")
    net.store.retry_tasks("t9", ["second"])
    worker.pop_task(0)
    net.push("q")
    seen = net.watch()
    assert net.settle(worker, max_attempts=2)
    changes = seen.changes()
    assert changes["task:first"] == {
        "state": "queued",
        "xs": "FIRST",
        "attempt": "2",
        "created_at": EARLIER,
    }
    assert changes["task:second"]["state"] == "failed"
    assert changes["task:second"]["attempt"] == "2"
    assert changes["queue"] == ["first", "q"]
    assert changes["failed"] == ["second"]
    assert changes["events"] == ["worker 1 w1", "failed 1 w1", "queued 1 w1"]


def test_requeued_tasks_come_first_in_their_order_of_starting(net: StoredNetwork) -> None:
    worker = net.worker()
    keys = ["k3", "k1", "k4", "k0", "k2"]
    net.push_running(worker, *keys[:2])
    net.push_running(worker, *keys[2:])
    net.push("popped", "q")
    net.move_to_pending(worker)
    net.settle(worker, max_attempts=9)
    assert net.store.indexes.task_keys("queue") == [*keys, "popped", "q"]
    assert net.store.indexes.task_keys("running") == []


def test_failed_tasks_follow_each_other_in_their_order_of_starting(net: StoredNetwork) -> None:
    worker = net.worker()
    keys = ["k3", "k1", "k4", "k0", "k2"]
    net.push_running(worker, *keys)
    net.settle(worker)
    first = int(net.client.hget(net.keys.task("k3"), "finished_at") or 0)
    assert net.client.zrange(net.keys.failed, 0, -1, withscores=True) == [
        (key.encode(), first + place) for place, key in enumerate(keys)
    ]


def test_popped_tasks_fail_where_asked_to(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a", "b", "c")
    net.move_to_pending(worker, 2)
    seen = net.watch()
    assert net.settle(worker, max_attempts=9, fail_pending=True)
    changes = seen.changes()
    assert changes["task:a"] == {
        "state": "failed",
        "xs": "A",
        "attempt": "1",
        "created_at": EARLIER,
        "condition": "lost",
        "finished_at": NOW,
        "failed_by": "t1",
    }
    assert changes["failed"] == ["a", "b"]
    assert changes["events"] == ["worker 1 w1", "failed 2 w1"]
    assert "queue" not in changes
    assert changes["worker:w1:pending"] is None


def test_popped_tasks_do_not_count_an_attempt(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a")
    net.move_to_pending(worker)
    before = net.client.hgetall(net.keys.task("a"))
    net.settle(worker, max_attempts=9)
    assert net.client.hgetall(net.keys.task("a")) == before


def test_the_repeat_succeeds_and_changes_nothing(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push_running(worker, "a")
    net.settle(worker, max_attempts=2)
    assert net.repeat() == (1, {})


def test_who_comes_second_changes_nothing(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push_running(worker, "a")
    net.settle(worker, max_attempts=2)
    seen = net.watch()
    assert not net.settle(worker, "t2")
    assert net.reply == 0
    assert seen.changes() == {}


def test_a_worker_that_nobody_knows_is_not_settled(net: StoredNetwork) -> None:
    worker = net.worker()
    net.store.reset("e2", workers=True)
    seen = net.watch()
    assert not net.settle(worker)
    assert seen.changes() == {}


def test_tasks_of_other_workers_are_left_alone(net: StoredNetwork) -> None:
    worker, other = net.worker(), net.worker("w2")
    net.push_running(worker, "a")
    net.push_running(other, "b")
    net.push("c")
    net.move_to_pending(other)
    seen = net.watch()
    net.settle(worker)
    changes = seen.changes()
    assert changes["running"] == ["b"]
    assert [name for name in changes if name in ("task:b", "task:c")] == []
    assert [name for name in changes if name.startswith("worker:w2")] == []


def test_finished_tasks_stay_finished(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push_running(worker, "a", "b")
    worker.finish_tasks("a", "Y", "")
    net.settle(worker)
    assert [net.state("a"), net.state("b")] == ["finished", "failed"]
    assert net.store.indexes.task_keys("finished") == ["a"]


def test_a_popped_task_that_has_failed_meanwhile_is_not_queued(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push_failed("a")
    net.client.rpush(net.keys.worker("w1").pending, "a", "nobody")
    seen = net.watch()
    net.settle(worker)
    changes = seen.changes()
    assert "task:a" not in changes
    assert "queue" not in changes
    assert changes["worker:w1:pending"] is None


def test_a_running_task_whose_hash_has_gone_does_not_stop_it_halfway(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push_running(worker, "a", "b", "c")
    net.client.delete(net.keys.task("a"))
    net.client.zrem(net.keys.running, "c")
    assert net.settle(worker)
    assert net.store.indexes.task_keys("running") == []
    assert net.store.indexes.task_keys("failed") == ["c", "b"]
    assert net.client.exists(net.keys.task("a"), net.keys.worker("w1").tasks) == 0


def test_thousands_of_tasks_are_settled_in_one_step(net: StoredNetwork) -> None:
    worker = net.worker()
    keys = [f"k{number}" for number in range(3000)]
    net.push_running(worker, *keys)
    net.settle(worker, max_attempts=2)
    assert net.store.indexes.task_keys("queue") == keys


def test_nothing_happens_while_the_lease_lasts_where_only_an_expired_one_counts(
    net: StoredNetwork,
) -> None:
    worker = net.worker()
    net.push_running(worker, "r")
    net.push("q")
    net.move_to_pending(worker)
    seen = net.watch()
    assert not net.settle(worker, only_expired=True)
    assert net.reply == 0
    assert seen.changes() == {}
    assert net.repeat() == (0, {})


def test_it_is_settled_once_its_lease_has_run_out(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push_running(worker, "r")
    net.push("q")
    net.move_to_pending(worker)
    net.lose(worker)
    record = net.record(worker)
    seen = net.watch()
    assert net.settle(worker, max_attempts=2, only_expired=True)
    assert net.reply == 1
    assert seen.changes() == {
        "task:r": {"state": "queued", "xs": "R", "attempt": "2", "created_at": EARLIER},
        "running": None,
        "queue": ["r", "q"],
        "running_workers": None,
        "terminated_workers": {"w1"},
        "worker:w1": {
            **record,
            "started_at": EARLIER,
            "settled_by": "t1",
            "ended_at": NOW,
            "reason": "gone",
        },
        "worker:w1:tasks": None,
        "worker:w1:pending": None,
        "events": ["worker 1 w1", "queued 2 w1"],
    }
    assert net.repeat() == (1, {})


def test_who_comes_second_for_an_expired_lease_changes_nothing(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push_running(worker, "a")
    net.lose(worker)
    net.settle(worker, max_attempts=2, only_expired=True)
    seen = net.watch()
    assert not net.settle(worker, "t2", only_expired=True)
    assert net.reply == 0
    assert seen.changes() == {}


def test_the_repeat_succeeds_after_another_worker_has_taken_the_task(net: StoredNetwork) -> None:
    worker, other = net.worker(), net.worker("w2")
    net.push_running(worker, "a")
    net.lose(worker)
    net.settle(worker, max_attempts=2, only_expired=True)
    again = net.channel.sent
    net.pop(other, 1)
    seen = net.watch()
    assert net.channel.run(again[0], *again[1]) == 1
    assert seen.changes() == {}
    assert net.state("a") == "running"


def test_requests_to_end_stay_for_who_renews_the_lease(net: StoredNetwork) -> None:
    worker = net.worker()
    net.store.stop_workers("kill", ["w1"])
    seen = net.watch()
    net.settle(worker)
    assert sorted(seen.changes()) == [
        *("events", "running_workers", "terminated_workers"),
        *("worker:w1", "worker:w1:heartbeat"),
    ]


def test_what_a_lost_worker_pops_when_it_comes_back_goes_to_the_front(net: StoredNetwork) -> None:
    worker = net.worker()
    net.settle(worker)
    net.push("a", "b", "c")
    net.move_to_pending(worker, 2)
    seen = net.watch()
    assert not net.settle(worker, "t2", only_expired=True)
    assert seen.changes() == {"queue": ["a", "b", "c"], "worker:w1:pending": None}


def test_what_it_pops_and_was_failed_meanwhile_does_not(net: StoredNetwork) -> None:
    worker = net.worker()
    net.settle(worker)
    net.push("a")
    net.move_to_pending(worker)
    net.client.hset(net.keys.task("a"), "state", "failed")
    seen = net.watch()
    assert not net.settle(worker, "t2")
    assert seen.changes() == {"worker:w1:pending": None}
