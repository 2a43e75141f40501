"""Looking whether a worker may go on."""

from __future__ import annotations

import pytest

from rushtyped.worker_store import Verdict
from tests.store.stored import StoredNetwork


def test_it_may_go_on_while_nothing_speaks_against_it(net: StoredNetwork) -> None:
    worker = net.worker()
    net.store.set_budget(2, 100.0)
    net.push_finished("x")
    seen = net.watch()
    assert worker.check() == (Verdict.GO, 1)
    assert net.reply == [0, 1]
    assert seen.changes() == {}


@pytest.mark.parametrize("how", ["terminate", "kill"])
def test_it_is_told_that_it_was_asked_to_stop(net: StoredNetwork, how: str) -> None:
    worker, other = net.worker(), net.worker("w2")
    net.store.stop_workers(how, ["w1"])
    assert worker.check() == (Verdict.STOPPED, 0)
    assert other.check() == (Verdict.GO, 0)


def test_it_is_told_that_the_budget_of_tasks_is_spent(net: StoredNetwork) -> None:
    worker = net.worker()
    net.store.set_budget(2, None)
    net.push_finished("x", "y")
    assert worker.check() == (Verdict.SPENT, 2)


@pytest.mark.parametrize(("age", "verdict"), [(0.4, Verdict.GO), (0.5, Verdict.SPENT)])
def test_it_is_told_that_the_time_is_up(net: StoredNetwork, age: float, verdict: Verdict) -> None:
    worker = net.worker()
    net.store.set_budget(None, 100.5)
    net.push_running(worker, "a")
    started_at = int(net.client.hget(net.keys.meta, "started_at") or 0)
    net.client.hset(net.keys.meta, "started_at", started_at - int((100 + age) * 1_000_000))
    assert worker.check() == (verdict, 0)


def test_time_does_not_run_before_the_first_task(net: StoredNetwork) -> None:
    worker = net.worker()
    net.store.set_budget(None, 0.000001)
    assert worker.check() == (Verdict.GO, 0)


def test_a_budget_of_nothing_is_spent_at_once(net: StoredNetwork) -> None:
    worker = net.worker()
    net.store.set_budget(0, None)
    assert worker.check() == (Verdict.SPENT, 0)


def test_it_is_told_that_it_was_declared_lost(net: StoredNetwork) -> None:
    worker = net.worker()
    net.settle(worker)
    assert worker.check() == (Verdict.LOST, 0)


def test_it_is_lost_when_a_reset_has_dropped_the_workers(net: StoredNetwork) -> None:
    worker = net.worker()
    net.store.reset("e2", workers=True)
    assert worker.check() == (Verdict.LOST, 0)
