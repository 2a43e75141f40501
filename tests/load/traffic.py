"""What is sent to a server: what a command can touch, and how long the server works on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rushtyped import channel
from rushtyped.channel import Channel
from rushtyped.index_store import CHUNK, LISTED, PAGE
from rushtyped.lua import load_script, script_names
from rushtyped.pace import MOST_VALUES
from rushtyped.store import CHUNK_BYTES
from tests.servers.process import ServerProcess

Command = tuple[Any, ...]

BOUND = 20.0
"""Milliseconds that one command may hold up all others."""

_SCRIPTS = {load_script(name).sha: name for name in script_names()}
_RANGES = ("LRANGE", "ZRANGE")
_WHOLE_SETS = ("workers", "running_workers", "terminated_workers")
_MOST_WORDS = 6 * CHUNK + 100
"""Words of a call of a script: a chunk of tasks with five values each, and what comes before."""


class Sent(NamedTuple):
    """One command: its name, that of the script, and what it can touch at the most."""

    name: str
    n_elements: float
    n_bytes: int
    words: Command

    @property
    def is_bounded(self) -> bool:
        """Whether it holds up all others for no longer with a million tasks than with a few."""
        if self.n_bytes > CHUNK_BYTES + 100_000:
            return len(self.words) < 20  # one large value, which cannot be cut
        match self.name:
            case "LRANGE" | "ZRANGE" | "ZRANGEBYSCORE":
                return self.n_elements <= LISTED
            case "SORT":
                return self.n_elements <= max(PAGE, MOST_VALUES)
            case "SMEMBERS":
                return str(self.words[1]).endswith(_WHOLE_SETS)
            case "HGETALL":
                return ":worker:" in str(self.words[1]) or str(self.words[1]).endswith(":logs")
            case _:
                return len(self.words) <= _MOST_WORDS


class Traffic(list[Sent]):
    """Commands in the order in which they were sent by this process."""

    def __init__(self, server: ServerProcess) -> None:
        self._clock = Path(f"/proc/{server.pid}/schedstat")
        self.milliseconds: dict[str, list[float]] = {}
        """How long the server's thread worked on each command, or on each pipeline of them."""

    def check(self) -> None:
        """Fail unless every command is bounded."""
        assert {sent.name: sent.words[:6] for sent in self if not sent.is_bounded} == {}

    def typical(self) -> dict[str, float]:
        """Tell how long the server worked on a command, in all but the longest tenth of its calls.

        Those hold what is no fault of theirs: the server's own tables grow, other programs empty
        the caches of the processor.
        """
        times = self.milliseconds.items()
        return {name: sorted(each)[(len(each) - 1) * 9 // 10] for name, each in times}

    def timed(self, exchange: Callable[..., Any], name: str, *arguments: Any) -> Any:
        """Do an exchange and note the processor's time: others may use the machine meanwhile."""
        began = self._worked()
        reply = exchange(*arguments)
        self.milliseconds.setdefault(name, []).append(self._worked() - began)
        return reply

    def _worked(self) -> float:
        return int(self._clock.read_text().split()[0]) / 1e6


@contextmanager
def recorded(server: ServerProcess) -> Iterator[Traffic]:
    """Record what this process sends meanwhile."""
    traffic = Traffic(server)
    pack, send, send_all = channel._pack, Channel._send, Channel._send_all

    def record(command: Command) -> bytes:
        packed: bytes = pack(command)
        traffic.append(Sent(_name(command), _n_elements(command), len(packed), _words(command)))
        return packed

    def timed_send(self: Channel, connection: Any, command: Command) -> Any:
        return traffic.timed(send, _name(command), self, connection, command)

    def timed_send_all(self: Channel, connection: Any, commands: Sequence[Command]) -> list[Any]:
        name = f"pipeline with {_name(commands[-2:][0])}"
        replies: list[Any] = traffic.timed(send_all, name, self, connection, commands)
        return replies

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(channel, "_pack", record)
        patch.setattr(Channel, "_send", timed_send)
        patch.setattr(Channel, "_send_all", timed_send_all)
        yield traffic


def _name(command: Command) -> str:
    if command[0] == "EVALSHA":
        return _SCRIPTS.get(command[1], "EVALSHA")
    return str(command[0])


def _words(command: Command) -> Command:
    """Keep the words but not large values."""
    return tuple("..." if isinstance(word, bytes) and len(word) > 200 else word for word in command)


def _n_elements(command: Command) -> float:
    name, *words = command
    if name in _RANGES:
        first, last = int(words[1]), int(words[2])
        return last - first + 1 if (first < 0) == (last < 0) else float("inf")
    if name == "ZRANGEBYSCORE":
        return words[-1] if "LIMIT" in words else float("inf")
    if name == "SORT":
        limit = words.index("LIMIT")
        return int(words[limit + 2]) * words.count("GET")
    return len(words)
