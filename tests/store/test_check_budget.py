"""Looking how far a network is."""

from __future__ import annotations

import pytest

from rushtyped.store import Progress
from tests.store.stored import StoredNetwork


def test_a_fresh_network_has_nothing(net: StoredNetwork) -> None:
    seen = net.watch()
    progress = net.store.progress()
    assert net.reply == [b"0-0", 0, 0, 0, 0, 0, 0, b"", b"", b""]
    assert progress == Progress(b"0-0", False, 0, 0, 0, 0, 0, None, None, None)
    assert seen.changes() == {}


def test_every_state_is_counted(net: StoredNetwork) -> None:
    net.settle(net.worker("w3"))
    net.worker("w2")
    net.push("q1", "q2", "q3", "q4")
    net.push_running(net.worker(), "r1", "r2", "r3")
    net.push_finished("x1", "x2")
    net.push_failed("f1")
    event = net.client.xrevrange(net.keys.events, count=1)[0][0]
    assert net.store.progress() == Progress(
        event=event,
        spent=False,
        queued=4,
        running=3,
        finished=2,
        failed=1,
        running_workers=2,
        max_tasks=None,
        max_seconds=None,
        seconds=None,
    )


@pytest.mark.parametrize(("max_tasks", "spent"), [(3, False), (2, True), (1, True)])
def test_the_budget_of_tasks_is_spent_by_finished_ones(
    net: StoredNetwork, max_tasks: int, spent: bool
) -> None:
    net.store.set_budget(max_tasks, None)
    net.push_finished("x", "y")
    net.push_failed("f")
    progress = net.store.progress()
    assert progress.spent is spent
    assert progress.max_tasks == max_tasks


@pytest.mark.parametrize(("age", "spent"), [(99, False), (100, True)])
def test_the_budget_of_seconds_is_spent_by_time(net: StoredNetwork, age: int, spent: bool) -> None:
    net.store.set_budget(None, 100.0)
    net.push_running(net.worker(), "a")
    started_at = int(net.client.hget(net.keys.meta, "started_at") or 0)
    net.client.hset(net.keys.meta, "started_at", started_at - age * 1_000_000)
    progress = net.store.progress()
    assert progress.spent is spent
    assert progress.seconds is not None
    assert age <= progress.seconds < age + 1
    assert progress.max_tasks is None


def test_time_does_not_run_before_the_first_task(net: StoredNetwork) -> None:
    net.store.set_budget(None, 100.0)
    assert net.store.progress().seconds is None
