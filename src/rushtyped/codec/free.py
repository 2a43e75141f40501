"""Values that describe themselves: what a free-form extra, or user data without a model, may hold.

None, bool, int of 64 bits, float, str, bytes, list and dict with str keys are msgpack's own. The
others are extension types:

| code | value | data |
|---|---|---|
| 1 | datetime without a zone | µs since 1970, 8 bytes |
| 2 | datetime with a zone, comes back in UTC | µs since 1970, 8 bytes |
| 3 | date | days since 1970, 8 bytes |
| 4 | time | µs since midnight, 8 bytes |
| 5 | timedelta | µs, 8 bytes |
| 6 | Decimal, finite | its text |
| 7 | UUID | 16 bytes |
| 8, 9, 10 | tuple, set, frozenset | a msgpack array |

Integers are signed, big-endian. What comes back equals what went in, with the same type.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgpack

from rushtyped.codec import instants
from rushtyped.errors import CorruptDataError, InvalidTaskError, TooLargeError

MAX_VALUE_BYTES = 512 * 2**20
"""Redis stores no longer string."""
MAX_DEPTH = 64
"""How deep lists and dicts may be nested in a free value."""
UNREADABLE = (ValueError, TypeError, ArithmeticError, LookupError, RecursionError, struct.error)
"""What reading damaged data may raise."""

_NAIVE, _AWARE, _DATE, _TIME, _DURATION, _DECIMAL, _UUID, _TUPLE, _SET, _FROZENSET = range(1, 11)
_ATOMS = frozenset({type(None), bool, float, str, bytes})
_SEQUENCES: dict[type, int] = {tuple: _TUPLE, set: _SET, frozenset: _FROZENSET}
_COUNTED: dict[type, tuple[int, Callable[[Any], int]]] = {
    date: (_DATE, instants.date_to_days),
    time: (_TIME, instants.time_to_micros),
    timedelta: (_DURATION, instants.duration_to_micros),
}
_COUNTS: dict[int, Callable[[object], object]] = {
    _NAIVE: instants.micros_to_naive,
    _AWARE: instants.micros_to_aware,
    _DATE: instants.days_to_date,
    _TIME: instants.micros_to_time,
    _DURATION: instants.micros_to_duration,
}
_CONTAINERS: dict[int, Callable[[list[Any]], object]] = {
    _TUPLE: tuple,
    _SET: set,
    _FROZENSET: frozenset,
}


def pack_value(value: object, *, where: str = "value") -> bytes:
    """Pack a free value; `where` names it in errors.

    Raise InvalidTaskError for what cannot be stored, TooLargeError beyond 512 MiB.
    """
    return sized(pack(plain(value, where), where), where)


def unpack_value(data: bytes) -> Any:
    """Unpack what `pack_value` made; raise CorruptDataError for anything else."""
    try:
        return unpack(data)
    except UNREADABLE as error:
        raise CorruptDataError(f"a stored value cannot be read: {error!r}") from error


def pack(value: object, where: str) -> bytes:
    """Pack what msgpack can; raise InvalidTaskError with the place for text that is not Unicode."""
    try:
        packed: bytes = msgpack.packb(value)
    except UnicodeEncodeError as error:
        raise InvalidTaskError(
            f"{where}: text should be valid Unicode, got a lone surrogate ({error})"
        ) from error
    except (ValueError, OverflowError, TypeError) as error:
        raise InvalidTaskError(f"{where}: the value cannot be stored: {error}") from error
    return packed


def unpack(data: bytes) -> Any:
    """Unpack bytes with the extension types of free values."""
    return msgpack.unpackb(data, ext_hook=_read_extension)


def sized(data: bytes, where: str) -> bytes:
    """Return the data, or raise TooLargeError when Redis cannot store them as one string."""
    if len(data) > MAX_VALUE_BYTES:
        raise TooLargeError(
            f"{where}: takes {len(data)} bytes, Redis stores at most {MAX_VALUE_BYTES}; "
            "keep large objects in files and store their paths"
        )
    return data


def plain(value: Any, where: str, depth: int = 0) -> Any:
    """Turn a free value into what msgpack packs; raise InvalidTaskError for what has no form."""
    kind = type(value)
    if kind in _ATOMS:
        return value
    if depth > MAX_DEPTH:
        raise InvalidTaskError(f"{where}: is nested deeper than {MAX_DEPTH} levels")
    if kind is int:
        if not -(2**63) <= value < 2**63:
            raise InvalidTaskError(f"{where}: an int should fit in 64 bits, got {value:#x}")
        return value
    if kind is list:
        return [plain(item, where, depth + 1) for item in value]
    if kind is dict:
        return _plain_dict(value, where, depth)
    if kind in _SEQUENCES:
        return _plain_sequence(value, where, depth)
    if isinstance(value, float):  # numpy.float64 among them
        return float(value)
    return _extension(value, where)


def _plain_dict(value: dict[Any, Any], where: str, depth: int) -> dict[str, Any]:
    for name in value:
        if type(name) is not str:
            raise InvalidTaskError(f"{where}: the keys of a dict should be str, got {name!r}")
    return {name: plain(item, f"{where}[{name!r}]", depth + 1) for name, item in value.items()}


def _plain_sequence(value: Any, where: str, depth: int) -> msgpack.ExtType:
    items = [plain(item, where, depth + 1) for item in value]
    if type(value) is not tuple:
        items.sort(key=msgpack.packb)  # the same set gives the same bytes
    return msgpack.ExtType(_SEQUENCES[type(value)], pack(items, where))


def _extension(value: Any, where: str) -> msgpack.ExtType:
    try:
        if type(value) is datetime:
            aware = value.utcoffset() is not None
            count = (instants.aware_to_micros if aware else instants.naive_to_micros)(value)
            return msgpack.ExtType(_AWARE if aware else _NAIVE, struct.pack(">q", count))
        if type(value) in _COUNTED:
            code, to_count = _COUNTED[type(value)]
            return msgpack.ExtType(code, struct.pack(">q", to_count(value)))
        if type(value) is Decimal and value.is_finite():
            return msgpack.ExtType(_DECIMAL, str(value).encode())
        if type(value) is UUID:
            return msgpack.ExtType(_UUID, value.bytes)
    except ValueError as error:
        raise InvalidTaskError(f"{where}: {value!r} cannot be stored: {error}") from error
    raise InvalidTaskError(
        f"{where}: expected None, bool, int, float, str, bytes, datetime, date, time, timedelta, "
        "a finite Decimal, UUID, or a list, tuple, set or dict of them, "
        f"got {type(value).__module__}.{type(value).__qualname__}; convert it, or declare it in a "
        "model that is a subclass of Extra"
    )


def _read_extension(code: int, data: bytes) -> object:
    if code in _COUNTS:
        return _COUNTS[code](struct.unpack(">q", data)[0])
    if code in _CONTAINERS:
        return _CONTAINERS[code](unpack(data))
    if code == _DECIMAL:
        return Decimal(data.decode("ascii"))
    if code == _UUID:
        return UUID(bytes=data)
    raise ValueError(f"unknown extension type {code}")
