"""What the checkers accept as generic helpers, subclasses and generic models works at run time."""

from __future__ import annotations

import pickle
from typing import Any

import cloudpickle
import pytest

from rushtyped import AnyExtra, InvalidTypeError, Network, TaskState, Worker
from tests.typing.right import generic_helpers, generic_models, subclasses, typed_extras
from tests.typing.right.generic_helpers import Params, Scores

HelperNetwork = Network[Params, Scores]


def work_off(network: Any, loop: Any, keys: list[str]) -> None:
    """Have one worker evaluate the tasks."""
    network.wait_for_workers(worker_ids=network.start_local_workers(loop, n_workers=1))
    network.wait_for_tasks(keys, timeout=60.0)


@pytest.fixture
def network(redis_url: str, network_id: str) -> HelperNetwork:
    return HelperNetwork(network_id, redis=redis_url)


def test_helpers_read_what_was_pushed(network: HelperNetwork) -> None:
    assert generic_helpers.best(network, "y") is None
    network.push_finished_tasks([Params(x=1), Params(x=2)], [Scores(y=5), Scores(y=3)])
    assert generic_helpers.best(network, "y") == Params(x=2)
    records = generic_helpers.records(network, ["xs", "times"])
    assert [record.ys for record in records] == [Scores(y=5), Scores(y=3)]


def test_a_helper_with_type_variables_of_its_own_pushes_and_reads(network: HelperNetwork) -> None:
    record = generic_helpers.push_and_record(network, Params(x=1))
    assert (record.xs, record.state) == (Params(x=1), TaskState.QUEUED)


def test_a_helper_keeps_the_type_of_extras(redis_url: str, network_id: str) -> None:
    origin = generic_helpers.Origin(batch=3)
    network = Network[Params, Scores, generic_helpers.Origin](network_id, redis=redis_url)
    xss = [Params(x=1), Params(x=2)]
    assert generic_helpers.with_origins(network, xss, origin) == [origin, origin]


def test_helpers_run_and_work_off_tasks(network: HelperNetwork, redis_url: str) -> None:
    worker = Worker[Params, Scores](network.network_id, redis=redis_url)
    assert generic_helpers.repeat(worker, Params(x=1), Scores(y=1))
    network.push_tasks([Params(x=2), Params(x=3)])
    assert generic_helpers.work_off(worker, generic_helpers.double) == 2
    assert network.fetch_finished_tasks()["y"].to_list() == [1.0, 4.0, 6.0]


def test_a_helper_starts_workers(network: HelperNetwork) -> None:
    with network:
        results = generic_helpers.evaluate_all(network, generic_helpers.loop, [Params(x=4)])
    assert results == [(Params(x=4), Scores(y=8))]


def test_a_subclass_of_a_network_pushes_reads_and_starts_workers(
    redis_url: str, network_id: str
) -> None:
    with subclasses.Study(network_id, redis=redis_url) as study:
        keys = study.ask(-2, 1)
        work_off(study, subclasses.loop, keys)
        assert study.best() == subclasses.Params(x=1)
    joined = subclasses.SortedArchive(network_id, redis=redis_url)
    assert joined.best() == subclasses.Params(x=1)
    archive = subclasses.Archive[subclasses.Params, subclasses.Scores](network_id, redis=redis_url)
    expected = [(-2.0, 4.0), (1.0, 1.0)]
    assert sorted((xs.x, ys.y) for xs, ys in archive.results()) == expected
    renamed = subclasses.Renamed[subclasses.Params, subclasses.Scores](network_id, redis=redis_url)
    assert renamed.first() == subclasses.Params(x=-2)


def test_a_subclass_may_have_options_of_its_own(redis_url: str, network_id: str) -> None:
    batches = subclasses.Batches(network_id, redis=redis_url, batch=7)
    (key,) = batches.ask(1.0)
    assert batches.read_tasks([key])[0].xs_extra == subclasses.Origin(batch=7)


def test_a_subclass_of_a_worker_works_off_a_queue(redis_url: str, network_id: str) -> None:
    study = subclasses.Study(network_id, redis=redis_url)
    study.ask(3, 2)
    evaluator = subclasses.Evaluator(network_id, redis=redis_url)
    assert evaluator.work_off() == 2
    assert study.fetch_finished_tasks()["y"].to_list() == [9.0, 4.0]
    assert subclasses.count(evaluator) == subclasses.count(study) == 2


@pytest.mark.parametrize("pickler", [pickle, cloudpickle])
def test_pickled_subclasses_are_what_they_were(
    redis_url: str, network_id: str, pickler: Any
) -> None:
    study = subclasses.Study(network_id, redis=redis_url)
    batches = subclasses.Batches(f"{network_id}.b", redis=redis_url, batch=7)
    archive = subclasses.Archive[subclasses.Params, subclasses.Scores](network_id, redis=redis_url)
    study.ask(3)
    for network in (study, archive):
        copy = pickle.loads(pickler.dumps(network))
        assert type(copy) is type(network)
        assert copy.queued_tasks == network.queued_tasks == study.tasks
    assert pickle.loads(pickler.dumps(batches)).batch == 7


def test_a_bound_subclass_is_not_subscripted_again() -> None:
    kind: Any = subclasses.Study
    with pytest.raises(InvalidTypeError, match="Study has its models already"):
        kind[Params, Scores]


def test_generic_models_are_pushed_evaluated_and_read(redis_url: str, network_id: str) -> None:
    with Network[generic_models.Params, generic_models.Scores[float]](
        network_id, redis=redis_url
    ) as network:
        keys = network.push_tasks([generic_models.Params(x=1.5)])
        work_off(network, generic_models.loop, keys)
        assert network.read_tasks(keys)[0].ys == generic_models.Scores[float](y=1.5)


def test_generic_models_of_every_group_can_be_mixed(redis_url: str, network_id: str) -> None:
    origin = generic_models.Origin[str](batch="a")
    with generic_models.PairNetwork(network_id, redis=redis_url) as network:
        keys = network.push_tasks([generic_models.Point[int](at=3)], xss_extra=[origin])
        work_off(network, generic_models.loop_of_pairs, keys)
        record = network.read_tasks(keys)[0]
    assert record.ys == generic_models.Pair[str, list[float]](first="3", second=[0.5])
    assert record.xs_extra == origin


def test_declared_extras_come_back_as_their_models(redis_url: str, network_id: str) -> None:
    xs, origin = typed_extras.Params(x=1), typed_extras.Origin(batch=1, proposer="grid")
    with typed_extras.BothNetwork(network_id, redis=redis_url) as network:
        keys = network.push_tasks([xs], xss_extra=[origin])
        work_off(network, typed_extras.loop, keys)
        record = network.read_tasks(keys)[0]
    assert record.xs_extra == origin
    assert record.ys_extra == typed_extras.Timing(seconds=0.5)


def test_undeclared_extras_are_free_in_form(network: HelperNetwork) -> None:
    (key,) = network.push_tasks([Params(x=1)], xss_extra=[{"batch": 1}])
    extra = network.read_tasks([key])[0].xs_extra
    assert isinstance(extra, AnyExtra)
    assert extra.model_dump() == {"batch": 1}
