"""Drawn tasks are such as `read_tasks` gives, in each state and with each history."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushtyped import (
    AnyExtra,
    ColumnCollisionError,
    Condition,
    Extra,
    InvalidArgumentError,
    InvalidTypeError,
    Network,
    TaskRecord,
    TaskState,
    Worker,
    Xs,
    Ys,
)
from rushtyped.codec import decode_condition, encode_condition, free_names
from rushtyped.testing import conditions, tasks
from tests.models import Params, Scores, Start, Timing
from tests.testing.drawing import QUICK, drawn

AnyRecord = TaskRecord[Any, Any, Any, Any]
LIFE = {
    TaskState.QUEUED: {"ys": False, "condition": False, "finished_at": False},
    TaskState.RUNNING: {"ys": False, "condition": False, "finished_at": False},
    TaskState.FINISHED: {"ys": True, "condition": False, "finished_at": True},
    TaskState.FAILED: {"ys": False, "condition": True, "finished_at": True},
}
"""Which fields a task of a state has."""


def check_consistent(record: AnyRecord) -> None:
    assert {name: getattr(record, name) is not None for name in LIFE[record.state]} == LIFE[
        record.state
    ]
    assert re.fullmatch("[0-9a-f]{24}", record.key)
    assert record.worker_id is None or re.fullmatch("[0-9a-f]{10}", record.worker_id)
    assert record.attempt >= 1
    assert isinstance(record.xs, Xs)
    assert isinstance(record.ys, Ys | None)
    assert record.ys is not None or record.ys_extra is None
    times = [record.created_at, record.started_at, record.finished_at]
    known = [moment for moment in times if moment is not None]
    assert known == sorted(known)
    assert all(moment.utcoffset() is not None for moment in known)


def history(record: AnyRecord) -> tuple[TaskState, bool, bool, bool]:
    """Say in short what a task went through: its state, its worker, its start, its retries."""
    ran = record.worker_id is not None, record.started_at is not None
    return (record.state, *ran, record.attempt > 1)


def real_records(network_id: str, redis_url: str) -> list[AnyRecord]:
    """Take tasks through every history that the library knows."""
    network = Network[Params, Scores](network_id, redis=redis_url)
    worker = Worker[Params, Scores](network_id, redis=redis_url)
    xs, ys = Params(x1=1, x2=2), Scores(y=3)
    records: list[AnyRecord] = []
    for retried in (False, True):
        keys = network.push_tasks([xs] * 5)
        if retried:
            network.empty_queue()
            network.retry_tasks(keys)
        popped = [task for _ in range(3) if (task := worker.pop_task(timeout=1)) is not None]
        popped[0].finish(ys)
        popped[1].fail("no")
        records += network.read_tasks(keys)
        network.empty_queue()
        records += network.read_tasks(keys)
    for pusher in (network, worker):
        pushed = [
            *pusher.push_finished_tasks([xs], [ys]),
            *pusher.push_failed_tasks([xs], conditions="no"),
        ]
        records += network.read_tasks(pushed)
    worker.set_terminated()
    return records


def test_drawn_tasks_have_the_histories_of_real_ones(network_id: str, redis_url: str) -> None:
    real = real_records(network_id, redis_url)
    for record in real:
        check_consistent(record)
    assert {history(record) for record in drawn(tasks(Params, Scores), 1_000)} == {
        history(record) for record in real
    }


@QUICK
@given(tasks(Params, Scores, Start, Timing))
def test_drawn_tasks_are_consistent(record: TaskRecord[Params, Scores, Start, Timing]) -> None:
    check_consistent(record)
    assert isinstance(record.xs_extra, Start | None)
    assert isinstance(record.ys_extra, Timing | None)


@pytest.mark.parametrize("state", TaskState)
def test_only_the_states_asked_for_are_drawn(state: TaskState) -> None:
    records = drawn(tasks(Params, Scores, states=[state.value]), 50)
    assert {record.state for record in records} == {state}


def test_extras_of_drawn_tasks_fit_into_one_network(network_id: str, redis_url: str) -> None:
    network = Network[Params, Scores](network_id, redis=redis_url)

    @settings(max_examples=30, deadline=None)
    @given(st.lists(tasks(Params, Scores, states=["finished"]), min_size=1, max_size=3))
    def stored(records: list[TaskRecord[Params, Scores]]) -> None:
        for record in records:
            extras: dict[str, Any] = {
                "xss_extra": None if record.xs_extra is None else [record.xs_extra],
                "yss_extra": None if record.ys_extra is None else [record.ys_extra],
            }
            assert record.ys is not None
            keys = network.push_finished_tasks([record.xs], [record.ys], **extras)
            [found] = network.read_tasks(keys)
            assert names(found.xs_extra) == names(record.xs_extra)
            assert names(found.ys_extra) == names(record.ys_extra)

    stored()


def names(extra: AnyExtra | None) -> frozenset[str] | None:
    return None if extra is None else free_names(extra)


@QUICK
@given(conditions())
def test_drawn_conditions_are_stored_as_they_are(condition: Condition) -> None:
    assert decode_condition(encode_condition(condition)) == condition


def test_conditions_come_with_a_traceback_and_without() -> None:
    assert {condition.traceback is None for condition in drawn(conditions(), 50)} == {True, False}


class Clashing(Extra):
    y: float


@pytest.mark.parametrize(
    ("models", "options", "error", "message"),
    [
        ((Params, Scores), {"states": []}, InvalidArgumentError, "states is empty"),
        ((Params, Scores), {"states": ["done"]}, InvalidArgumentError, "states holds 'done'"),
        ((Scores, Params), {}, InvalidTypeError, "expected a subclass of Xs, got Scores"),
        ((Params, Scores, Clashing), {}, ColumnCollisionError, "column 'y' is declared twice"),
    ],
)
def test_wrong_arguments_of_tasks_are_refused(
    models: tuple[Any, ...], options: dict[str, Any], error: type[Exception], message: str
) -> None:
    make: Any = tasks
    with pytest.raises(error, match=message):
        make(*models, **options)
