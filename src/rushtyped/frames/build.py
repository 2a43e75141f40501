"""The frame of what is stored of some tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any, TypeVar

import msgpack
import polars as pl
from loguru import logger

from rushtyped.codec import ModelCodec, task_codec
from rushtyped.codec.free import LARGE, check_depth, shallow, unpack_plain, why
from rushtyped.errors import CorruptDataError, InvalidArgumentError
from rushtyped.frames.columns import CONDITION, STATE_DTYPE, UTC_INSTANT, Column, check_range
from rushtyped.frames.few import MOST_ROWS, MOST_UNGUARDED, build_few
from rushtyped.frames.floats import FEWEST_ROWS, Layout, float_series, layout_of
from rushtyped.frames.free import as_text, free_series
from rushtyped.printable import excerpt
from rushtyped.schema import GROUPS, RESERVED, TIMES, Field, Group, Models, NetworkSchema

R = TypeVar("R")
Blobs = Sequence[bytes | None]
"""One stored field of many tasks; None where a task lacks it."""

_SHOWN = 100  # characters of a name
_UNPACK_SHALLOW = partial(msgpack.unpackb, list_hook=shallow)  # saves the call of unpack_plain
_ROWS_AT_ONCE = 2000  # few enough for their objects to stay in the processor's cache
_FIELDS: tuple[Field, ...] = (*GROUPS, "worker_id", "condition", "times")
_UNREADABLE = (
    *(pl.exceptions.PolarsError, pl.exceptions.PanicException, CorruptDataError),
    *(TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError),
)


def build_frame(
    schema: NetworkSchema,
    columns: Mapping[str, Blobs],
    fields: Iterable[Field],
    *,
    with_state: bool = False,
) -> pl.DataFrame:
    """Make a frame of stored tasks, one row each, with columns in the order of the schema.

    `columns` maps "key" and the hash fields that are wanted ("times" wants created_at, started_at,
    finished_at and attempt) to what is stored, in lists of one length.
    Raise UnreadableRowsError, a CorruptDataError with the task's key, for what cannot be read.
    """
    wanted = set(fields)
    if unknown := wanted - set(_FIELDS):
        names = ", ".join(map(repr, sorted(unknown)))
        raise InvalidArgumentError(f"unknown fields {names}; choose from {', '.join(_FIELDS)}")
    if 0 < len(columns["key"]) <= MOST_ROWS:
        few = build_few(schema.models, columns, wanted, with_state=with_state)
        if few is not None:
            return few
    source = _Source(columns)
    series = [source.text("key", pl.String())]
    if with_state:
        series.append(source.text("state", STATE_DTYPE))
    taken = {name for group in schema.groups for name in group.columns} | RESERVED
    for name, plan in _plans(schema.models).items():
        if name in wanted:
            series += source.group(name, plan, taken)
    if "worker_id" in wanted:
        series.append(source.text("worker_id", pl.String()))
    if "condition" in wanted:
        series.append(source.condition())
    if "times" in wanted:
        series += [source.instant(name) for name in TIMES]
        series.append(source.text("attempt", pl.Int64()))
    return pl.DataFrame({each.name: each for each in series})


class UnreadableRowsError(CorruptDataError):
    """Rows hold what is not what rushtyped writes there; some, not all, are named by `rows`."""

    def __init__(self, reasons: Mapping[int, str]) -> None:
        super().__init__(next(iter(reasons.values())))
        self.reasons = reasons
        """Why each of the rows cannot be read, by position."""


def empty_frame(
    schema: NetworkSchema, fields: Iterable[Field], *, with_state: bool = False
) -> pl.DataFrame:
    """Make a frame without rows that has the schema of a full one."""
    names = ("key", "state", *GROUPS, "worker_id", "condition", *TIMES, "attempt")
    return build_frame(schema, dict.fromkeys(names, ()), fields, with_state=with_state)


@dataclass(frozen=True, slots=True)
class _Plan:
    """How one group of fields is read."""

    codec: ModelCodec[Any]
    columns: tuple[Column, ...]
    blank: dict[str, None]
    """The row of a task that lacks the group."""
    layout: Layout | None
    """Of groups of nothing but floats."""


@lru_cache(maxsize=256)
def _plans(models: Models) -> dict[Group, _Plan]:
    codec = task_codec(models)
    plans: dict[Group, _Plan] = {}
    for group in codec.schema.groups:
        columns = tuple(Column.of(name, column) for name, column in group.columns.items())
        layout = None if group.free_form else layout_of(columns)
        blank = dict.fromkeys(group.columns)
        plans[group.name] = _Plan(codec.group(group.name), columns, blank, layout)
    return plans


@dataclass(frozen=True, slots=True)
class _Part:
    """What some rows of a group hold."""

    series: list[pl.Series]
    free: dict[str, dict[int, Any]]
    """Undeclared names in order of appearance, with the values by row."""


@dataclass(frozen=True, slots=True)
class _Source:
    """What is stored of some tasks."""

    columns: Mapping[str, Blobs]

    def text(self, name: str, dtype: pl.DataType) -> pl.Series:
        """Read what is stored as text."""
        return self._read(name, lambda blobs: _text_series(name, blobs, dtype))

    def instant(self, name: str) -> pl.Series:
        """Read a time of the server."""
        return self._read(name, lambda blobs: _instant_series(name, blobs))

    def condition(self) -> pl.Series:
        """Read the conditions into one column of structs."""
        return self._read("condition", _condition_series)

    def group(self, name: Group, plan: _Plan, taken: set[str]) -> list[pl.Series]:
        """Read the columns of a group; add the free ones to what is taken."""
        if plan.layout is not None and len(self.columns[name]) >= FEWEST_ROWS:
            floats = float_series(plan.layout, self.columns[name])
            if floats is not None:
                return floats
        length = len(self.columns[name])
        starts = range(0, max(length, 1), _ROWS_AT_ONCE)
        chunks = [slice(start, start + _ROWS_AT_ONCE) for start in starts]
        parts = [
            self._read(name, lambda blobs: _part(plan, blobs), rows, plan.codec) for rows in chunks
        ]
        series = [
            pieces[0] if len(pieces) == 1 else pl.concat(pieces, rechunk=True)
            for pieces in zip(*(part.series for part in parts), strict=True)
        ]
        wholes: dict[str, list[Any]] = {}
        for start, part in zip(starts, parts, strict=True):
            for column, values in part.free.items():
                whole = wholes.setdefault(column, [None] * length)
                for row, value in values.items():
                    whole[start + row] = value
        for column, whole in wholes.items():
            series.append(self._free(name, _free_name(name, column, taken), whole))
        return series

    def _free(self, group: Group, column: str, values: list[Any]) -> pl.Series:
        """Make a column without a declared type."""
        try:
            return free_series(column, values)
        except _UNREADABLE as error:
            self._name_rows(group, 0, (_trouble_of_free(column, value) for value in values), error)
            return as_text(column, values)

    def _read(
        self,
        name: str,
        read: Callable[[Blobs], R],
        rows: slice = slice(None),
        codec: ModelCodec[Any] | None = None,
    ) -> R:
        blobs = self.columns[name][rows]
        try:
            return read(blobs)
        except _UNREADABLE as error:
            start = rows.start or 0
            if codec is not None:  # a fifth of the time of a frame of one row
                misfits = [_misfit(blob, codec) for blob in blobs]
                troubles = (
                    misfit and (_is_deep(blob) or _trouble(read, blob)) and misfit
                    for misfit, blob in zip(misfits, blobs, strict=True)
                )
                self._name_rows(name, start, troubles, error)
                self._name_rows(name, start, misfits, error)
            self._name_rows(name, start, (_trouble(read, blob) for blob in blobs), error)
            raise CorruptDataError(
                f"the {name} of {len(blobs)} tasks cannot be read together: {why(error)}"
            ) from error

    def _name_rows(
        self, name: str, start: int, details: Iterable[str], error: BaseException
    ) -> None:
        """Raise UnreadableRowsError where there is trouble with any of the rows."""
        keys = self.columns["key"]
        reasons = {
            row: f"task {_shown(keys[row])}, {name}: {detail}"
            for row, detail in enumerate(details, start)
            if detail
        }
        if reasons:
            raise UnreadableRowsError(reasons) from error


def _shown(key: bytes | None) -> str:
    return repr(key.decode(errors="backslashreplace")[:200] if key else key)


def _trouble_of_free(column: str, value: object) -> str:
    try:
        free_series(column, [value])
    except _UNREADABLE as error:
        return f"{excerpt(column, 80)}: {why(error)}"
    return ""


def _trouble(read: Callable[[Blobs], object], blob: bytes | None) -> str:
    """Say why one stored value cannot be read into a frame; empty if it can."""
    try:
        read([blob])
    except _UNREADABLE as error:
        shown = None if blob is None else blob[:80]
        return f"{shown!r} cannot be read: {why(error)}"
    return ""


def _is_deep(blob: bytes | None) -> bool:
    """Tell whether a group is nested so deeply that Polars would take long to refuse it."""
    try:
        check_depth(blob or b"")
    except _UNREADABLE:
        return True
    return False


def _misfit(blob: bytes | None, codec: ModelCodec[Any]) -> str:
    """Say why one stored value does not fit its model; empty if it does."""
    try:
        if blob is not None:
            codec.decode(blob)
    except CorruptDataError as error:
        return str(error)
    return ""


def _text_series(name: str, blobs: Blobs, dtype: pl.DataType) -> pl.Series:
    stored = pl.Series(name, blobs, dtype=pl.Binary, strict=True)
    return stored.cast(pl.String).cast(dtype, strict=True)


def _instant_series(name: str, blobs: Blobs) -> pl.Series:
    counts = _text_series(name, blobs, pl.Int64())
    check_range(counts, UTC_INSTANT)
    return counts.cast(UTC_INSTANT)


def _condition_series(blobs: Blobs) -> pl.Series:
    return CONDITION.series([None if blob is None else dict(unpack_plain(blob)) for blob in blobs])


def _part(plan: _Plan, blobs: Blobs) -> _Part:
    unpack = _unpack_of(plan, blobs)
    rows = [plan.blank if blob is None else unpack(blob) for blob in blobs]
    try:
        series = [
            column.series(list(map(itemgetter(column.name), rows))) for column in plan.columns
        ]
    except KeyError:  # rows of a time before the model was extended
        rows = [
            row
            if blob is None or plan.blank.keys() <= row.keys()
            else plan.codec.complete(row, blob)
            for row, blob in zip(rows, blobs, strict=True)
        ]
        series = [
            column.series(list(map(itemgetter(column.name), rows))) for column in plan.columns
        ]
    free: dict[str, dict[int, Any]] = {}
    if plan.codec.free_form:
        for index, row in enumerate(rows):
            for name in row:
                if name not in plan.blank:
                    free.setdefault(name, {})[index] = row[name]
        if not all(isinstance(name, str) for name in free):
            raise ValueError("a name is not text")
    return _Part(series, free)


def _unpack_of(plan: _Plan, blobs: Blobs) -> Callable[[bytes], Any]:
    """Return what unpacks a group: without a guard where nothing is long enough to need one."""
    if plan.codec.free_form:
        return plan.codec.decode_values
    longest = max(map(len, filter(None, blobs)), default=0)
    if longest <= MOST_UNGUARDED:
        return msgpack.unpackb
    return _UNPACK_SHALLOW if longest <= LARGE else unpack_plain


def _free_name(group: Group, name: str, taken: set[str]) -> str:
    """Name a free column; with its group in front when the name is taken."""
    free = name
    while free in taken:
        free = f"{group}.{free}"
    if free != name:
        shown = name[:_SHOWN], group, free[:_SHOWN]
        logger.warning("Column {!r} exists already: that of {} is named {!r}", *shown)
    taken.add(free)
    return free
