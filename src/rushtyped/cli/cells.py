"""Values of tasks as text: for people, and as JSON."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from rushtyped.printable import printable

MISSING = "-"
_NAN_AND_INFINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def cell(value: object) -> str:
    """Write a value on one line, so that nothing of it takes effect in a terminal."""
    match value:
        case None:
            return MISSING
        case float():
            return f"{value:.6g}"
        case datetime():
            return _moment(value)
        case {"type": str(kind), "message": str(message), "traceback": _}:  # a condition
            return printable(f"{kind}: {message}")
        case Mapping() | list() | tuple():
            return printable(json.dumps(json_value(value), ensure_ascii=False))
        case _:
            return printable(value)


def json_value(value: object) -> object:
    """Return a value as JSON can say it.

    Times are ISO 8601, durations seconds, bytes base64, and floats that JSON has no number for
    the texts "NaN", "Infinity" and "-Infinity".
    """
    match value:
        case Mapping():
            return {str(name): json_value(each) for name, each in value.items()}
        case tuple() if (names := getattr(value, "_fields", None)) is not None:
            return json_value(dict(zip(names, value, strict=True)))
        case list() | tuple():
            return [json_value(each) for each in value]
        case _:
            return _json_scalar(value)


def _json_scalar(value: object) -> object:
    match value:
        case float() if not math.isfinite(value):
            return _NAN_AND_INFINITE[str(value)]
        case bytes():
            return base64.b64encode(value).decode()
        case date() | time():  # a datetime is a date
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Decimal():
            return str(value)
        case _:
            return value


def _moment(value: datetime) -> str:
    zone = "" if value.tzinfo is None else "Z"
    local = value if value.tzinfo is None else value.astimezone(UTC)
    return f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03d}{zone}"
