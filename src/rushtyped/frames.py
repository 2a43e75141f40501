"""Stored tasks as Polars frames: the columns and dtypes are decided by the models, not the data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache, reduce
from operator import itemgetter
from typing import Any
from uuid import UUID

import msgpack
import polars as pl
from loguru import logger

from rushtyped.codec import ModelCodec, task_codec
from rushtyped.codec.leaves import fits
from rushtyped.dtypes import PLAIN_DECIMAL, ColumnType, Kind, column_type
from rushtyped.errors import CorruptDataError, InvalidArgumentError
from rushtyped.models import Condition, TaskState
from rushtyped.schema import GROUPS, TIMES, Field, GroupSchema, Models, NetworkSchema

Blobs = Sequence[bytes | None]
"""One stored field of many tasks; None where a task lacks it."""

_CHUNK = 2000  # rows that are unpacked at once: their objects stay in the processor's cache
_INSTANT = pl.Datetime("us", "UTC")
_STATES = pl.Enum([state.value for state in TaskState])
_FIELDS = (*GROUPS, "worker_id", "condition", "times")
_UNREADABLE = (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError, LookupError)

_DTYPES: dict[Kind, pl.DataType] = {
    Kind.DATETIME: pl.Datetime("us"),
    Kind.DATETIME_UTC: _INSTANT,
    Kind.DATE: pl.Date(),
    Kind.TIME: pl.Time(),
    Kind.DURATION: pl.Duration("us"),
}


def build_frame(
    schema: NetworkSchema,
    columns: Mapping[str, Blobs],
    fields: Iterable[Field],
    *,
    with_state: bool = False,
) -> pl.DataFrame:
    """Make a frame of stored tasks, one row each.

    `columns` maps "key" and the names of the hash fields that `fields` needs ("times" needs
    created_at, started_at, finished_at and attempt) to lists of one length.
    Raise CorruptDataError, with the key of the task, for what cannot be read.
    """
    wanted = set(fields)
    if wanted - set(_FIELDS):
        unknown = ", ".join(map(repr, sorted(wanted - set(_FIELDS))))
        raise InvalidArgumentError(f"unknown fields {unknown}; choose from {', '.join(_FIELDS)}")
    keys = columns["key"]
    series = [_plain("key", keys, keys, pl.String())]
    if with_state:
        series.append(_plain("state", columns["state"], keys, _STATES))
    taken = {name for group in schema.groups for name in group.columns}
    taken |= {"key", "state", "worker_id", "condition", "attempt", *TIMES}
    for group, plan in zip(schema.groups, _plans(schema.models), strict=True):
        if group.name in wanted:
            series += _Reader(group, plan, keys, columns[group.name]).series(taken)
    if "worker_id" in wanted:
        series.append(_plain("worker_id", columns["worker_id"], keys, pl.String()))
    if "condition" in wanted:
        series += _Reader(None, _CONDITION_PLAN, keys, columns["condition"]).condition()
    if "times" in wanted:
        series += [_plain(name, columns[name], keys, _INSTANT) for name in TIMES]
        series.append(_plain("attempt", columns["attempt"], keys, pl.Int64()))
    return pl.DataFrame(series)


def empty_frame(
    schema: NetworkSchema, fields: Iterable[Field], *, with_state: bool = False
) -> pl.DataFrame:
    """Make a frame without rows that has the schema of a full one."""
    names = ("key", "state", *GROUPS, "worker_id", "condition", *TIMES, "attempt")
    return build_frame(schema, dict.fromkeys(names, ()), fields, with_state=with_state)
