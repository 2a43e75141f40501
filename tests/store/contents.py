"""What a server holds: all of it, and what of it a call has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import redis

NOW = "now"
"""Stands for a server time within the call that was watched."""
EARLIER = "earlier"
"""Stands for a server time before that."""

_TIMES = ("created_at", "started_at", "finished_at", "ended_at", "server_since")


class Expiring(NamedTuple):
    """A string that the server drops at a time, in milliseconds since 1970."""

    value: bytes
    at: int


@dataclass(frozen=True, eq=False, slots=True)
class Lasting:
    """A string that the server drops some milliseconds after it was written.

    A watch knows only the least and the most of them: it equals any number from one to the other.
    """

    value: str
    least: int
    most: int

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Lasting)
            and self.value == other.value
            and max(self.least, other.least) <= min(self.most, other.most)
        )


def lasting(value: str, seconds: float) -> Lasting:
    """Expect a string that the server drops after so many seconds."""
    milliseconds = round(1000 * seconds)
    return Lasting(value, milliseconds, milliseconds)


def contents(client: redis.Redis) -> dict[str, Any]:
    """Read every key of the server, whatever it is called, by name."""
    return {name.decode(): _read(client, name) for name in sorted(client.scan_iter(count=1000))}


def server_time(client: redis.Redis) -> int:
    """Ask for the server's clock, in microseconds."""
    seconds, microseconds = client.time()
    return int(seconds) * 1_000_000 + int(microseconds)


def _read(client: redis.Redis, name: bytes) -> Any:
    match client.type(name):
        case b"string":
            value: Any = client.get(name)
            at: Any = client.pexpiretime(name.decode())
            return value if at < 0 else Expiring(value, at)
        case b"list":
            return client.lrange(name, 0, -1)
        case b"set":
            return client.smembers(name)
        case b"zset":
            return client.zrange(name, 0, -1, withscores=True)
        case b"hash":
            return client.hgetall(name)
        case b"stream":
            return client.xrange(name)
        case other:
            raise AssertionError(f"{name!r} is a {other!r}")


class Watch:
    """Compares all that the server holds now with what it held when the watch began."""

    def __init__(self, client: redis.Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._before = contents(client)
        self._began = server_time(client)

    def changes(self) -> dict[str, Any]:
        """Show each key that is not as it was, without its prefix; None for one that has gone.

        Times show as NOW or EARLIER, a sorted set as its members, a stream as what is new in it.
        """
        after = contents(self._client)
        self._ended = server_time(self._client)
        names = [name for name in self._before | after if self._before.get(name) != after.get(name)]
        return {
            name.removeprefix(self._prefix): self._shown(self._before.get(name), after.get(name))
            for name in names
        }

    def _shown(self, before: Any, after: Any) -> Any:
        match after:
            case Expiring(value, at):
                least, most = at - self._ended // 1000, at - self._began // 1000
                return Lasting(value.decode(), least, most)
            case dict():
                return {key.decode(): self._field(key, value) for key, value in after.items()}
            case set():
                return {member.decode() for member in after}
            case [(bytes(), float()), *_]:
                return self._members(dict(before or ()), after)
            case [(bytes(), dict()), *_]:
                old = before or []
                assert after[: len(old)] == old
                return [_event(entry) for _, entry in after[len(old) :]]
            case list():
                return [value.decode() for value in after]
            case bytes():
                return after.decode()
            case _:
                return after

    def _field(self, key: bytes, value: bytes) -> str:
        if key.decode() not in _TIMES:
            return value.decode()
        assert value.isdigit()
        assert int(value) <= self._ended
        return NOW if int(value) >= self._began else EARLIER

    def _members(self, before: dict[bytes, float], after: list[tuple[bytes, float]]) -> list[str]:
        """Show the members by score; a score is the one of before, or a time within the watch."""
        for member, score in after:
            if before.get(member) != score:
                # tasks of one call follow each other by a microsecond
                assert self._began <= score <= self._ended + len(after)
        return [member.decode() for member, _ in after]


def _event(entry: dict[bytes, bytes]) -> str:
    assert list(entry) == [b"type", b"n", b"worker"]
    return b" ".join(entry.values()).decode().rstrip()
