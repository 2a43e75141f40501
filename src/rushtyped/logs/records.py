"""Records of loguru as what is stored of them."""

from __future__ import annotations

import time
import traceback

import loguru
import msgpack

from rushtyped.codec.instants import aware_to_micros

MOST_TEXT_BYTES = 1_000_000
"""Bytes of a message or traceback that are kept."""
ERROR = 40
WARNING = 30

_LARGEST = 2**63 - 1


def pack_record(record: loguru.Record) -> bytes:
    """Pack what is stored of a record, whatever it holds; a huge text is cut, with a mark."""
    try:
        return _packed(
            timestamp=max(0, aware_to_micros(record["time"])),
            level=record["level"].name,
            number=record["level"].no,
            logger=record["name"] or "",
            caller=f"{record['function']}:{record['line']}",
            message=record["message"],
            exception=_traceback(record["exception"]),
        )
    except Exception as error:  # noqa: BLE001 - patchers may put anything into a record
        return pack_note(ERROR, "ERROR", f"A log record cannot be stored: {error!r}")


def pack_note(number: int, level: str, message: str) -> bytes:
    """Pack a record about the log itself."""
    now = time.time_ns() // 1000
    return _packed(
        timestamp=now, level=level, number=number, logger=__name__, caller="", message=message
    )


def _packed(
    *,
    timestamp: int,
    level: str,
    number: int,
    logger: str,
    caller: str,
    message: str,
    exception: str | None = None,
) -> bytes:
    packed: bytes = msgpack.packb(
        {
            "timestamp": timestamp,
            "level": _text(level),
            "number": min(max(number, 0), _LARGEST),
            "logger": _text(logger),
            "caller": _text(caller),
            "message": _text(message),
            "exception": None if exception is None else _text(exception),
        }
    )
    return packed


def _text(value: object) -> str:
    """Return text that is valid Unicode and not too long."""
    whole = str(value)
    data = whole[:MOST_TEXT_BYTES].encode("utf-8", "backslashreplace")
    if max(len(whole), len(data)) <= MOST_TEXT_BYTES:
        return data.decode()
    kept = data[:MOST_TEXT_BYTES].decode("utf-8", "ignore")
    return f"{kept}... (cut: it has {len(whole)} characters)"


def _traceback(exception: loguru.RecordException | None) -> str | None:
    if exception is None or exception.type is None:
        return None
    return "".join(traceback.format_exception(*exception))
