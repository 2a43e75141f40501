"""The Redis keys that a network has, and those that it may have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from rushtyped.channel import Argument
from rushtyped.errors import ServerAccessError
from rushtyped.index_store import chunks
from rushtyped.store import Store
from rushtyped.verification.findings import Finding, Problem

_PAGE = 1000
_TYPES = {
    **dict.fromkeys(("meta", "logs"), b"hash"),
    **dict.fromkeys(("all", "queue", "finished", "trash"), b"list"),
    **dict.fromkeys(("running", "failed"), b"zset"),
    **dict.fromkeys(("workers", "running_workers", "terminated_workers"), b"set"),
    **dict.fromkeys(("hashes", "loops", "trash_hashes"), b"set"),
    "events": b"stream",
}
_WORKER_TYPES = {
    "record": b"hash",
    "tasks": b"set",
    **dict.fromkeys(("pending", "kill", "log"), b"list"),
    **dict.fromkeys(("heartbeat", "terminate"), b"string"),
}


class Found(NamedTuple):
    """What the keys of the server tell."""

    tasks: set[bytes]
    """Keys of tasks and other hashes."""
    strange: list[str]
    """Names that nothing refers to."""


class KeySpace:
    """The names of one network's keys."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._channel = store.channel
        self._keys = store.keys

    def wrong_types(self) -> Iterator[Finding]:
        """Find keys that are of another type than rushtyped gives them."""
        expected = {getattr(self._keys, name): kind for name, kind in _TYPES.items()}
        yield from self._wrong_types(expected)
        if self._type_of(self._keys.workers) not in (b"set", b"none"):
            return
        for worker_id in self._store.worker_ids():
            worker = self._keys.worker(worker_id)
            of_worker = {getattr(worker, name): kind for name, kind in _WORKER_TYPES.items()}
            yield from self._wrong_types(of_worker)

    def find(self) -> Found | None:
        """Search the whole server for the network's keys; None for a user who may not do that."""
        prefix = self._keys.prefix.encode()
        pattern = prefix + b"*"  # braces are no wildcards
        found = set[bytes]()
        cursor: Argument = 0
        while cursor != b"0":
            try:
                reply: Any = self._channel.call("SCAN", cursor, "MATCH", pattern, "COUNT", _PAGE)
            except ServerAccessError:
                return None
            cursor, names = reply
            found.update(name.removeprefix(prefix) for name in names)
        of_tasks = {name for name in found if name.startswith(b"task:")}
        strange = self._strange(found - of_tasks)
        return Found({name.removeprefix(b"task:") for name in of_tasks}, strange)

    def _strange(self, names: set[bytes]) -> list[str]:
        """Name what belongs to no index, worker, log or loop."""
        # read after the search: who came meanwhile is known
        keys = self._keys
        sets = (keys.workers, keys.running_workers, keys.terminated_workers)
        workers = set[bytes]().union(*map(self._members, sets))
        loops = self._members(self._keys.loops)
        logs = set(self._channel.call("HKEYS", self._keys.logs))
        parts = {f":{part}".encode() for part in _WORKER_TYPES} | {b""}
        allowed = {name.encode() for name in _TYPES}
        allowed |= {b"loop:" + digest for digest in loops}
        allowed |= {b"worker:" + worker + part for worker in workers for part in parts}
        allowed |= {b"worker:" + worker + b":log" for worker in logs}
        return sorted(
            self._keys.prefix + name.decode(errors="backslashreplace")
            for name in names - allowed
            if not (name.startswith(b"worker:") and name.endswith(b":terminate"))  # may come yet
        )

    def _members(self, name: str) -> set[bytes]:
        return set(self._channel.call("SMEMBERS", name))

    def _wrong_types(self, expected: dict[str, bytes]) -> Iterator[Finding]:
        for names in chunks(list(expected), _PAGE):
            kinds = self._channel.pipeline([("TYPE", name) for name in names])
            for name, kind in zip(names, kinds, strict=True):
                if kind not in (expected[name], b"none"):
                    yield Finding(Problem.WRONG_TYPE, name, "", "", name, repaired=False)

    def _type_of(self, name: str) -> bytes:
        kind: bytes = self._channel.call("TYPE", name)
        return kind
