"""Finishing the running tasks of a worker."""

from __future__ import annotations

from rushtyped.worker_store import Finished, Verdict
from tests.store.contents import EARLIER, NOW
from tests.store.stored import StoredNetwork


def test_a_running_task_becomes_finished(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push_running(worker, "a", "b")
    seen = net.watch()
    assert worker.finish_tasks("a", b"Y", "") == Finished(Verdict.GO, 1, [1])
    assert net.reply == [Verdict.GO, 1, 1]
    assert seen.changes() == {
        "task:a": {
            "state": "finished",
            "xs": "A",
            "ys": "Y",
            "attempt": "1",
            "created_at": EARLIER,
            "started_at": EARLIER,
            "finished_at": NOW,
            "worker_id": "w1",
        },
        "running": ["b"],
        "finished": ["a"],
        "worker:w1:tasks": {"b"},
        "events": ["finished 1 w1"],
    }


def test_several_finish_in_the_order_given(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push_finished("x")
    net.push_running(worker, "a", "b")
    seen = net.watch()
    assert worker.finish_tasks("b", "YB", "", "a", "YA", "EA") == Finished(Verdict.GO, 3, [1, 1])
    changes = seen.changes()
    assert changes["finished"] == ["x", "b", "a"]
    assert changes["running"] is None
    assert changes["worker:w1:tasks"] is None
    assert changes["events"] == ["finished 2 w1"]
    assert "ys_extra" not in changes["task:b"]
    assert changes["task:a"]["ys"] == "YA"
    assert changes["task:a"]["ys_extra"] == "EA"
    assert sorted(changes) == ["events", "finished", "running", "task:a", "task:b", *TASKS]


TASKS = ["worker:w1:tasks"]


def test_the_repeat_succeeds_and_changes_nothing(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push_running(worker, "a", "b", "c")
    worker.finish_tasks("a", "Y", "", "b", "Y", "E")
    assert net.repeat() == ([Verdict.GO, 2, 1, 1], {})


def test_the_same_key_twice_finishes_once(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push_running(worker, "a")
    seen = net.watch()
    worker.finish_tasks("a", "first", "", "a", "second", "")
    changes = seen.changes()
    assert changes["finished"] == ["a"]
    assert changes["task:a"]["ys"] == "first"
    assert changes["events"] == ["finished 1 w1"]


def test_another_result_for_a_finished_task_changes_nothing(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push_running(worker, "a")
    worker.finish_tasks("a", "Y", "E")
    seen = net.watch()
    assert worker.finish_tasks("a", "other", "E").moved == [0]
    assert worker.finish_tasks("a", "Y", "other").moved == [0]
    assert worker.finish_tasks("a", "Y", "").moved == [0]
    assert seen.changes() == {}


def test_a_task_of_another_worker_is_left_alone(net: StoredNetwork) -> None:
    worker, other = net.worker(), net.worker("w2")
    net.push_running(other, "a")
    seen = net.watch()
    assert worker.finish_tasks("a", "Y", "") == Finished(Verdict.GO, 0, [0])
    assert seen.changes() == {}


def test_a_task_that_another_worker_finished_is_no_repeat(net: StoredNetwork) -> None:
    worker, other = net.worker(), net.worker("w2")
    net.push_running(other, "a")
    other.finish_tasks("a", "Y", "")
    seen = net.watch()
    assert worker.finish_tasks("a", "Y", "").moved == [0]
    assert seen.changes() == {}


def test_queued_failed_and_finished_tasks_are_left_alone(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("queued")
    net.push_failed("failed")
    net.push_finished("finished")
    net.push_running(worker, "mine")
    net.store.fail_tasks("w1", "t1", [("mine", b"C")])
    seen = net.watch()
    rows = [part for key in ("queued", "failed", "finished", "mine") for part in (key, "Y", "")]
    assert worker.finish_tasks(*rows) == Finished(Verdict.GO, 1, [0, 0, 0, 0])
    assert seen.changes() == {}


def test_an_unknown_key_keeps_all_others_from_being_written(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push_running(worker, "a", "b")
    seen = net.watch()
    finished = worker.finish_tasks("a", "Y", "", "nobody", "Y", "", "b", "Y", "")
    assert finished.moved[1] == -1
    assert finished.n_finished == 0
    assert seen.changes() == {}


def test_a_loser_among_winners_writes_nothing_of_its_own(net: StoredNetwork) -> None:
    worker, other = net.worker(), net.worker("w2")
    net.push_running(other, "theirs")
    net.push_running(worker, "mine")
    seen = net.watch()
    assert worker.finish_tasks("theirs", "Y", "E", "mine", "Y", "").moved == [0, 1]
    assert sorted(seen.changes()) == ["events", "finished", "running", "task:mine", *TASKS]


def test_a_lost_worker_cannot_finish_what_has_been_taken_from_it(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push_running(worker, "a")
    net.settle(worker)
    seen = net.watch()
    assert worker.finish_tasks("a", "Y", "") == Finished(Verdict.LOST, 0, [0])
    assert seen.changes() == {}


def test_a_lost_worker_cannot_finish_what_another_one_runs_again(net: StoredNetwork) -> None:
    worker, other = net.worker(), net.worker("w2")
    net.push_running(worker, "a")
    net.settle(worker, max_attempts=2)
    other.pop_task(0)
    seen = net.watch()
    assert worker.finish_tasks("a", "Y", "") == Finished(Verdict.LOST, 0, [0])
    assert seen.changes() == {}
    assert other.finish_tasks("a", "Y", "") == Finished(Verdict.GO, 1, [1])


def test_a_stopped_worker_may_finish_and_is_told(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push_running(worker, "a")
    net.store.stop_workers("terminate", ())
    assert worker.finish_tasks("a", "Y", "") == Finished(Verdict.STOPPED, 1, [1])
    assert net.state("a") == "finished"


def test_the_last_task_of_the_budget_tells_that_it_is_spent(net: StoredNetwork) -> None:
    worker = net.worker()
    net.store.set_budget(2, None)
    net.push_running(worker, "a", "b")
    assert worker.finish_tasks("a", "Y", "") == Finished(Verdict.GO, 1, [1])
    assert worker.finish_tasks("b", "Y", "") == Finished(Verdict.SPENT, 2, [1])


def test_thousands_of_tasks_finish_at_once(net: StoredNetwork) -> None:
    worker = net.worker()
    keys = [f"k{number}" for number in range(9000)]
    net.push_running(worker, *keys)
    finished = worker.finish_tasks(*(part for key in keys for part in (key, "Y", "")))
    assert finished == Finished(Verdict.GO, 9000, [1] * 9000)
    assert net.store.indexes.task_keys("finished") == keys
    assert net.store.indexes.count("running") == 0
    assert net.client.exists(net.keys.worker("w1").tasks) == 0
