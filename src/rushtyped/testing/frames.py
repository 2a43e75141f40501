"""What a frame shows of Python values, as `DataFrame.to_dicts` and `rows` give them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from pathlib import PurePath
from typing import Any
from uuid import UUID

import msgpack
from pydantic import BaseModel
from pydantic.networks import AnyUrl, MongoDsn, NatsDsn, PostgresDsn

from rushtyped.codec import instants
from rushtyped.dtypes import ColumnType, model_columns

_TEXTS = (UUID, PurePath, AnyUrl, MongoDsn, NatsDsn, PostgresDsn)


def frame_value(value: object, column: ColumnType | None = None) -> object:
    """Return what a frame shows of a Python value.

    Times with a zone are shown in UTC, members of an Enum as their values, UUIDs, paths and URLs
    as text, models as dicts of their fields, tuples and numpy arrays as lists, sets as lists in
    the order in which they are stored, dicts as lists of dicts of key and value.
    A model's own annotations say which of its fields are unions, whose structs have the fields of
    all members; `column` is needed where `value` itself is, or holds, the member of a union.
    """
    match value:
        case BaseModel():
            return _model(value, column)
        case dict():
            inner = _of_values(column)
            return [{"key": key, "value": frame_value(item, inner)} for key, item in value.items()]
        case list() | tuple():
            return _items(value, column)
        case set() | frozenset():
            return _items(_ordered(value), column)
        case _:
            return _leaf(value)


def _leaf(value: Any) -> object:
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray):
        return value.tolist()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, _TEXTS):
        return str(value)
    return value


def _items(items: Collection[object], column: ColumnType | None) -> list[object]:
    inner = None if column is None else column.inner
    return [frame_value(item, inner) for item in items]


def _of_values(column: ColumnType | None) -> ColumnType | None:
    """Return the column type of a dict's values."""
    return column.inner.fields[1][1] if column is not None and column.inner is not None else None


def _model(value: BaseModel, column: ColumnType | None) -> dict[str, object]:
    columns = _columns(type(value))
    own = {name: frame_value(getattr(value, name), inner) for name, inner in columns.items()}
    if column is not None and column.variants:
        return {name: own.get(name) for name, _ in column.fields}
    free = value.__pydantic_extra__ or {}
    return {**own, **{name: frame_value(item) for name, item in free.items()}}


@lru_cache(maxsize=256)
def _columns(model: type[BaseModel]) -> Mapping[str, ColumnType]:
    return model_columns(model)


def _ordered(items: Collection[Any]) -> list[Any]:
    """Sort the items of a set as the codec does: by what is stored, else by its bytes."""
    try:
        return sorted(items, key=_stored)
    except TypeError:
        return sorted(items, key=lambda item: msgpack.packb(_stored(item)))


_COUNTS: dict[type, Callable[[Any], int]] = {
    date: instants.date_to_days,
    time: instants.time_to_micros,
    timedelta: instants.duration_to_micros,
}


def _stored(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case datetime():
            aware = value.tzinfo is not None
            return instants.aware_to_micros(value) if aware else instants.naive_to_micros(value)
        case Decimal():
            return str(value)
        case tuple():
            return [_stored(item) for item in value]
        case frozenset():
            return [_stored(item) for item in _ordered(value)]
        case BaseModel():
            return {name: _stored(item) for name, item in value}
        case _:
            count = _COUNTS.get(type(value))
    if count is not None:
        return count(value)
    return str(value) if isinstance(value, _TEXTS) else value
