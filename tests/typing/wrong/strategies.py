"""Wrong uses of the strategies of the testing kit."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from rushtyped import Extra, TaskRecord, Xs, Ys
from rushtyped.testing import extra_strategy, tasks, xs_strategy, ys_strategy


class Params(Xs):
    x: float


class Scores(Ys):
    y: float


class Start(Extra):
    batch: int


Records = SearchStrategy[TaskRecord[Params, Scores]]


def draws() -> None:
    xs_strategy(Scores)  # error: type-var | reportArgumentType
    xs_strategy(Params(x=1))  # error: arg-type | reportArgumentType
    xs_strategy(Params, x=1.0)  # error: arg-type | reportArgumentType
    xs_strategy(model=Params)  # error: arg-type,call-arg | reportCallIssue
    ys_strategy(Params)  # error: type-var | reportArgumentType
    extra_strategy(Params)  # error: type-var | reportArgumentType
    extra_strategy(Start, 1)  # error: arg-type | reportArgumentType
    tasks(Params)  # error: call-overload | reportCallIssue
    tasks(Scores, Params)  # error: type-var | reportArgumentType
    tasks(Params, Scores, Scores)  # error: type-var | reportArgumentType
    tasks(Params, Scores, states=["done"])  # error: list-item | reportArgumentType
    tasks(Params, Scores, states=st.just("failed"))  # error: call-overload | reportArgumentType
    points: SearchStrategy[Scores] = xs_strategy(Params)  # error: assignment | reportAssignmentType
    records: Records = tasks(Params, Scores, Start)  # error: arg-type | reportAssignmentType
    print(points, records)
