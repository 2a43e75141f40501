"""Strategies of the testing kit keep the types of the models that they draw."""

from __future__ import annotations

from typing import assert_type

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from rushtyped import AnyExtra, Condition, Extra, TaskRecord, TaskState, Xs, Ys
from rushtyped.testing import (
    conditions,
    extra_strategy,
    frame_value,
    tasks,
    xs_strategy,
    ys_strategy,
)


class Params(Xs):
    x: float


class Scores(Ys):
    y: float


class Start(Extra):
    batch: int


class Timing(Extra):
    seconds: float


assert_type(xs_strategy(Params), SearchStrategy[Params])
assert_type(xs_strategy(Params, x=st.floats(0, 1)), SearchStrategy[Params])
assert_type(ys_strategy(Scores, y=st.just(1)), SearchStrategy[Scores])
assert_type(extra_strategy(Start), SearchStrategy[Start])
assert_type(extra_strategy(AnyExtra, ["x", "y"], "note_"), SearchStrategy[AnyExtra])
assert_type(conditions(), SearchStrategy[Condition])
assert_type(tasks(Params, Scores), SearchStrategy[TaskRecord[Params, Scores]])
assert_type(tasks(Params, Scores, Start), SearchStrategy[TaskRecord[Params, Scores, Start]])
assert_type(
    tasks(Params, Scores, Start, Timing, states=[TaskState.FAILED]),
    SearchStrategy[TaskRecord[Params, Scores, Start, Timing]],
)
assert_type(
    tasks(Params, Scores, ys_extra=Timing, states=["queued", "running"]),
    SearchStrategy[TaskRecord[Params, Scores, AnyExtra, Timing]],
)
assert_type(frame_value(1.5), object)


@given(tasks(Params, Scores, states=["finished"]))
def check(record: TaskRecord[Params, Scores]) -> None:
    assert_type(record.xs, Params)
    assert_type(record.ys, Scores | None)
    assert_type(record.xs_extra, AnyExtra | None)
