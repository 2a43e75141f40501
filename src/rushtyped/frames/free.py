"""Columns without a declared type: their dtype comes from their values, and loses none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import polars as pl
from loguru import logger

from rushtyped.codec import MAX_DEPTH
from rushtyped.codec.leaves import fits
from rushtyped.dtypes import PLAIN_DECIMAL
from rushtyped.frames.columns import UTC_INSTANT

_SHOWN = 100
_FREE_DTYPES: dict[type, pl.DataType] = {
    type(None): pl.Null(),
    bool: pl.Boolean(),
    int: pl.Int64(),
    float: pl.Float64(),
    str: pl.String(),
    bytes: pl.Binary(),
    date: pl.Date(),
    time: pl.Time(),
    timedelta: pl.Duration("us"),
    UUID: pl.String(),
}


def free_series(name: str, values: list[Any]) -> pl.Series:
    """Make a series of values without a declared type; text when no dtype holds all exactly."""
    kinds = set(map(type, values))
    dtype = shared_dtype(
        map(_free_dtype, [kind() for kind in kinds] if kinds <= _SIMPLE else values)
    )
    try:
        if dtype is not None:
            exact = [_exact(value, dtype) for value in values]
            return pl.Series(name, exact, dtype=dtype, strict=True)
    except ValueError:
        dtype = None
    return as_text(name, values)


_SIMPLE = {type(None), bool, int, float, str, bytes}


def _free_dtype(value: Any, depth: int = 0) -> pl.DataType | None:
    """Return the dtype that holds a value; None when there is none."""
    kind = type(value)
    if kind in _FREE_DTYPES:
        return _FREE_DTYPES[kind]
    if kind is datetime:
        return pl.Datetime("us") if value.tzinfo is None else UTC_INSTANT
    if kind is Decimal:
        return pl.Decimal(*PLAIN_DECIMAL) if fits(value, *PLAIN_DECIMAL) else None
    if depth >= MAX_DEPTH:
        raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")
    items = value.values() if kind is dict else value
    inner = shared_dtype(_free_dtype(item, depth + 1) for item in items)
    if inner is None:
        return None
    return pl.List(pl.Struct({"key": pl.String(), "value": inner}) if kind is dict else inner)


def shared_dtype(dtypes: Iterable[pl.DataType | None]) -> pl.DataType | None:
    """Return the dtype that holds the values of all; None when there is none."""
    shared: pl.DataType | None = pl.Null()
    for dtype in dtypes:
        shared = common_dtype(shared, dtype)
    return shared


def common_dtype(one: pl.DataType | None, other: pl.DataType | None) -> pl.DataType | None:
    """Return the dtype that holds the values of two; None when there is none."""
    if one is None or other is None:
        return None
    if one == pl.Null:
        return other
    if other in (one, pl.Null):
        return one
    if {one, other} == {pl.Int64(), pl.Float64()}:
        return pl.Float64()
    if isinstance(one, pl.List) and isinstance(other, pl.List):
        inner = common_dtype(_instance(one.inner), _instance(other.inner))
        return None if inner is None else pl.List(inner)
    if isinstance(one, pl.Struct) and isinstance(other, pl.Struct):
        (key, first), (_, second) = one.fields, other.fields
        inner = common_dtype(_instance(first.dtype), _instance(second.dtype))
        return None if inner is None else pl.Struct([key, pl.Field("value", inner)])
    return None


def _instance(dtype: Any) -> pl.DataType:
    """Return a dtype as an instance; Polars hands over some as classes."""
    instance: pl.DataType = dtype() if isinstance(dtype, type) else dtype
    return instance


def _exact(value: Any, dtype: Any) -> Any:
    """Return a value as its dtype takes it; raise ValueError when that would change it."""
    if isinstance(value, int) and dtype == pl.Float64:
        if int(float(value)) != value:
            raise ValueError(value)
        return float(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, dict):
        inner = dtype.inner.fields[1].dtype
        return [{"key": key, "value": _exact(item, inner)} for key, item in value.items()]
    if isinstance(value, list | tuple | set | frozenset):
        items = _sorted(value) if isinstance(value, set | frozenset) else value
        return [_exact(item, dtype.inner) for item in items]
    return value


def _sorted(items: Iterable[Any]) -> list[Any]:
    listed = list(items)
    try:
        return sorted(listed)
    except TypeError:
        return sorted(listed, key=repr)


def as_text(name: str, values: Iterable[Any]) -> pl.Series:
    """Make a series of text: str as it is, other values as their repr."""
    shown = [value if value is None or type(value) is str else repr(value) for value in values]
    logger.warning("Column {!r} holds values of several types: it is read as text", name[:_SHOWN])
    return pl.Series(name, shown, dtype=pl.String)


def concat_frames(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Put frames of the same fields below each other, as `align_frames` makes them fit."""
    return pl.concat(align_frames(frames), how="vertical", rechunk=False)


def align_frames(frames: Sequence[pl.DataFrame]) -> list[pl.DataFrame]:
    """Give frames of the same fields the same columns and dtypes.

    A free column that some lack is null there; where dtypes differ, one that holds all values
    exactly is taken, or text. Columns keep their order.
    """
    if all(frame.schema == frames[0].schema for frame in frames):
        return list(frames)
    names: list[str] = []
    for frame in frames:
        position = len(names)
        for name in reversed(frame.columns):  # a new column goes before the next known one
            if name in names:
                position = names.index(name)
            else:
                names.insert(position, name)
    columns = [_align_series(name, frames) for name in names]
    rows = zip(*columns, strict=True)
    return [pl.DataFrame({each.name: each for each in series}) for series in rows]


def _align_series(name: str, frames: Sequence[pl.DataFrame]) -> list[pl.Series]:
    pieces = [
        frame[name] if name in frame.columns else pl.Series(name, [None] * frame.height)
        for frame in frames
    ]
    dtype = shared_dtype(piece.dtype for piece in pieces)
    cast = [None if dtype is None else _exact_cast(piece, dtype) for piece in pieces]
    exact = [piece for piece in cast if piece is not None]
    if len(exact) == len(pieces):
        return exact
    return [
        piece if piece.dtype == pl.String else as_text(name, piece.to_list()) for piece in pieces
    ]


def _exact_cast(series: pl.Series, dtype: pl.DataType) -> pl.Series | None:
    if series.dtype == dtype:
        return series
    if series.dtype == pl.Null:
        return pl.Series(series.name, [None] * len(series), dtype=dtype)
    cast = series.cast(dtype, strict=False)
    return cast if cast.cast(series.dtype, strict=False).equals(series) else None
