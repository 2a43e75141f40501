"""Tables of tasks: filtered, sorted, and a window of them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

import polars as pl
from polars.datatypes import DataTypeClass

from rushtyped import InvalidArgumentError
from rushtyped.dashboard.cells import condition_text
from rushtyped.printable import excerpt

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_COMPARISON = re.compile(r"\s*(!=|<=|>=|=|<|>)\s*(.*)", re.DOTALL)
_TRUTH = {"true": True, "false": False, "1": True, "0": False}


class Order(NamedTuple):
    """Which rows of a table are shown, in which order."""

    frame: pl.DataFrame
    rows: pl.Series | None
    """Numbers of the rows; None for all of them, in the order of the frame."""

    @property
    def total(self) -> int:
        """Number of rows."""
        return self.frame.height if self.rows is None else self.rows.len()

    def window(self, offset: int, limit: int) -> pl.DataFrame:
        """Take some rows."""
        if self.rows is None:
            return self.frame.slice(offset, limit)
        return self.frame[self.rows.slice(offset, limit)]


def order_of(frame: pl.DataFrame, by: str, wanted: str, *, falling: bool) -> Order:
    """Filter and sort; raise InvalidArgumentError for columns there are not, or that have no order.

    Equal values stay in the order of the frame, missing ones come last.
    """
    rows: pl.Series | None = None
    if wanted.strip():
        mask = frame.select(_condition(frame, wanted).fill_null(value=False))
        rows = mask.to_series().arg_true()
    if by:
        column = _sortable(frame, by)
        column = column if rows is None else column.gather(rows)
        values = pl.DataFrame({"value": column, "row": pl.int_range(column.len(), eager=True)})
        values = values.sort("value", descending=falling, nulls_last=True, maintain_order=True)
        order = values["row"]
        rows = order if rows is None else rows.gather(order)
    return Order(frame, rows)


def _sortable(frame: pl.DataFrame, name: str) -> pl.Series:
    if name == "condition":
        return frame.select(condition_text()).to_series()
    column = frame[_known(frame, name)]
    if column.dtype.is_nested() or isinstance(column.dtype, pl.Binary | pl.Object):
        raise InvalidArgumentError(
            f"parameter 'sort': column {excerpt(name)!r} holds {column.dtype}, which has no order; "
            "take another column"
        )
    return column


def _known(frame: pl.DataFrame, name: str) -> str:
    if name not in frame.columns:
        raise InvalidArgumentError(
            f"there is no column {excerpt(name)!r}; expected one of "
            f"{excerpt(', '.join(frame.columns), 1000)}"
        )
    return name


def _condition(frame: pl.DataFrame, wanted: str) -> pl.Expr:
    """Read a filter: a comparison where it begins with a column, else text in any column."""
    text = wanted.strip()
    for name in sorted(frame.columns, key=len, reverse=True):
        match = _COMPARISON.fullmatch(text, len(name)) if text.startswith(name) else None
        if match is not None:
            return _comparison(frame, name, match[1], match[2])
    return pl.any_horizontal(
        [
            _as_text(name, dtype).str.to_lowercase().str.contains(text.lower(), literal=True)
            for name, dtype in frame.schema.items()
            if name == "condition" or not _has_bytes(dtype)
        ]
    )


def _comparison(frame: pl.DataFrame, name: str, sign: str, text: str) -> pl.Expr:
    dtype = frame.schema[name]
    column = pl.col(name)
    if not text and sign in {"=", "!="}:
        return column.is_null() if sign == "=" else column.is_not_null()
    compare = _OPERATORS[sign]
    if name != "condition" and _has_bytes(dtype):
        raise _incomparable(name, dtype)
    if _is_text(name, dtype):
        found: pl.Expr = compare(_as_text(name, dtype), text)
    elif isinstance(dtype, pl.Duration):
        seconds = column.dt.total_microseconds() / 1e6
        found = compare(seconds, pl.lit(_value(name, pl.Float64(), text)))
    else:
        found = compare(column, pl.lit(_value(name, dtype, text)))
    return found


def _is_text(name: str, dtype: pl.DataType) -> bool:
    texts = (pl.String, pl.Enum, pl.Categorical)
    return name == "condition" or dtype.is_nested() or isinstance(dtype, texts)


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    if name == "condition":
        return condition_text()
    if dtype.is_nested():
        return pl.struct(name).struct.json_encode()
    if isinstance(dtype, pl.Datetime | pl.Date | pl.Time | pl.Duration):
        return pl.col(name).dt.to_string("iso")
    return pl.col(name).cast(pl.String)


def _value(name: str, dtype: pl.DataType, text: str) -> object:
    """Read what a column is compared with."""
    try:
        if dtype.is_integer() and re.fullmatch(r"[+-]?\d{1,19}", text):
            return int(text)
        if dtype.is_numeric():
            number = float(text)
            if number != number:  # noqa: PLR0124 - as only nan is
                raise ValueError(text)
            return number
        if isinstance(dtype, pl.Boolean):
            return _TRUTH[text.lower()]
        if isinstance(dtype, pl.Date):
            return date.fromisoformat(text)
        if isinstance(dtype, pl.Time):
            return time.fromisoformat(text)
        if isinstance(dtype, pl.Datetime):
            moment = datetime.fromisoformat(text)
            zone = moment.tzinfo or UTC
            return moment.replace(tzinfo=zone) if dtype.time_zone else moment.replace(tzinfo=None)
    except (ValueError, KeyError) as error:
        raise InvalidArgumentError(
            f"parameter 'filter': column {excerpt(name)!r} holds {dtype}, but it is compared with "
            f"{excerpt(text)!r}"
        ) from error
    raise _incomparable(name, dtype)


def _has_bytes(dtype: pl.DataType) -> bool:
    """Whether there are bytes in a column, which Polars does not write as text."""
    if isinstance(dtype, pl.Struct):
        return any(_has_bytes(_instance(field.dtype)) for field in dtype.fields)
    if isinstance(dtype, pl.List | pl.Array):
        return _has_bytes(_instance(dtype.inner))
    return isinstance(dtype, pl.Binary | pl.Object)


def _instance(dtype: pl.DataType | DataTypeClass) -> pl.DataType:
    return dtype() if isinstance(dtype, DataTypeClass) else dtype


def _incomparable(name: str, dtype: pl.DataType) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"parameter 'filter': column {excerpt(name)!r} holds {excerpt(dtype)}, which is compared "
        "with nothing; take another column"
    )
