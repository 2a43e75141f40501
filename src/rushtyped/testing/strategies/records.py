"""Whole tasks, as `read_tasks` gives them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar, overload

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from rushtyped.errors import InvalidArgumentError
from rushtyped.models import AnyExtra, Condition, Extra, TaskState, Xs, Ys
from rushtyped.schema import GroupSchema, Models, network_schema
from rushtyped.selection import STATES, States, check_states
from rushtyped.task import TaskRecord
from rushtyped.testing.strategies.models import extra_strategy, xs_strategy, ys_strategy

X = TypeVar("X", bound=Xs)
Y = TypeVar("Y", bound=Ys)
XE = TypeVar("XE", bound=Extra)
YE = TypeVar("YE", bound=Extra)

_TEXTS = st.text(max_size=20)
_TYPES = st.sampled_from(["TaskFailed", "ValueError", "KeyError"]) | _TEXTS
_KEYS = st.binary(min_size=12, max_size=12).map(bytes.hex)
_WORKER_IDS = st.binary(min_size=5, max_size=5).map(bytes.hex)
_ATTEMPTS = st.integers(1, 5)
_TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
_DELAYS = st.timedeltas(timedelta(0), timedelta(days=10))


def conditions() -> SearchStrategy[Condition]:
    """Draw conditions of failed tasks, with a traceback and without."""
    return st.builds(Condition, type=_TYPES, message=_TEXTS, traceback=st.none() | _TEXTS)


class _Life(NamedTuple):
    """What a task went through, with the fields that tell of it."""

    worker_id: str | None
    attempt: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@st.composite
def _lives(draw: DrawFn, state: TaskState) -> _Life:
    """Draw lives that end in a state: a task was run, was pushed as it is, or never began."""
    worker_id, attempt, created = draw(_WORKER_IDS), draw(_ATTEMPTS), draw(_TIMES)
    if state is TaskState.QUEUED:
        return _Life(None, attempt, created, None, None)
    started = created + draw(_DELAYS)
    if state is TaskState.RUNNING:
        return _Life(worker_id, attempt, created, started, None)
    ended = started + draw(_DELAYS)
    lives = [
        _Life(worker_id, attempt, created, started, ended),
        _Life(None, 1, created, None, created),
        _Life(worker_id, 1, created, None, created),
    ]
    if state is TaskState.FAILED:
        lives.append(_Life(None, attempt, created, None, ended))
    return draw(st.sampled_from(lives))


@overload
def tasks(
    xs: type[X], ys: type[Y], *, states: States = ...
) -> SearchStrategy[TaskRecord[X, Y]]: ...


@overload
def tasks(
    xs: type[X], ys: type[Y], xs_extra: type[XE], *, states: States = ...
) -> SearchStrategy[TaskRecord[X, Y, XE]]: ...


@overload
def tasks(
    xs: type[X], ys: type[Y], xs_extra: type[XE], ys_extra: type[YE], *, states: States = ...
) -> SearchStrategy[TaskRecord[X, Y, XE, YE]]: ...


@overload
def tasks(
    xs: type[X], ys: type[Y], *, ys_extra: type[YE], states: States = ...
) -> SearchStrategy[TaskRecord[X, Y, AnyExtra, YE]]: ...


def tasks(
    xs: type[Xs],
    ys: type[Ys],
    xs_extra: type[Extra] = AnyExtra,
    ys_extra: type[Extra] = AnyExtra,
    *,
    states: States = STATES,
) -> SearchStrategy[TaskRecord[Any, Any, Any, Any]]:
    """Draw tasks in some states, each with all that a task of its state has and nothing else.

    Free names of the extras are no column's name, and start with "xs_" or "ys_".
    Raise what `Network[...]` raises for models that do not fit together, InvalidArgumentError for
    unknown states or none.
    """
    chosen = check_states(states)
    if not chosen:
        raise InvalidArgumentError(f"states is empty: give one or more of {', '.join(STATES)}")
    schema = network_schema(Models(xs, ys, xs_extra, ys_extra))
    taken = {column for group in schema.groups for column in group.columns}
    parts = _Parts(
        xs_strategy(xs),
        ys_strategy(ys),
        st.none() | _extras(schema.xs_extra, xs_extra, taken),
        st.none() | _extras(schema.ys_extra, ys_extra, taken),
    )
    return st.sampled_from(chosen).flatmap(lambda state: _records(state, parts))


class _Parts(NamedTuple):
    """Strategies of what the models describe."""

    xs: SearchStrategy[Xs]
    ys: SearchStrategy[Ys]
    xs_extra: SearchStrategy[Extra | None]
    ys_extra: SearchStrategy[Extra | None]


def _extras(
    group: GroupSchema, model: type[Extra], taken: Collection[str]
) -> SearchStrategy[Extra]:
    return extra_strategy(model, taken, f"{group.name.removesuffix('extra')}")


@st.composite
def _records(draw: DrawFn, state: TaskState, parts: _Parts) -> TaskRecord[Any, Any, Any, Any]:
    finished = state is TaskState.FINISHED
    life = draw(_lives(state))
    return TaskRecord(
        key=draw(_KEYS),
        state=state,
        xs=draw(parts.xs),
        ys=draw(parts.ys) if finished else None,
        xs_extra=draw(parts.xs_extra),
        ys_extra=draw(parts.ys_extra) if finished else None,
        condition=draw(conditions()) if state is TaskState.FAILED else None,
        **life._asdict(),
    )
