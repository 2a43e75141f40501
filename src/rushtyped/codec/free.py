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

Integers are signed, big-endian. What comes back equals what went in, with the same type. The
timestamp of msgpack itself, which other clients may write, is read as a datetime in UTC.

Whatever bytes are given, reading them takes memory in proportion to their number, and nothing that
is nested deeper than 64 levels is made: msgpack's own extensions would recurse on the C stack, and
Polars takes minutes for a thousand nested lists.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import msgpack

from rushtyped.codec import instants
from rushtyped.errors import CorruptDataError, InvalidTaskError, TooLargeError
from rushtyped.printable import excerpt

MAX_VALUE_BYTES = 512 * 2**20
"""Redis stores no longer string."""
MAX_DEPTH = 64
"""How deep lists and dicts may be nested in a free value."""
LARGE = 2**14
"""Bytes from which data are measured before anything is made of them."""
UNREADABLE = (
    *(ValueError, TypeError, ArithmeticError, LookupError, RecursionError, struct.error),
    msgpack.UnpackException,
)
"""What reading damaged data may raise."""

_NAIVE, _AWARE, _DATE, _TIME, _DURATION, _DECIMAL, _UUID, _TUPLE, _SET, _FROZENSET = range(1, 11)
_ATOMS = frozenset({type(None), bool, float, str, bytes})
_NESTED = frozenset({list, dict, tuple, set, frozenset})
_AS_DATETIME = 3  # what msgpack's own timestamp is read as
_TOO_DEEP = f"it is nested deeper than {MAX_DEPTH} levels"
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
        value = unpack(data)
        plain(value, "value")
    except UNREADABLE as error:
        raise CorruptDataError(f"a stored value cannot be read: {why(error)}") from error
    return value


def why(error: BaseException) -> str:
    """Say why data cannot be read, without more of them than a few characters."""
    match error:
        case msgpack.exceptions.ExtraData():
            return "more follows after its end"
        case msgpack.exceptions.FormatError():
            return "it is not msgpack"
        case msgpack.exceptions.StackError() | RecursionError():
            return _TOO_DEEP
        case UnicodeDecodeError():
            return f"text is not UTF-8: {error.reason} at byte {error.start}"
        case _:
            return excerpt(error) or type(error).__name__


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
    measure(data)
    return msgpack.unpackb(data, ext_hook=_EXTENSIONS[0], list_hook=shallow, timestamp=_AS_DATETIME)


def unpack_plain(data: bytes) -> Any:
    """Unpack bytes of a declared model: no extension types, no deeply nested arrays."""
    measure(data)
    return msgpack.unpackb(data, list_hook=shallow)


def measure(data: bytes) -> None:
    """Raise ValueError for large data that are not whole: msgpack makes room for what they declare.

    An array inside of each other array may declare as many items as there are bytes.
    """
    if len(data) > LARGE:
        unpacker = msgpack.Unpacker(max_buffer_size=len(data), strict_map_key=False)
        unpacker.feed(data)
        try:
            unpacker.skip()
        except msgpack.OutOfData as error:
            raise ValueError("it ends early") from error


def shallow(items: list[Any]) -> list[Any]:
    """Return an array that was read, or raise ValueError where it is nested too deeply."""
    if not _NESTED.isdisjoint(map(type, items)) and _is_deep(items):
        raise ValueError(_TOO_DEEP)
    return items


def check_depth(data: bytes) -> None:
    """Raise ValueError for data that cannot be unpacked, or whose maps too are nested too deeply.

    Maps are not looked at otherwise: that would take a tenth of the time to read a frame.
    """
    if _is_deep([unpack_plain(data)]):
        raise ValueError(_TOO_DEEP)


def _is_deep(items: list[Any]) -> bool:
    level: list[Any] = [items]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for each in level
            for item in (each.values() if type(each) is dict else each)
            if type(item) in _NESTED
        ]
        if not level:
            return False
    return True


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
    if kind is int:
        if not -(2**63) <= value < 2**63:
            raise InvalidTaskError(f"{where}: an int should fit in 64 bits, got {value:#x}")
        return value
    if depth >= MAX_DEPTH:
        raise InvalidTaskError(f"{excerpt(where)}: is nested deeper than {MAX_DEPTH} levels")
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


def _read_extension(depth: int, code: int, data: bytes) -> object:
    if code in _COUNTS:
        return _COUNTS[code](struct.unpack(">q", data)[0])
    if code in _CONTAINERS:
        return _CONTAINERS[code](_read_items(depth + 1, data))
    if code == _DECIMAL:
        return _decimal(data)
    if code == _UUID:
        return UUID(bytes=data)
    raise ValueError(f"unknown extension type {code}")


def _read_items(depth: int, data: bytes) -> list[Any]:
    if depth >= len(_EXTENSIONS):
        raise ValueError(_TOO_DEEP)
    # unlike `unpackb`, which takes 40 kB of the C stack, this may call itself
    unpacker = msgpack.Unpacker(
        ext_hook=_EXTENSIONS[depth],
        list_hook=shallow,
        timestamp=_AS_DATETIME,
        max_buffer_size=max(1, len(data)),
        read_size=max(1, len(data)),
    )
    unpacker.feed(data)
    items = unpacker.unpack()
    if type(items) is not list or unpacker.tell() != len(data):
        raise ValueError("a tuple or set is not stored as one array")
    return items


def _decimal(data: bytes) -> Decimal:
    value = Decimal(data.decode("ascii"))
    if not value.is_finite():
        raise ValueError("a decimal is not finite")
    return value


_EXTENSIONS = tuple(partial(_read_extension, depth) for depth in range(MAX_DEPTH + 1))
