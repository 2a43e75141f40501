"""Columns as they can be drawn: numbers, moments and categories, without what has no place."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import polars as pl

from rushtyped.errors import InvalidArgumentError

MOST_CATEGORIES = 30
"""Categories that an axis has; the rarer ones share one more."""
OTHERS = "(others)"
_LONGEST = 60
_LARGEST = 1e300
"""Beyond it the length of an axis may be no float."""
_CATEGORIES = (pl.String, pl.Boolean, pl.Enum, pl.Categorical, pl.Time)


class Kind(StrEnum):
    """What a column holds."""

    NUMBER = "number"
    """A float; a duration in seconds."""
    TIME = "time"
    """Milliseconds since 1970."""
    CATEGORY = "category"
    """Text."""


class Values(NamedTuple):
    """One column, ready to be drawn."""

    name: str
    kind: Kind
    series: pl.Series
    """Float64 or String; null where the value has no place in a chart, such as nan and inf."""
    categories: Sequence[str] = ()
    """In the order of an Enum, else sorted; empty for numbers and times."""
    is_utc: bool = False


def is_number(dtype: pl.DataType) -> bool:
    """Tell whether values of this type are plain numbers."""
    return dtype.is_numeric()


def values_of(what: str, frame: pl.DataFrame, name: str) -> Values:
    """Make a column ready to be drawn.

    Raises InvalidArgumentError where there is no such column, or its values are nested or bytes;
    `what` is the argument that named it.
    """
    if name not in frame.columns:
        raise unknown_column(what, name, frame.columns)
    series = _unnamed(frame[name])
    if is_drawable(series.dtype):
        return _values(name, series)
    raise InvalidArgumentError(
        f"{what} must name a column of single values but {name!r} is {series.dtype}: make a "
        "column of the part that you mean, and pass that frame"
    )


def is_drawable(dtype: pl.DataType) -> bool:
    """Tell whether values of this type have a place on an axis."""
    return dtype.is_numeric() or dtype.is_temporal() or isinstance(dtype, (*_CATEGORIES, pl.Null))


def unknown_column(what: str, name: str, names: Sequence[str]) -> InvalidArgumentError:
    """Make the error for a column that is not there."""
    hint = ' (times come with fields=[..., "times"])' if str(name).endswith("_at") else ""
    return InvalidArgumentError(
        f"{what} must be one of {', '.join(sorted(map(repr, names)))} but is {name!r}{hint}"
    )


def moments(series: pl.Series) -> pl.Series:
    """Return times as milliseconds since 1970 in UTC."""
    return _unnamed(series).cast(pl.Datetime("us")).cast(pl.Int64).cast(pl.Float64) / 1000


def numbers(series: pl.Series) -> pl.Series:
    """Return numbers as floats; null where they are not finite, or nearly not."""
    floats = _unnamed(series).cast(pl.Float64)
    return floats.set(~(floats.abs() <= _LARGEST).fill_null(value=True), None)


def _unnamed(series: pl.Series) -> pl.Series:
    """Drop the name: methods of a series take one like "^x$" for a pattern."""
    return series.alias("")


def _values(name: str, series: pl.Series) -> Values:
    dtype = series.dtype
    if isinstance(dtype, pl.Datetime | pl.Date):
        is_utc = isinstance(dtype, pl.Datetime) and dtype.time_zone is not None
        return Values(name, Kind.TIME, moments(series), (), is_utc)
    if isinstance(dtype, pl.Duration):
        return Values(name, Kind.NUMBER, series.dt.total_microseconds() / 1e6)
    if isinstance(dtype, _CATEGORIES):
        texts, categories = _categories(series)
        return Values(name, Kind.CATEGORY, texts, categories)
    return Values(name, Kind.NUMBER, numbers(series))


def _categories(series: pl.Series) -> tuple[pl.Series, list[str]]:
    """Return texts of bounded length and number, and each of them once in their order."""
    texts = series.cast(pl.String)
    if isinstance(series.dtype, pl.String):
        cut = texts.str.slice(0, _LONGEST) + "…"
        texts = cut.zip_with((texts.str.len_chars() > _LONGEST).fill_null(value=False), texts)
    present = texts.drop_nulls().unique().sort().to_list()
    if isinstance(series.dtype, pl.Enum):
        present = [each for each in series.dtype.categories.to_list() if each in {*present}]
    if len(present) <= MOST_CATEGORIES:
        return texts, present
    counts = texts.drop_nulls().value_counts(sort=True, name="n")
    kept = {*counts[:, 0].head(MOST_CATEGORIES).to_list()}
    others = pl.Series([OTHERS], dtype=pl.String).new_from_index(0, len(texts))
    texts = texts.zip_with(texts.is_in(list(kept)) | texts.is_null(), others)
    return texts, [*(each for each in present if each in kept), OTHERS]
