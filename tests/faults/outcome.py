"""What a call did, without what differs from run to run: random names, tokens and times."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgpack
import polars as pl

from rushtyped import RushTypedError, Task
from rushtyped.keys import NetworkKeys
from rushtyped.tasks import Tasks

_KEY = re.compile(r"(?<![0-9a-f])[0-9a-f]{24}(?![0-9a-f])")
_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{10}(?![0-9a-f])")
_INSTANT = re.compile(r"datetime\.datetime\((?:[^()]|\([^()]*\))*\)")
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_RANDOM = ("epoch", "token", "settled_by", "failed_by", "retried_by", "request")
_TIMES = ("created_at", "started_at", "finished_at", "ended_at", "expires_at")


class Outcome(NamedTuple):
    """All that a call gives, tells and leaves behind; tasks are numbered as they were created."""

    given: str
    """What it returned or raised."""
    warnings: list[str]
    stored: dict[str, tuple[str, Any]]
    """Every key of the server, with its type and its value."""

    def differences(self, other: Outcome) -> list[str]:
        """Say where another outcome is different."""
        ours, theirs = ({**each.stored, **each._asdict(), "stored": 0} for each in (self, other))
        return [
            f"{name}: {ours.get(name)!r} is {theirs.get(name)!r}"
            for name in sorted(ours | theirs)
            if ours.get(name) != theirs.get(name)
        ]

    def without_wakes(self) -> Outcome:
        """Count what wakes those who wait once, however often it was said in a row."""
        stored = {
            name: (kind, _once(value) if name.endswith(("events", ":kill")) else value)
            for name, (kind, value) in self.stored.items()
        }
        return self._replace(stored=stored)


def read_outcome(given: object, warnings: list[str], client: Any, name: str) -> Outcome:
    """Read all keys of a server, with what a call gave that has just changed them."""
    found = {key.decode(): (kind, value) for key, kind, value in client.eval(_READ_ALL, 0)}
    plain = _Plain(found, NetworkKeys(name))
    stored = {plain.text(key): plain.value(key, *entry) for key, entry in found.items()}
    return Outcome(plain.given(given), [plain.text(each) for each in warnings], stored)


_READ_ALL = """
local commands = {string = {'GET'}, list = {'LRANGE', 0, -1}, zset = {'ZRANGE', 0, -1},
  set = {'SMEMBERS'}, hash = {'HGETALL'}, stream = {'XRANGE', '-', '+'}}
local found = {}
for i, name in ipairs(redis.call('KEYS', '*')) do
  local kind = redis.call('TYPE', name).ok
  local command = commands[kind]
  local value = redis.call(command[1], name, unpack(command, 2))
  if redis.call('PTTL', name) >= 0 then kind = 'passing ' .. kind end
  found[i] = {name, kind, value}
end
return found
"""


class _Plain:
    """Replaces what is random."""

    def __init__(self, found: dict[str, tuple[bytes, Any]], keys: NetworkKeys) -> None:
        lists = [found.get(name, (b"", []))[1] for name in (keys.all, keys.hashes)]
        listed = dict.fromkeys([*lists[0], *sorted(lists[1])])
        self._numbers = {key.decode(): f"<task {n}>" for n, key in enumerate(listed)}
        self._prefix = keys.prefix

    def given(self, given: object) -> str:
        if isinstance(given, RushTypedError):
            return f"{type(given).__name__}: {self.text(str(given))}"
        text = _INSTANT.sub("<instant>", repr(_readable(given)))
        return _ID.sub("<id>", _ADDRESS.sub("", self.text(text)))

    def text(self, text: str) -> str:
        named = _KEY.sub(lambda key: self._numbers.get(key[0], "<unknown task>"), text)
        return named.removeprefix(self._prefix)

    def value(self, name: str, kind: bytes, value: Any) -> tuple[str, Any]:
        """Show a value with its type; whether it passes counts, not when."""
        shown: Any
        match kind.split()[-1]:
            case b"hash":
                pairs = zip(value[::2], value[1::2], strict=True)
                shown = {field.decode(): self._field(field, each) for field, each in sorted(pairs)}
            case b"set":
                shown = sorted(map(self._bytes, value))
            case b"stream":
                shown = [tuple(map(self._bytes, fields[1::2])) for _, fields in value]
            case b"list" if name.endswith(":log"):
                shown = [msgpack.unpackb(record)["message"] for record in value]
            case b"list" | b"zset":
                shown = list(map(self._bytes, value))
            case _:
                shown = self._bytes(value)
        return kind.decode(), shown

    def _field(self, name: bytes, value: bytes) -> str:
        if name.decode() in _RANDOM:
            return "<random>"
        return "<instant>" if name.decode() in _TIMES else self._bytes(value)

    def _bytes(self, value: bytes) -> str:
        return self.text(value.decode("latin-1"))


def _readable(given: object) -> object:
    """Take what tells all about a value."""
    match given:
        case pl.DataFrame():
            return given.to_dicts()
        case Task():
            return given, given.xs_extra, given.attempt
        case Tasks():
            return type(given).__name__, given.network_id  # its repr asks the server
        case tuple() | list():
            return [_readable(each) for each in given]
        case _:
            return given


def _once(entries: list[Any]) -> list[Any]:
    return [each for n, each in enumerate(entries) if n == 0 or each != entries[n - 1]]
