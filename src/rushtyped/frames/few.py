"""The frame of a few tasks, made by rows: a series for each column takes far longer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgpack
import polars as pl

from rushtyped.codec import task_codec
from rushtyped.codec.free import unpack_plain
from rushtyped.codec.instants import FIRST_MICROSECOND, LAST_MICROSECOND
from rushtyped.frames.columns import CONDITION, STATE_DTYPE, UTC_INSTANT, Column
from rushtyped.models import TaskState
from rushtyped.schema import TIMES, Field, Group, Models

MOST_ROWS = 64
MOST_UNGUARDED = 128
"""Bytes up to which it does not matter how deeply arrays are nested."""

_PLAIN = {
    pl.Int64(): int,
    pl.Float64(): float,
    pl.Boolean(): bool,
    pl.String(): str,
    pl.Binary(): bytes,
}
_INT64 = range(-(2**63), 2**63)

Blobs = Sequence[bytes | None]


class _UnusualError(Exception):
    """A row is not made of what its models declare, and of nothing else."""


_UNREADABLE = (
    *(_UnusualError, pl.exceptions.PolarsError, pl.exceptions.PanicException),
    *(TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError),
)


class _Text(NamedTuple):
    """A column of what is stored as text."""

    name: str
    parse: Callable[[bytes], Any]


class _Group(NamedTuple):
    """The columns of one model, in the order of declaration."""

    name: Group
    columns: tuple[Column, ...]
    types: tuple[type | None, ...]
    """Type of the values that go to the frame as they are stored; None for those that don't."""


class _Plan(NamedTuple):
    """How the rows of a frame are put together."""

    parts: tuple[_Text | _Group, ...]
    schema: dict[str, pl.DataType]
    by_series: tuple[tuple[int, Column], ...]
    """Columns whose values have to be converted, by their position."""


def build_few(
    models: Models, columns: Mapping[str, Blobs], fields: Iterable[Field], *, with_state: bool
) -> pl.DataFrame | None:
    """Make the frame of a few tasks; None where only the long way can tell what is stored."""
    plan = _plan(models, frozenset(fields), with_state=with_state)
    converted: dict[str, list[Any]] = {column.name: [] for _, column in plan.by_series}
    try:
        rows = [_row(plan, columns, index, converted) for index in range(len(columns["key"]))]
        frame = pl.from_dicts(rows, schema=plan.schema)  # half the time of rows without names
        for position, column in plan.by_series:
            frame.replace_column(position, column.series(converted[column.name]))
    except _UNREADABLE:
        return None
    return frame


def _row(
    plan: _Plan, columns: Mapping[str, Blobs], index: int, converted: dict[str, list[Any]]
) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for part in plan.parts:
        blob = columns[part.name][index]
        if isinstance(part, _Text):
            row[part.name] = None if blob is None else part.parse(blob)
        elif blob is not None:
            unpack = msgpack.unpackb if len(blob) <= MOST_UNGUARDED else unpack_plain
            _add_group(row, part, unpack(blob), converted)
        else:
            for column, plain in zip(part.columns, part.types, strict=True):
                if plain is None:
                    converted[column.name].append(None)
    return row


def _add_group(
    row: dict[str, Any], group: _Group, stored: dict[str, Any], converted: dict[str, list[Any]]
) -> None:
    if len(stored) != len(group.columns):
        raise _UnusualError
    for column, wanted in zip(group.columns, group.types, strict=True):
        value = stored[column.name]
        if wanted is None:
            converted[column.name].append(value)
        elif value is None or (type(value) is wanted and (wanted is not int or value in _INT64)):
            row[column.name] = value
        else:
            raise _UnusualError


@lru_cache(maxsize=256)
def _plan(models: Models, fields: frozenset[Field], *, with_state: bool) -> _Plan:
    parts: list[_Text | _Group] = [_Text("key", bytes.decode)]
    schema: dict[str, pl.DataType] = {"key": pl.String()}
    by_series: list[tuple[int, Column]] = []
    if with_state:
        parts.append(_Text("state", lambda blob: TaskState(blob.decode()).value))
        schema["state"] = STATE_DTYPE
    for group in task_codec(models).schema.groups:
        if group.name not in fields:
            continue
        columns = tuple(Column.of(name, column) for name, column in group.columns.items())
        types = tuple(_plain_type(column) for column in columns)
        for column, plain in zip(columns, types, strict=True):
            if plain is None:
                by_series.append((len(schema), column))
            schema[column.name] = pl.Null() if plain is None else column.dtypes[0]
        parts.append(_Group(group.name, columns, types))
    for field in ("worker_id", "condition"):
        if field in fields:
            parts.append(_Text(field, bytes.decode if field == "worker_id" else _refuse))
            schema[field] = pl.String() if field == "worker_id" else CONDITION.dtypes[0]
    if "times" in fields:
        parts += [*(_Text(name, _instant) for name in TIMES), _Text("attempt", int)]
        schema |= {**dict.fromkeys(TIMES, UTC_INSTANT), "attempt": pl.Int64()}
    return _Plan(tuple(parts), schema, tuple(by_series))


def _plain_type(column: Column) -> type | None:
    """Return the type of a column's values where they are stored as the frame holds them."""
    stored, *casts = column.dtypes
    return None if casts or column.convert is not None else _PLAIN.get(stored)


def _instant(blob: bytes) -> int:
    count = int(blob)
    if not FIRST_MICROSECOND <= count <= LAST_MICROSECOND:
        raise _UnusualError
    return count


def _refuse(blob: bytes) -> None:
    raise _UnusualError(blob)
