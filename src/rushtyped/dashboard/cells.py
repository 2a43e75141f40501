"""Values of columns as JSON has them: finite numbers, short text, times in UTC."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

import polars as pl
from pydantic import BaseModel

from rushtyped.printable import excerpt, printable_lines

Cell = str | int | float | bool | None
"""What a cell of a table holds."""

LARGEST_INTEGER = 2**53
"""Integers beyond it are written as text: JavaScript has them as floats."""
LONGEST_TEXT = 200
LONGEST_WHOLE_TEXT = 20_000
_MOST_ITEMS = 20

_BRIEF = reprlib.Repr()
_BRIEF.maxlist = _BRIEF.maxtuple = _BRIEF.maxset = _BRIEF.maxdict = _MOST_ITEMS
_BRIEF.maxstring = _BRIEF.maxother = LONGEST_TEXT
_BRIEF.maxlong = LONGEST_TEXT
_BRIEF.maxlevel = 6


def cell(value: object) -> Cell:
    """Return a value as one cell of a table; what no cell holds as an excerpt of its text."""
    match value:
        case None | bool():
            return value
        case float():
            return value if math.isfinite(value) else None
        case int():
            return value if abs(value) <= LARGEST_INTEGER else str(value)
        case str():
            return excerpt(value, LONGEST_TEXT)
        case _:
            return excerpt(_text(value), LONGEST_TEXT)


def whole(value: object) -> Cell:
    """Return a value as `cell` does, but text with its lines and nearly without an end."""
    if isinstance(value, str):
        more = f"... ({len(value)} characters)" if len(value) > LONGEST_WHOLE_TEXT else ""
        return printable_lines(value[:LONGEST_WHOLE_TEXT]) + more
    return cell(value)


def cells(values: Mapping[str, object]) -> dict[str, Cell]:
    """Return the values of one row, by column."""
    return {name: cell(value) for name, value in values.items()}


def rows_of(frame: pl.DataFrame) -> list[list[Cell]]:
    """Return the rows of a frame; of long lists only as much is taken as is shown."""
    short = frame.select(_shortened(name, dtype) for name, dtype in frame.schema.items())
    return [[cell(value) for value in row] for row in short.rows()]


def moment(value: datetime | None) -> str | None:
    """Write a time in ISO 8601, in UTC where it has a zone."""
    if value is None:
        return None
    if value.tzinfo is None:
        return value.isoformat()
    return value.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def is_numeric(dtype: pl.DataType) -> bool:
    """Whether values of a column are numbers."""
    return dtype.is_numeric()


def condition_text() -> pl.Expr:
    """Write the column `condition` as "type: message"."""
    of = pl.col("condition").struct
    return pl.format("{}: {}", of.field("type"), of.field("message")).alias("condition")


def _shortened(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if name == "condition" and isinstance(dtype, pl.Struct):
        return condition_text()
    if isinstance(dtype, pl.Array):
        column = column.arr.to_list()
    if isinstance(dtype, pl.List | pl.Array):
        return column.list.head(_MOST_ITEMS + 1)
    return column


def _text(value: object) -> str:
    match value:
        case datetime():
            return moment(value) or ""
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case bytes():
            return f"{value[:_MOST_ITEMS]!r} ({len(value)} bytes)"
        case BaseModel():
            return _BRIEF.repr(value.model_dump())
        case Mapping() | list() | tuple() | set() | frozenset():
            return _BRIEF.repr(value)
        case _:
            return str(value)
