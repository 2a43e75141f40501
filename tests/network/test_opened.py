"""A network that is joined without its models: everything that is stored is shown as it is."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, create_model

from rushtyped import (
    Extra,
    InvalidArgumentError,
    InvalidNetworkIdError,
    InvalidTypeError,
    Network,
    SchemaMismatchError,
    ServerUnreachableError,
    UnknownNetworkError,
    Worker,
    Xs,
    Ys,
)
from rushtyped.selection import ALL_FIELDS
from tests.annotations import CASES, equal
from tests.contents import contents_of
from tests.models import ParamNetwork, Params, ParamWorker, Scores, Start, Timing, points


def test_frames_are_those_of_whoever_declares_the_models(
    network: ParamNetwork, worker: ParamWorker, redis_url: str
) -> None:
    network.push_tasks(points(3), xss_extra=[{"batch": 1}])
    with worker.running_task(points(1)[0]) as task:
        task.finish(Scores(y=0.5), ys_extra={"seconds": 2.0})
    network.push_failed_tasks(points(1), conditions="diverged")
    opened = Network.open(network.network_id, redis=redis_url)
    assert opened.fetch_tasks(fields=ALL_FIELDS).equals(network.fetch_tasks(fields=ALL_FIELDS))
    assert opened.fetch_finished_tasks().equals(network.fetch_finished_tasks())
    assert opened.fetch_tasks_with_state().equals(network.fetch_tasks_with_state())
    assert opened.worker_info.drop("heartbeat").equals(network.worker_info.drop("heartbeat"))
    assert repr(opened) == repr(network)


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_every_annotation_is_read_and_written_without_its_model(
    redis_url: str, network_id: str
) -> None:
    fields: dict[str, Any] = {f"f{i}": (case.annotation, ...) for i, case in enumerate(CASES)}
    model = create_model("Everything", __base__=Xs, **fields)
    declared: Any = Network[model, Scores](network_id, redis=redis_url)  # type: ignore[valid-type]  # made here
    values = [{f"f{i}": case.values.example() for i, case in enumerate(CASES)} for _ in range(5)]
    keys = declared.push_tasks([model(**each) for each in values])
    opened = Network.open(network_id, redis=redis_url)
    frame = declared.fetch_tasks()
    assert opened.fetch_tasks().schema == frame.schema
    assert opened.fetch_tasks().equals(frame)
    again = opened.push_tasks([record.xs for record in opened.read_tasks(keys)])
    for record, each in zip(declared.read_tasks(again), values, strict=True):
        assert equal(record.xs, model(**each))


def test_declared_extras_and_missing_groups_are_shown(redis_url: str, network_id: str) -> None:
    typed = Network[Params, Scores, Start, Timing](network_id, redis=redis_url)
    typed.push_tasks(points(1), xss_extra=[Start(batch=3)])
    typed.push_finished_tasks(points(1), [Scores(y=1.0)])
    opened = Network.open(network_id, redis=redis_url)
    assert opened.fetch_tasks().equals(typed.fetch_tasks())
    queued, finished = opened.read_tasks(opened.tasks)
    assert queued.xs_extra is not None
    assert (queued.xs_extra.model_dump(), queued.ys) == ({"batch": 3}, None)
    assert finished.ys is not None
    assert (finished.ys.model_dump(), finished.xs_extra) == ({"y": 1.0}, None)


class Point(BaseModel):
    x: float
    label: str | None = None


class WideParams(Xs):
    """Params with fields that came later."""

    x1: float
    x2: float
    at: Annotated[list[Point], Field(max_length=3, default_factory=list)]
    weights: Annotated[dict[str, float], Field(default_factory=dict)]


def test_rows_from_before_a_field_was_added_have_null(
    network: ParamNetwork, redis_url: str
) -> None:
    network.push_tasks(points(1))
    wide = Network[WideParams, Scores](network.network_id, redis=redis_url)
    wide.push_tasks([WideParams(x1=1.0, x2=2.0, at=[Point(x=1.0)], weights={"a": 0.5})])
    opened = Network.open(network.network_id, redis=redis_url)
    frame = opened.fetch_tasks()
    assert frame.columns[:5] == ["key", "x1", "x2", "at", "weights"]
    assert frame["at"].to_list() == [None, [{"x": 1.0, "label": None}]]
    assert frame["weights"].to_list() == [None, [{"key": "a", "value": 0.5}]]
    assert opened.read_tasks(opened.tasks)[0].xs.model_dump() == {
        "x1": 0.0,
        "x2": 0.0,
        "at": None,
        "weights": None,
    }


def test_tasks_are_failed_and_retried_and_pushed_again(
    network: ParamNetwork, redis_url: str
) -> None:
    keys = network.push_tasks(points(2))
    opened = Network.open(network.network_id, redis=redis_url)
    assert opened.fail_tasks(keys) == keys
    assert opened.retry_tasks(keys[:1]) == keys[:1]
    (failed,) = opened.read_tasks(keys[1:])
    (again,) = opened.push_tasks([failed.xs])
    assert network.read_tasks([again])[0].xs == points(2)[1]


def test_opening_writes_nothing(network: ParamNetwork, redis_url: str) -> None:
    before = contents_of(network)
    opened = Network.open(network.network_id, redis=redis_url)
    pickle.loads(pickle.dumps(opened)).fetch_tasks()
    assert contents_of(network) == before


def test_it_outlives_a_reset_that_keeps_the_schemas(network: ParamNetwork, redis_url: str) -> None:
    opened = Network.open(network.network_id, redis=redis_url)
    network.push_finished_tasks(points(1), [Scores(y=1.0)])
    assert opened.fetch_finished_tasks().height == 1
    network.reset(workers=False)
    network.push_finished_tasks(points(2), [Scores(y=1.0)] * 2)
    assert opened.fetch_finished_tasks().height == 2


def test_a_network_that_nobody_has_created_is_named(redis_url: str, network_id: str) -> None:
    with pytest.raises(UnknownNetworkError, match=f"no network '{network_id}' on .*: check"):
        Network.open(network_id, redis=redis_url)
    with pytest.raises(InvalidArgumentError):
        Network.open(network_id, redis=redis_url)


def test_wrong_arguments_of_open_are_named(redis_url: str) -> None:
    with pytest.raises(InvalidNetworkIdError):
        Network.open("a b", redis=redis_url)
    with pytest.raises(InvalidArgumentError, match="retry_timeout"):
        Network.open("a", redis=redis_url, retry_timeout=-1.0)
    with pytest.raises(ServerUnreachableError):
        Network.open("a", redis="unix:///nowhere/redis.sock")


def test_another_wire_format_is_not_opened(network: ParamNetwork, redis_url: str) -> None:
    network.connector.hset(f"rush:{{{network.network_id}}}:meta", "version", "2")
    with pytest.raises(SchemaMismatchError, match="version '2' of the wire format"):
        Network.open(network.network_id, redis=redis_url)


def test_a_type_with_models_is_not_opened_without_them(
    network: ParamNetwork, redis_url: str
) -> None:
    with pytest.raises(InvalidTypeError, match=r"Network\[Params, Scores\] has some"):
        Network[Params, Scores].open(network.network_id, redis=redis_url)


class OtherParams(Xs):
    x1: float
    x2: float


def wait_for_nothing(worker: Worker[Params, Scores]) -> None:
    raise NotImplementedError


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "call",
    [
        lambda opened: opened.start_local_workers(wait_for_nothing, n_workers=1),
        lambda opened: opened.worker_script(wait_for_nothing),
        lambda opened: opened.push_tasks([OtherParams(x1=1.0, x2=2.0)]),
        lambda opened: opened.push_tasks([Params(x1=1.0, x2=2.0)]),
        lambda opened: opened.push_finished_tasks(points(1), [Scores(y=1.0)]),
    ],
)
def test_what_needs_the_models_is_refused(
    network: ParamNetwork, redis_url: str, call: Callable[[Network[Xs, Ys, Extra, Extra]], object]
) -> None:
    opened = Network.open(network.network_id, redis=redis_url)
    with pytest.raises(InvalidTypeError, match="opened without"):
        call(opened)
