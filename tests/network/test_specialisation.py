"""`Network[Params, Scores]`: a class that carries its models."""

from __future__ import annotations

import pickle
from typing import Any

import cloudpickle
import pytest

from rushtyped import (
    AnyExtra,
    ColumnCollisionError,
    InvalidTypeError,
    Network,
    Tasks,
    UnsupportedFieldError,
    Worker,
    X,
    Xs,
    Y,
    Ys,
)
from tests.models import ParamNetwork, Params, ParamWorker, Scores, Start, Timing, points


class Study(Network[Params, Scores]):
    """A network whose models are bound once and for all."""

    def best(self) -> float:
        return float(self.fetch_finished_tasks()["y"].min())  # type: ignore[arg-type]  # Polars: of any dtype


class KindOfNetwork(Network[X, Y]):
    """A network that leaves its models open."""


def push_one(network: Network[X, Y], xs: X) -> str:
    return network.push_tasks([xs])[0]


def results(tasks: Tasks[X, Y], keys: list[str]) -> list[Y | None]:
    return [record.ys for record in tasks.read_tasks(keys)]


def test_a_specialisation_is_made_once() -> None:
    assert Network[Params, Scores] is Network[Params, Scores]
    assert Network[Params, Scores] is Network[Params, Scores, AnyExtra, AnyExtra]
    assert Network[Params, Scores] is not Worker[Params, Scores]  # type: ignore[comparison-overlap]
    assert issubclass(Network[Params, Scores], Network)


def test_its_name_shows_the_models() -> None:
    assert Network[Params, Scores].__name__ == "Network[Params, Scores]"
    named = Network[Params, Scores, Start, Timing].__name__
    assert named == "Network[Params, Scores, Start, Timing]"


@pytest.mark.parametrize("pickler", [pickle, cloudpickle])
def test_a_specialisation_can_be_pickled(pickler: Any) -> None:
    for kind in (Network[Params, Scores], Worker[Params, Scores, Start, Timing], Study):
        assert pickle.loads(pickler.dumps(kind)) is kind


def test_a_local_model_can_be_pickled_with_cloudpickle() -> None:
    class LocalXs(Xs):
        z: float

    local = Network[LocalXs, Scores]
    copy = pickle.loads(cloudpickle.dumps(local))
    assert copy.__name__ == "Network[LocalXs, Scores]"
    assert copy.models.xs(z=1.0).z == 1.0


def test_a_subclass_keeps_the_models(redis_url: str, network_id: str) -> None:
    study = Study(network_id, redis=redis_url)
    study.push_finished_tasks(points(2), [Scores(y=3.0), Scores(y=2.0)])
    assert study.best() == 2.0
    assert isinstance(study, Network)


def test_an_open_subclass_gets_its_models_later(redis_url: str, network_id: str) -> None:
    network = KindOfNetwork[Params, Scores](network_id, redis=redis_url)
    assert isinstance(network, KindOfNetwork)
    keys = network.push_tasks(points(1))
    assert network.queued_tasks == keys
    assert pickle.loads(pickle.dumps(type(network))) is type(network)


def test_generic_helpers_work_with_any_models(network: ParamNetwork, worker: ParamWorker) -> None:
    key = push_one(network, Params(x1=1.0, x2=2.0))
    for task in worker.queue(timeout=0.0):
        task.finish(Scores(y=6.0))
    assert results(network, [key]) == [Scores(y=6.0)]
    assert results(worker, [key]) == [Scores(y=6.0)]


def test_a_network_without_models_is_refused(redis_url: str, network_id: str) -> None:
    with pytest.raises(InvalidTypeError, match=r"Network needs its models: Network\[Params"):
        Network(network_id, redis=redis_url)
    with pytest.raises(InvalidTypeError, match=r"Worker needs its models: Worker\[Params"):
        Worker(network_id, redis=redis_url)
    with pytest.raises(InvalidTypeError, match="KindOfNetwork needs its models"):
        KindOfNetwork(network_id, redis=redis_url)


def test_models_in_the_wrong_order_are_refused() -> None:
    kind: Any = Network
    with pytest.raises(InvalidTypeError, match="expected a subclass of Xs, got Scores"):
        kind[Scores, Params]
    with pytest.raises(InvalidTypeError, match="expected a subclass of Extra, got Params"):
        kind[Params, Scores, Params]


@pytest.mark.parametrize("parameters", [(int, Scores), (Params, dict), (Params, Scores, str)])
def test_what_is_no_model_is_refused(parameters: tuple[type, ...]) -> None:
    kind: Any = Network
    with pytest.raises(InvalidTypeError, match="expected a subclass of"):
        kind[parameters]


@pytest.mark.parametrize("parameters", [Params, (Params, Scores, Start, Timing, Timing)])
def test_a_wrong_number_of_models_is_refused(parameters: Any) -> None:
    kind: Any = Network
    with pytest.raises(InvalidTypeError, match=r"but got \d parameters"):
        kind[parameters]


def test_a_second_subscript_is_refused() -> None:
    kind: Any = Network[Params, Scores]
    with pytest.raises(InvalidTypeError, match="has its models already"):
        kind[Params, Scores]


def test_a_column_of_two_models_is_refused() -> None:
    class Colliding(Ys):
        x1: float

    with pytest.raises(ColumnCollisionError, match=r"'x1' is declared twice.*Params\.x1"):
        Network[Params, Colliding]


@pytest.mark.parametrize("name", ["key", "state", "worker_id", "condition", "created_at"])
def test_a_reserved_column_is_refused(name: str) -> None:
    reserved: Any = type("Reserved", (Xs,), {"__annotations__": {name: float}})
    with pytest.raises(ColumnCollisionError, match=f"reserved column name '{name}'"):
        Network[reserved, Scores]


def test_an_annotation_without_a_column_is_refused() -> None:
    class Unsupported(Xs):
        stage: complex

    with pytest.raises(UnsupportedFieldError, match="stage"):
        Network[Unsupported, Scores]
