"""Storing tasks as a worker knows them, where the server went back to an earlier state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from rushtyped.lua import load_script
from rushtyped.worker_store import WorkerStore
from tests.store.contents import EARLIER, NOW
from tests.store.stored import StoredNetwork

Row = tuple[str, ...]


def finished(key: str, attempt: int = 1, *, xs: str = "X", ys: str = "Y") -> Row:
    """Say that a task has finished."""
    return key, "finished", str(attempt), xs, "", ys, ""


def failed(key: str, attempt: int = 1, *, xs: str = "X") -> Row:
    """Say that a task has failed."""
    return key, "failed", str(attempt), xs, "", "C", ""


def running(key: str, attempt: int = 1, *, xs: str = "X") -> Row:
    """Say that a task runs."""
    return key, "running", str(attempt), xs, "", "", ""


@pytest.fixture
def worker(net: StoredNetwork) -> WorkerStore:
    """A registered worker in a network that was joined."""
    net.store.join("1", "e1", b"schemas")
    return net.worker("w1")


def restore(net: StoredNetwork, rows: Sequence[Row], *, epoch: str = "e1") -> Any:
    """Send what the worker w1 knows."""
    keys = net.keys
    names = (
        *(keys.meta, keys.all, keys.queue, keys.running, keys.finished, keys.failed),
        *(keys.workers, keys.running_workers, keys.events),
    )
    arguments = (keys.prefix, "w1", epoch, "no slot", *(part for row in rows for part in row))
    return net.channel.run(load_script("restore_tasks"), len(names), *names, *arguments)


def test_unknown_tasks_are_created_as_they_are(net: StoredNetwork, worker: WorkerStore) -> None:
    seen = net.watch()
    full = ("a", "finished", "2", "XA", "EA", "YA", "FA")
    assert restore(net, [full, failed("b"), running("c")]) == [1, 1, 1]
    created = {"created_at": NOW, "started_at": NOW, "worker_id": "w1"}
    assert seen.changes() == {
        "task:a": {
            "state": "finished",
            "xs": "XA",
            "xs_extra": "EA",
            "ys": "YA",
            "ys_extra": "FA",
            "attempt": "2",
            "finished_at": NOW,
            **created,
        },
        "task:b": {
            "state": "failed",
            "xs": "X",
            "condition": "C",
            "attempt": "1",
            "finished_at": NOW,
            **created,
        },
        "task:c": {"state": "running", "xs": "X", "attempt": "1", **created},
        "all": ["a", "b", "c"],
        "finished": ["a"],
        "failed": ["b"],
        "running": ["c"],
        "worker:w1:tasks": {"c"},
        "events": ["failed 1 w1", "finished 1 w1", "running 1 w1"],
    }


def test_the_repeat_succeeds_and_changes_nothing(net: StoredNetwork, worker: WorkerStore) -> None:
    net.push_running(worker, "d")
    restore(net, [finished("a"), failed("b"), running("c"), finished("d", xs="")])
    assert net.repeat() == ([1, 1, 1, 1], {})


def test_a_running_task_of_the_worker_finishes(net: StoredNetwork, worker: WorkerStore) -> None:
    net.push_running(worker, "a", "b")
    seen = net.watch()
    assert restore(net, [finished("a"), running("b")]) == [1, 1]
    changes = seen.changes()
    assert changes["task:a"]["started_at"] == EARLIER
    assert changes["task:a"]["finished_at"] == NOW
    assert changes["running"] == ["b"]
    assert changes["worker:w1:tasks"] == {"b"}
    assert sorted(changes) == ["events", "finished", "running", "task:a", "worker:w1:tasks"]


def test_a_queued_task_is_taken_wherever_it_waits(net: StoredNetwork, worker: WorkerStore) -> None:
    net.push("a", "b", "c", "d")
    other = net.worker("w2")
    net.move_to_pending(other)
    net.move_to_pending(worker)
    seen = net.watch()
    assert restore(net, [running("a"), finished("b"), failed("c")]) == [1, 1, 1]
    changes = seen.changes()
    assert changes["queue"] == ["d"]
    assert changes["worker:w1:pending"] is None
    assert changes["worker:w2:pending"] is None
    assert changes["worker:w1:tasks"] == {"a"}
    assert (changes["running"], changes["finished"], changes["failed"]) == (["a"], ["b"], ["c"])


def test_a_result_wins_over_another_worker_that_runs_the_task(
    net: StoredNetwork, worker: WorkerStore
) -> None:
    other = net.worker("w2")
    net.push_running(other, "a")
    seen = net.watch()
    assert restore(net, [finished("a")]) == [1]
    changes = seen.changes()
    assert (changes["running"], changes["finished"]) == (None, ["a"])
    assert changes["worker:w2:tasks"] is None
    assert changes["task:a"]["worker_id"] == "w1"


@pytest.mark.parametrize("row", [failed("a"), running("a")])
def test_what_another_worker_runs_is_left_to_it_otherwise(
    net: StoredNetwork, worker: WorkerStore, row: Row
) -> None:
    net.push_running(net.worker("w2"), "a")
    seen = net.watch()
    assert restore(net, [row]) == [0]
    assert seen.changes() == {}


@pytest.mark.parametrize("row", [finished("a", ys="other"), failed("a", 9), running("a", 9)])
def test_a_finished_task_stays(net: StoredNetwork, worker: WorkerStore, row: Row) -> None:
    net.push_finished("a")
    seen = net.watch()
    assert restore(net, [row]) == [0]
    assert seen.changes() == {}


def test_a_result_wins_over_a_failure(net: StoredNetwork, worker: WorkerStore) -> None:
    net.push_running(worker, "a")
    net.settle(worker)
    seen = net.watch()
    assert restore(net, [finished("a")]) == [1]
    changes = seen.changes()
    assert (changes["failed"], changes["finished"]) == (None, ["a"])
    assert "condition" not in changes["task:a"]
    assert "failed_by" not in changes["task:a"]


def test_within_an_attempt_a_failure_stays(net: StoredNetwork, worker: WorkerStore) -> None:
    net.push_running(worker, "a")
    net.store.fail_tasks("", "t1", [("a", b"C")])
    seen = net.watch()
    assert restore(net, [running("a")]) == [0]
    assert seen.changes() == {}


def test_the_later_attempt_wins(net: StoredNetwork, worker: WorkerStore) -> None:
    net.push_running(net.worker("w2"), "a", "b")
    net.push_failed("f")
    assert restore(net, [running("a", 2), failed("b", 2), running("f", 2)]) == [1, 1, 1]
    stored = [net.client.hget(net.keys.task(key), "attempt") for key in "abf"]
    assert stored == [b"2", b"2", b"2"]
    assert net.store.indexes.task_keys("running") == ["a", "f"]
    assert net.store.indexes.task_keys("failed") == ["b"]
    seen = net.watch()
    assert restore(net, [running("a"), failed("a"), running("b")]) == [0, 0, 0]
    assert seen.changes() == {}


def test_a_task_without_known_xs_is_not_created(net: StoredNetwork, worker: WorkerStore) -> None:
    seen = net.watch()
    assert restore(net, [finished("a", xs="")]) == [0]
    assert seen.changes() == {}


def test_a_task_that_has_lost_its_hash_alone_is_listed_once(
    net: StoredNetwork, worker: WorkerStore
) -> None:
    net.push_running(worker, "a")
    net.client.delete(net.keys.task("a"))
    assert restore(net, [finished("a")]) == [1]
    indexes = net.store.indexes
    listed = [indexes.task_keys("all"), indexes.task_keys("finished"), indexes.task_keys("running")]
    assert listed == [["a"], ["a"], []]
    assert net.client.exists(net.keys.worker("w1").tasks) == 0


def test_a_worker_that_does_not_run_keeps_its_results_alone(
    net: StoredNetwork, worker: WorkerStore
) -> None:
    net.push("q")
    net.settle(worker)
    seen = net.watch()
    assert restore(net, [running("q"), running("r"), finished("s")]) == [0, 0, 1]
    assert sorted(seen.changes()) == ["all", "events", "finished", "task:s"]


def test_running_tasks_need_a_slot_of_the_budget(net: StoredNetwork, worker: WorkerStore) -> None:
    net.store.set_budget(3, None)
    net.push("q")
    net.push_running(net.worker("w2"), "x")
    rows = [finished("a"), running("b"), running("c"), running("q")]
    assert restore(net, rows) == [1, 1, 0, 0]
    assert [net.state(key) for key in "abcq"] == ["finished", "running", "failed", "queued"]
    assert net.client.hget(net.keys.task("c"), "condition") == b"no slot"
    assert restore(net, [finished("d"), finished("x")]) == [1, 1]
    assert net.store.indexes.count("finished") == 3


def test_after_a_reset_nothing_is_written(net: StoredNetwork, worker: WorkerStore) -> None:
    net.store.reset("e2", workers=False)
    seen = net.watch()
    assert restore(net, [finished("a"), running("b")]) == []
    assert seen.changes() == {}


def test_what_is_restored_vanishes_with_its_network(
    net: StoredNetwork, worker: WorkerStore
) -> None:
    net.client.hset(net.keys.meta, "expires_at", "99999999999999")
    restore(net, [finished("a"), failed("b"), running("c")])
    keys = net.keys
    names = (keys.all, keys.finished, keys.failed, keys.running, keys.worker("w1").tasks)
    for name in (*names, *(keys.task(key) for key in "abc")):
        assert net.client.pexpiretime(name) == 99999999999999
