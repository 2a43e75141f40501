"""Hashes that need not be tasks."""

from __future__ import annotations

import pytest

from rushtyped import (
    ColumnCollisionError,
    Condition,
    InvalidArgumentError,
    InvalidTypeError,
    LengthMismatchError,
    TaskState,
)
from tests.contents import contents_of
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points


def test_values_come_back_by_field(network: ParamNetwork) -> None:
    keys = network.write_hashes(weight=[1.5, 2.5], name=["a", None])
    assert len(set(keys)) == 2
    assert network.read_hashes(keys, ["weight", "name"], flatten=False) == [
        {"weight": 1.5, "name": "a"},
        {"weight": 2.5, "name": None},
    ]


def test_a_flattened_row_leaves_out_what_is_none(network: ParamNetwork) -> None:
    keys = network.write_hashes(weight=[1.5, 2.5], name=["a", None])
    assert network.read_hashes(keys, ["weight", "name", "absent"]) == [
        {"weight": 1.5, "name": "a"},
        {"weight": 2.5},
    ]


def test_hashes_are_no_tasks(network: ParamNetwork) -> None:
    network.write_hashes(weight=[1.5])
    assert network.tasks == []


def test_models_come_back_as_models_or_flattened(network: ParamNetwork) -> None:
    keys = network.write_hashes(xs=[Params(x1=1.0, x2=2.0)], ys=[Scores(y=3.0)])
    assert network.read_hashes(keys, ["xs", "ys"]) == [{"x1": 1.0, "x2": 2.0, "y": 3.0}]
    assert network.read_hashes(keys, ["xs", "ys"], flatten=False) == [
        {"xs": Params(x1=1.0, x2=2.0), "ys": Scores(y=3.0)}
    ]


def test_maps_are_flattened_too(network: ParamNetwork) -> None:
    keys = network.write_hashes(stage=[{"epoch": 3, "loss": 0.5}])
    assert network.read_hashes(keys, ["stage"]) == [{"epoch": 3, "loss": 0.5}]
    assert network.read_hash(keys[0], ["stage"]) == {"stage": {"epoch": 3, "loss": 0.5}}


def test_names_that_two_fields_hold_cannot_be_flattened(network: ParamNetwork) -> None:
    keys = network.write_hashes(first=[{"loss": 1}], second=[{"loss": 2}])
    with pytest.raises(ColumnCollisionError, match="'loss' of field 'second'"):
        network.read_hashes(keys, ["first", "second"])
    assert network.read_hash(keys[0], ["second"]) == {"second": {"loss": 2}}


def test_one_value_serves_all_hashes_and_none_is_left_out(network: ParamNetwork) -> None:
    keys = network.write_hashes(weight=[1.0, 2.0], unit=["kg"], note=None)
    assert network.read_hashes(keys, ["unit"]) == [{"unit": "kg"}, {"unit": "kg"}]


def test_given_keys_are_used_and_fields_are_added(network: ParamNetwork) -> None:
    assert network.write_hashes(keys=["model-1"], weight=[1.0]) == ["model-1"]
    assert network.write_hashes(keys=["model-1"], bias=[0.5]) == ["model-1"]
    assert network.read_hash("model-1", ["weight", "bias"]) == {"weight": 1.0, "bias": 0.5}


def test_writing_no_field_writes_nothing(network: ParamNetwork) -> None:
    before = contents_of(network)
    assert network.write_hashes() == []
    assert network.write_hashes(weight=[]) == []
    assert network.write_hashes(keys=["model-1"], weight=None) == ["model-1"]
    assert contents_of(network) == before


def test_a_missing_field_or_hash_is_none(network: ParamNetwork) -> None:
    (key,) = network.write_hashes(weight=[1.0])
    assert network.read_hash(key, ["bias"]) == {"bias": None}
    assert network.read_hash("nobody", ["weight"]) == {"weight": None}
    assert network.read_hashes([], ["weight"]) == []


def test_fields_of_a_task_are_read(network: ParamNetwork, worker: ParamWorker) -> None:
    keys = worker.push_running_tasks(points(1))
    worker.fail_tasks(keys, "diverged")
    row = network.read_hash(keys[0], ["state", "xs", "condition", "worker_id", "attempt", "ys"])
    assert row == {
        "state": TaskState.FAILED,
        "xs": Params(x1=0.0, x2=0.0),
        "condition": Condition(type="TaskFailed", message="diverged"),
        "worker_id": worker.worker_id,
        "attempt": 1,
        "ys": None,
    }


def test_a_task_takes_fields_beside_its_own(network: ParamNetwork) -> None:
    keys = network.push_tasks(points(1))
    network.write_hashes(keys=keys, checkpoint=[b"\x00\xff"])
    assert network.read_hash(keys[0], ["checkpoint"]) == {"checkpoint": b"\x00\xff"}
    assert network.queued_tasks == keys


@pytest.mark.parametrize("field", ["xs", "ys", "condition"])
def test_what_transitions_write_to_a_task_is_refused(network: ParamNetwork, field: str) -> None:
    keys = network.push_tasks(points(1))
    before = contents_of(network)
    with pytest.raises(InvalidArgumentError, match=f"'{keys[0]}' are tasks"):
        network.write_hashes(keys=["free", *keys], **{field: [{"a": 1}]})
    assert contents_of(network) == before


@pytest.mark.parametrize("field", ["state", "worker_id", "attempt", "created_at", "failed_by"])
def test_the_bookkeeping_of_tasks_is_refused_everywhere(network: ParamNetwork, field: str) -> None:
    before = contents_of(network)
    with pytest.raises(InvalidArgumentError, match=f"'{field}'"):
        network.write_hashes(**{field: ["finished"]})
    assert contents_of(network) == before


def test_lengths_that_do_not_fit_are_refused(network: ParamNetwork) -> None:
    before = contents_of(network)
    with pytest.raises(LengthMismatchError, match="3 hashes"):
        network.write_hashes(a=[1, 2, 3], b=[1, 2])
    with pytest.raises(LengthMismatchError, match="1 hashes"):
        network.write_hashes(keys=["one"], a=[1, 2])
    with pytest.raises(InvalidTypeError, match="keys must be a list"):
        network.write_hashes(keys="one", a=[1])
    with pytest.raises(InvalidTypeError, match="a must be a list"):
        network.write_hashes(a="text")
    assert contents_of(network) == before


def test_a_reset_drops_hashes(network: ParamNetwork) -> None:
    (key,) = network.write_hashes(weight=[1.0])
    network.reset()
    assert network.read_hash(key, ["weight"]) == {"weight": None}
