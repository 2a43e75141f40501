"""Records that a process sends to its own child or parent through a pipe."""

from __future__ import annotations

import os
import pickle
import struct
from typing import Any

_LENGTH = struct.Struct(">Q")


def frame(record: object) -> bytes:
    """Pack a record, with its length in front."""
    packed = pickle.dumps(record)
    return _LENGTH.pack(len(packed)) + packed


def send(descriptor: int, framed: bytes) -> None:
    """Write a packed record to the end; raises OSError where the other side has gone."""
    left = memoryview(framed)
    while left:
        left = left[os.write(descriptor, left) :]


def receive(descriptor: int) -> Any:
    """Read and unpack a record; raises EOFError where the other side has gone."""
    return pickle.loads(receive_bytes(descriptor))  # noqa: S301 - its own parent or child wrote it


def receive_bytes(descriptor: int) -> bytes:
    """Read a record that is still packed; raises EOFError where the other side has gone."""
    (length,) = _LENGTH.unpack(_read(descriptor, _LENGTH.size))
    return _read(descriptor, length)


class Frames:
    """Records that arrive in pieces."""

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, received: bytes) -> list[Any]:
        """Take in what was received, and return the records that are complete."""
        self._received += received
        records = []
        while len(self._received) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._received)[0]
            if len(self._received) < end:
                break
            packed = bytes(self._received[_LENGTH.size : end])
            records.append(pickle.loads(packed))  # noqa: S301 - its own parent or child wrote it
            del self._received[:end]
        return records


def _read(descriptor: int, length: int) -> bytes:
    """Read without a buffer, so that nothing of the next record is taken."""
    parts = bytearray()
    while len(parts) < length:
        part = os.read(descriptor, min(length - len(parts), 1 << 20))
        if not part:
            raise EOFError("the other end of the pipe was closed")
        parts += part
    return bytes(parts)
