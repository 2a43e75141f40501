"""From what the codec stores of a field to a Polars series of its dtype."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl

from rushtyped.codec.instants import (
    DAY,
    FIRST_DAY,
    FIRST_MICROSECOND,
    LAST_DAY,
    LAST_MICROSECOND,
)
from rushtyped.dtypes import ColumnType, Kind, column_type
from rushtyped.models import Condition, TaskState

UTC_INSTANT = pl.Datetime("us", "UTC")


def column_dtype(column: ColumnType) -> pl.DataType:
    """Return the Polars dtype of a column type."""
    return _dtype(column, _leaf_dtype)


def _dtype(column: ColumnType, leaf: Callable[[ColumnType], pl.DataType]) -> pl.DataType:
    if column.kind is Kind.STRUCT:
        return pl.Struct({name: _dtype(inner, leaf) for name, inner in column.fields})
    if column.inner is None:
        return leaf(column)
    inner = _dtype(column.inner, leaf)
    return pl.Array(inner, column.width) if column.kind is Kind.ARRAY else pl.List(inner)


def _leaf_dtype(column: ColumnType) -> pl.DataType:
    match column.kind:
        case Kind.DATETIME_UTC:
            return UTC_INSTANT
        case Kind.DATETIME:
            return pl.Datetime("us")
        case Kind.DURATION:
            return pl.Duration("us")
        case Kind.DECIMAL:
            return pl.Decimal(column.precision, column.scale)
        case Kind.ENUM:
            return pl.Enum(column.categories)
        case kind:
            plain: pl.DataType = getattr(pl, kind.value)()
            return plain


_COUNTED = (Kind.DATETIME, Kind.DATETIME_UTC, Kind.DATE, Kind.TIME, Kind.DURATION)


def _stored_dtype(column: ColumnType) -> pl.DataType:
    """Return the dtype of what the codec stores."""
    if column.kind in _COUNTED:
        return pl.Int64()
    return pl.String() if column.kind is Kind.DECIMAL else _leaf_dtype(column)


def _between_dtype(column: ColumnType) -> pl.DataType:
    """Return the dtype on the way: Polars counts times in ns, but takes them from datetimes."""
    return pl.Datetime("us") if column.kind is Kind.TIME else _stored_dtype(column)


@dataclass(frozen=True, slots=True)
class Column:
    """How the stored values of one field become a series."""

    name: str
    dtypes: tuple[pl.DataType, ...]
    """The dtype of what is stored, then those that it is cast to."""
    convert: Callable[[Any], Any] | None

    @classmethod
    def of(cls, name: str, column: ColumnType) -> Column:
        """Plan a column from what is stored to its own dtype."""
        steps = [_dtype(column, leaf) for leaf in (_stored_dtype, _between_dtype, _leaf_dtype)]
        distinct = [step for i, step in enumerate(steps) if i == 0 or step != steps[i - 1]]
        return cls(name, tuple(distinct), _pairs(column))

    def series(self, values: list[Any]) -> pl.Series:
        """Make a series of stored values; raise what Polars raises when they don't fit."""
        if self.convert is not None:
            values = [None if value is None else self.convert(value) for value in values]
        stored = self.dtypes[0]
        if stored.is_nested() and not _ITEMS[type(stored)].issuperset(map(type, values)):
            raise TypeError(f"Polars would take something else for a {type(stored).__name__}")
        series = pl.Series(self.name, values, dtype=stored, strict=True)
        if series.dtype != stored:  # as that of named tuples, which extensions of msgpack are
            raise TypeError(f"Polars makes a {series.dtype} of it")
        if len(self.dtypes) > 1:
            check_range(series, self.dtypes[-1])
            for dtype in self.dtypes[1:]:
                series = series.cast(dtype, strict=True)
        return series


_RANGES: dict[type[pl.DataType], tuple[int, int]] = {
    pl.Datetime: (FIRST_MICROSECOND, LAST_MICROSECOND),
    pl.Date: (FIRST_DAY, LAST_DAY),
    pl.Time: (0, DAY - 1),
}


def check_range(stored: pl.Series, dtype: Any) -> None:
    """Raise ValueError for counts that Python has no date or time for: Polars would take them."""
    if isinstance(dtype, pl.List | pl.Array):
        check_range(stored.explode(), dtype.inner)
    elif isinstance(dtype, pl.Struct):
        for field in dtype.fields:
            check_range(stored.struct.field(field.name), field.dtype)
    elif type(dtype) in _RANGES:
        first, last = _RANGES[type(dtype)]
        for count in (stored.min(), stored.max()):
            if isinstance(count, int) and not first <= count <= last:
                raise ValueError(f"{count} is out of the range of {dtype}")


def _pairs(column: ColumnType) -> Callable[[Any], Any] | None:
    """Return what turns the maps of dict fields into lists of key and value; None if needless.

    Of a member of a union it takes the fields that are the member's own.
    """
    if column.variants:
        return partial(_member, column.tag, dict(_members(column)))
    if column.kind is Kind.STRUCT:
        found = {name: _pairs(inner) for name, inner in column.fields}
        changes = {name: convert for name, convert in found.items() if convert is not None}
        return (lambda value: {**value, **_changed(value, changes)}) if changes else None
    if column.inner is None:
        return None
    if column.python is dict:
        convert = _pairs(column.inner.fields[1][1])
        return lambda value: [
            {"key": key, "value": _apply(convert, item)} for key, item in value.items()
        ]
    convert = _pairs(column.inner)
    return (lambda value: [_apply(convert, item) for item in value]) if convert else None


_ITEMS: dict[type[pl.DataType], frozenset[type]] = {
    pl.List: frozenset({list, type(None)}),
    pl.Array: frozenset({list, type(None)}),
    pl.Struct: frozenset({dict, type(None)}),
}
Converts = Mapping[str, Callable[[Any], Any] | None]


def _members(column: ColumnType) -> Iterator[tuple[str, Converts]]:
    """Say for each tag of a union what becomes of the fields of its member."""
    for variant in column.variants:
        converts = {name: _pairs(inner) for name, inner in variant.fields}
        for tag in dict(variant.fields)[column.tag].categories:
            yield tag, converts


def _member(tag: str, members: Mapping[str, Converts], value: Any) -> dict[str, Any]:
    converts = members[value[tag]]
    return {name: _apply(convert, value[name]) for name, convert in converts.items()}


def _changed(value: Mapping[str, Any], changes: Mapping[str, Callable[[Any], Any]]) -> Any:
    return {name: _apply(changes[name], value[name]) for name in changes if name in value}


def _apply(convert: Callable[[Any], Any] | None, value: Any) -> Any:
    return value if convert is None or value is None else convert(value)


STATE_DTYPE = pl.Enum([state.value for state in TaskState])
CONDITION = Column.of("condition", column_type(Condition))
