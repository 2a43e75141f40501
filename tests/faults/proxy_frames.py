"""Commands and replies as they follow each other in the bytes of a connection."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from rushtyped.lua import load_script, script_names

_BLOCKS = b"$!="
_CONTAINERS = {b"*": 1, b"~": 1, b">": 1, b"%": 2}
_BY_SUBCOMMAND = ("SCRIPT", "CLIENT", "CONFIG", "CLUSTER", "SENTINEL")


class Frames:
    """Cuts a stream of bytes into whole commands, or whole replies, of protocol 2 or 3."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what is complete now; the rest waits for more bytes."""
        self._buffer += chunk
        while (end := _end(self._buffer, 0)) is not None:
            frame = bytes(self._buffer[:end])
            del self._buffer[:end]
            yield frame


def command_name(frame: bytes) -> str:
    """Name the command of a request; a script by its own name."""
    is_inline = frame[:1] != b"*"
    words = frame.split() if is_inline else frame.split(b"\r\n", 5)[2:5:2]
    name = words[0].decode().upper()
    if name == "EVALSHA":
        return _scripts().get(words[1].decode(), name)
    if name in _BY_SUBCOMMAND and len(words) > 1:
        return f"{name} {words[1].decode().upper()}"
    return name


@cache
def _scripts() -> dict[str, str]:
    return {load_script(name).sha: name for name in script_names()}


def _end(buffer: bytearray, start: int) -> int | None:
    """Find where the value that begins at `start` ends, or None where it is not complete."""
    line_end = buffer.find(b"\r\n", start)
    if line_end < 0:
        return None
    end: int | None = line_end + 2
    kind = bytes(buffer[start : start + 1])
    if kind in _CONTAINERS:
        for _ in range(_CONTAINERS[kind] * int(buffer[start + 1 : line_end])):
            if end is None:
                return None
            end = _end(buffer, end)
        return end
    if kind and kind in _BLOCKS and (length := int(buffer[start + 1 : line_end])) >= 0:
        end = line_end + 2 + length + 2
        return end if end <= len(buffer) else None
    return end
