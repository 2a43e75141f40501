"""Beginning a network anew, under the eyes of others."""

from __future__ import annotations

import pytest

from rushtyped import (
    BudgetSpentError,
    Network,
    UnknownTaskError,
    Worker,
    WorkerStoppedError,
    Xs,
    Ys,
)
from tests.contents import contents_of
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points

POINT = Params(x1=1.0, x2=2.0)


def names_left(network: ParamNetwork) -> list[str]:
    return sorted(key.decode().rpartition("}:")[2] for key in contents_of(network))


def test_a_reset_leaves_no_task_and_no_worker(network: ParamNetwork, worker: ParamWorker) -> None:
    network.push_tasks(points(2), xss_extra=[{"batch": 1}])
    network.push_failed_tasks(points(1))
    worker.push_running_tasks(points(1))
    network.write_hashes(weight=[1.0])
    network.reset()
    assert names_left(network) == ["events", "meta"]
    assert (network.tasks, network.worker_ids) == ([], [])


def test_a_large_network_is_swept_whole(network: ParamNetwork) -> None:
    network.push_finished_tasks(points(2500), [Scores(y=0.0)] * 2500)
    network.reset()
    assert names_left(network) == ["events", "meta"]


def test_a_reset_may_keep_the_workers(network: ParamNetwork, worker: ParamWorker) -> None:
    worker.push_running_tasks(points(2))
    network.push_tasks(points(1))
    network.reset(workers=False)
    assert network.tasks == []
    assert network.running_worker_ids == [worker.worker_id]
    assert worker.running_task(POINT).finish(Scores(y=0.0)) is True
    assert network.n_finished_tasks == 1


def test_tasks_can_be_pushed_after_a_reset(network: ParamNetwork) -> None:
    network.push_tasks(points(1))
    network.reset()
    keys = network.push_tasks(points(2))
    assert network.queued_tasks == keys


def test_a_reset_forgets_the_schemas(network: ParamNetwork, redis_url: str) -> None:
    class OtherXs(Xs):
        z: int

    class OtherYs(Ys):
        loss: float

    network.push_tasks(points(1))
    network.reset()
    other = Network[OtherXs, OtherYs](network.network_id, redis=redis_url)
    assert len(other.push_tasks([OtherXs(z=1)])) == 1


def test_the_budget_stays_and_its_clock_starts_anew(
    network: ParamNetwork, worker: ParamWorker, redis_url: str
) -> None:
    Network[Params, Scores](network.network_id, redis=redis_url, max_tasks=1)
    worker.running_task(POINT).finish(Scores(y=0.0))
    network.reset(workers=False)
    worker.running_task(POINT).finish(Scores(y=0.0))
    with pytest.raises(BudgetSpentError):
        worker.running_task(POINT)


def test_a_worker_of_before_is_lost(network: ParamNetwork, worker: ParamWorker) -> None:
    network.reset()
    before = contents_of(network)
    assert worker.terminated
    with pytest.raises(WorkerStoppedError):
        worker.running_task(POINT)
    assert worker.pop_task(timeout=10.0) is None
    assert contents_of(network) == before


def test_a_task_of_before_cannot_be_settled(
    network: ParamNetwork, worker: ParamWorker, warnings_seen: list[str]
) -> None:
    task = worker.running_task(POINT)
    network.reset(workers=False)
    before = contents_of(network)
    assert task.finish(Scores(y=0.0)) is False
    assert task.fail("late") is False
    assert contents_of(network) == before
    assert len(warnings_seen) == 2


def test_keys_of_before_are_dropped_with_a_warning(
    network: ParamNetwork, worker: ParamWorker, warnings_seen: list[str]
) -> None:
    keys = worker.push_running_tasks(points(1))
    network.reset(workers=False)
    assert worker.finish_tasks(keys, [Scores(y=0.0)]) == []
    assert warnings_seen == [f"Network {network.network_id} was reset: tasks of before are gone"]
    with pytest.raises(UnknownTaskError):
        worker.finish_tasks(keys, [Scores(y=0.0)])


def test_a_worker_id_is_free_again_after_a_reset(network: ParamNetwork, redis_url: str) -> None:
    Worker[Params, Scores](network.network_id, redis=redis_url, worker_id="first")
    network.reset()
    Worker[Params, Scores](network.network_id, redis=redis_url, worker_id="first")
    assert network.running_worker_ids == ["first"]


def test_names_of_extras_are_free_again_after_a_reset(network: ParamNetwork) -> None:
    network.push_tasks(points(1), xss_extra=[{"seconds": 1.0}])
    network.reset(workers=False)
    keys = network.push_finished_tasks(points(1), [Scores(y=0.0)], yss_extra=[{"seconds": 2.0}])
    assert network.finished_tasks == keys


def test_other_networks_are_untouched(network: ParamNetwork, redis_url: str) -> None:
    other = Network[Params, Scores](network.network_id + "0", redis=redis_url)
    keys = other.push_tasks(points(1))
    before = contents_of(other)
    network.reset()
    assert contents_of(other) == before
    assert other.queued_tasks == keys


def test_records_of_tasks_that_another_has_reset_are_unknown(
    network: ParamNetwork, redis_url: str
) -> None:
    keys = network.push_tasks(points(1))
    Network[Params, Scores](network.network_id, redis=redis_url).reset(workers=False)
    with pytest.raises(UnknownTaskError, match=keys[0]):
        network.read_tasks(keys)
