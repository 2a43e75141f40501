"""The column types of annotations that hold one value."""

from __future__ import annotations

import sys
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, get_args, get_origin
from uuid import UUID

from pydantic import AwareDatetime, EmailStr, FutureDate, NaiveDatetime, PastDate
from pydantic.networks import AnyUrl, MongoDsn, NatsDsn, PostgresDsn

from rushtyped.dtypes.columns import PLAIN_DECIMAL, ColumnType, Kind
from rushtyped.dtypes.metadata import Metadata, last
from rushtyped.dtypes.place import Place

SCALARS: dict[object, tuple[Kind, type]] = {
    int: (Kind.INT64, int),
    float: (Kind.FLOAT64, float),
    bool: (Kind.BOOLEAN, bool),
    str: (Kind.STRING, str),
    EmailStr: (Kind.STRING, str),
    bytes: (Kind.BINARY, bytes),
    datetime: (Kind.DATETIME, datetime),
    NaiveDatetime: (Kind.DATETIME, datetime),
    AwareDatetime: (Kind.DATETIME_UTC, datetime),
    date: (Kind.DATE, date),
    PastDate: (Kind.DATE, date),
    FutureDate: (Kind.DATE, date),
    time: (Kind.TIME, time),
    timedelta: (Kind.DURATION, timedelta),
    UUID: (Kind.STRING, UUID),
}
TEXTS = (PurePath, AnyUrl, MongoDsn, NatsDsn, PostgresDsn)
"""Classes whose instances are kept as their text."""
_NUMPY = {
    "bool": Kind.BOOLEAN,
    **{
        kind.value.lower(): kind for kind in Kind if kind.value.startswith(("Int", "UInt", "Float"))
    },
}


def decimal(metadata: Metadata, place: Place) -> ColumnType:
    """Take precision and scale from the constraints of a Decimal."""
    digits = last(metadata, "max_digits")
    places = last(metadata, "decimal_places")
    precision, scale = PLAIN_DECIMAL
    if places is not None:
        precision, scale = digits or precision, places
    if (digits or 0) > PLAIN_DECIMAL[0] or scale > precision:
        reason = f"a column keeps {precision} digits, at least {scale} of them decimal places"
        raise place.refuse(Decimal, reason, "lower max_digits or decimal_places to at most 38")
    return ColumnType(Kind.DECIMAL, precision=precision, scale=scale, python=Decimal)


def literal(annotation: Any, place: Place) -> ColumnType:
    """Take the categories from a Literal of strings."""
    values = [value for value in get_args(annotation) if value is not None]
    if not values or not all(type(value) is str for value in values):
        raise place.refuse(annotation, "its values are not strings", "use strings")
    nullable = len(values) < len(get_args(annotation))
    return ColumnType(Kind.ENUM, nullable, categories=tuple(dict.fromkeys(values)), python=str)


def enumeration(annotation: type[Enum], place: Place) -> ColumnType:
    """Take the categories from an Enum of strings."""
    values = [member.value for member in annotation]
    if not values or not all(isinstance(value, str) for value in values):
        raise place.refuse(annotation, "its values are not strings", "use a str Enum")
    return ColumnType(Kind.ENUM, categories=tuple(map(str.__str__, values)), python=annotation)


def array(annotation: Any, metadata: Metadata, place: Place) -> ColumnType:
    """Take the dtype from a numpy array of one dimension, and its length where it has one."""
    shape, dtype = get_args(annotation)
    if get_origin(shape) is tuple and len(get_args(shape)) > 1 and get_args(shape)[-1] is not ...:
        raise place.refuse(annotation, "it has more than one dimension", "use one dimension")
    scalar = (get_args(dtype) or (None,))[0]
    kind = _NUMPY.get(sys.modules["numpy"].dtype(scalar).name) if _is_scalar(scalar) else None
    if kind is None:
        supported = ", ".join(sorted(_NUMPY))
        raise place.refuse(annotation, "its dtype is not supported", f"use one of {supported}")
    python = sys.modules["numpy"].ndarray
    inner = ColumnType(kind)
    shortest, longest = last(metadata, "min_length"), last(metadata, "max_length")
    if shortest and shortest == longest:
        return ColumnType(Kind.ARRAY, inner=inner, width=shortest, python=python)
    return ColumnType(Kind.LIST, inner=inner, python=python)


def _is_scalar(scalar: Any) -> bool:
    """Say whether a numpy scalar class names one dtype (numpy.floating names several)."""
    return scalar in sys.modules["numpy"].sctypeDict.values()
