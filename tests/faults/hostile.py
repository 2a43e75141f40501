"""Bytes as an enemy, or a fault, might leave them in Redis, and a call that withstands them."""

from __future__ import annotations

import os
import pickle
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgpack

from rushtyped import RushTypedError

BIDI = "\u202ekcab\u202c"
ESCAPE = "\x1b[2J\x1b]0;owned\x07"
FORGED = "fine\n2026-01-01 00:00:00.000 | CRITICAL | forged:main:1 - all is lost"
"""A message that pretends to be two entries of a log."""
CONTROL = f"{FORGED}\r{ESCAPE}{BIDI}\u200b\x9b31m\x00\x7f"
"""Text with all that may take effect where it is shown."""


class Canary:
    """Creates a file where it is unpickled."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._file),)


def nested(depth: int, head: bytes = b"\x91") -> bytes:
    """Pack a null in so many arrays, or maps of one name."""
    return head * depth + b"\xc0"


def nested_extensions(depth: int, code: int = 8) -> bytes:
    """Pack tuples in tuples, which msgpack would unpack by recursion."""
    data = b"\x90"
    for _ in range(depth):
        item = b"\x91" + data
        data = b"\xc9" + struct.pack(">Ib", len(item), code) + item
    return data


def payloads(canary: Path) -> list[bytes]:
    """List values that are hostile wherever they stand."""
    extension = msgpack.ExtType
    decimals = (b"NaN", b"sNaN", b"Infinity", b"1E+999999999", b"-0", b"\xff", b"9" * 5000, b"x")
    for_sets: tuple[Any, ...] = ([[]], [1, "a", None], {"a": 1}, "ab", 3)
    packed: list[Any] = [
        *(
            None,
            True,
            0,
            -1,
            2**63,
            2**64 - 1,
            1.5,
            float("nan"),
            "",
            "a",
            CONTROL,
            b"\xff",
            "9" * 99,
        ),
        *([], [1], ["a"], [[1]], [1, "a", None], {}, {"a": 1}, {b"\xff": 1}, {"": 1}, {CONTROL: 1}),
        *({"key": 1, "state": 2, "xs_extra.a": 3}, {"kind": "rbf"}, {"x": "s"}, {"a" * 70_000: 1}),
        *(msgpack.Timestamp(2**40, 1), msgpack.Timestamp(2**33, 1), extension(127, b"")),
        *(extension(code, b"") for code in range(1, 12)),
        *(extension(code, b"\xff" * 8) for code in range(1, 12)),
        *(extension(6, text) for text in decimals),
        *(extension(9, msgpack.packb(items)) for items in for_sets),
        extension(9, msgpack.packb([extension(6, b"NaN"), extension(6, b"1")])),
        *({"a": value} for value in ([2**64 - 1], {"b": [None, {"c": b""}]}, "a" * 70_000)),
    ]
    return [
        *map(msgpack.packb, packed),
        pickle.dumps(Canary(canary)),
        msgpack.packb(pickle.dumps(Canary(canary))),
        msgpack.packb(extension(5, pickle.dumps(Canary(canary)))),
        *(b"", b"\xc1", b"\x00" * 100, b"\x80\x80", b"\x82\xa1a\x01\xa1a\x02", b"\x81\x01\x02"),
        *(nested(depth) for depth in (65, 1000, 10_000)),
        *(nested(depth, b"\x81\xa1a") for depth in (65, 1000, 10_000)),
        *(b"\x81\xa1a" + nested(depth) for depth in (66, 1000)),
        *(b"\x81\xa1a" + nested(depth, b"\x81\xa1a") for depth in (65, 300, 1000)),
        *(nested_extensions(depth) for depth in (66, 200, 1000, 10_000)),
        *(b"\x81\xa1a" + nested_extensions(depth, 9) for depth in (66, 1000)),
        *(head + b"\xff\xff\xff\xff" for head in (b"\xdd", b"\xdf", b"\xdb", b"\xc6")),
        *(
            b"\x81\xa1a" + head + b"\xff\xff\xff\xff"
            for head in (b"\xdd", b"\xdf", b"\xdb", b"\xc6")
        ),
        b"\xc9\xff\xff\xff\xff\x01",
        (b"\xdd" + struct.pack(">I", 60_000)) * 900 + b"\xc0" * 60_000,
        b"\xa3\xed\xa0\x80",
        b"\x81\xa1a\xa3\xed\xa0\x80",
    ]


TEXTS = (
    *(b"", b"\xff\xfe", b"-1", b"0", b"1.5", b"nan", b"inf", b" 1", b"1_0", b"0x10", b"1e3"),
    *(b"9" * 19, b"9" * 30, b"9" * 5000, b"9223372036854775807", b"253402300800000000"),
    *(b"\x00", b"../../x", b"a" * 100_000, b"finished\n", b"FINISHED", CONTROL.encode()),
    *("\u0662".encode(), b"{}", b"[]", b"null", b"\x80"),
)
"""What a field that holds plain text may hold instead."""


def mutations(valid: bytes, n: int, seed: int) -> Iterator[bytes]:
    """Damage valid bytes in n ways; a seed gives the same ways again."""
    source = random.Random(seed)
    heads = (b"\xdd\xff\xff\xff\xff", b"\xc7\x01\x08", b"\xd6\xff\0\0\0\1", b"\x91" * 50, b"\xc1")
    for _ in range(n):
        data = bytearray(valid)
        for _ in range(source.randint(1, 4)):
            at = source.randrange(len(data) + 1)
            match source.randrange(5):
                case 0:
                    data[at : at + 1] = source.randbytes(1)
                case 1:
                    data[at:at] = source.randbytes(source.randint(1, 8))
                case 2:
                    del data[at : at + source.randint(1, 8)]
                case 3:
                    data[at:at] = source.choice(heads)
                case _:
                    other = source.randrange(len(data) + 1)
                    data[at:at] = data[min(at, other) : max(at, other)]
        yield bytes(data)


def withstands(call: Callable[[], object]) -> bool:
    """Make a call that may fail, by one of our own errors only; tell whether it succeeded.

    The message must be of a bearable length, and must not take effect in a terminal.
    """
    try:
        call()
    except RushTypedError as error:
        check_text(str(error))
        return False
    return True


def check_text(text: str) -> None:
    """Fail where a text is endless, or would do something to a terminal that shows it."""
    assert len(text) < 5000, text[:300]
    wrong = [char for char in text if not char.isprintable() and char not in "\n\t"]
    assert wrong == [], text[:1000]
