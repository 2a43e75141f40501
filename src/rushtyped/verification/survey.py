"""Reading all of a network in small steps, while it goes on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from rushtyped.channel import Argument
from rushtyped.index_store import chunks
from rushtyped.lua import load_script
from rushtyped.store import Store
from rushtyped.verification.sightings import Mark, Moving, Settled, Sighting

PAGE = 5000
"""Keys that one command reads: well below a millisecond of the server's time."""
MARKS = 250
"""Hashes that one command looks at: one or two milliseconds."""


class Survey:
    """Sees every task of a network at some instant.

    Hashes are read before the indexes that tasks only enter, so that whoever is not found there
    has moved or is truly missing.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._channel = store.channel
        self._settled = Settled()

    def sight_all(self, more: Collection[bytes]) -> Sighting:
        """Look at all tasks that any index lists, and at more of them by key."""
        self._settled = Settled()
        self._read_settled()
        moving = self._moving()
        keys = dict.fromkeys((*self._settled.all, *self._settled.finished, *moving.keys(), *more))
        return self.sight(keys)

    def sight(self, keys: Iterable[bytes]) -> Sighting:
        """Look again at some tasks."""
        marks = self._marks(list(keys))
        moving = self._moving()
        self._read_settled()
        return Sighting(marks, self._settled, moving)

    def members(self, name: str) -> set[bytes]:
        """Read a set, page by page."""
        return set(self._scan("SSCAN", name))

    def _marks(self, keys: list[bytes]) -> dict[bytes, Mark]:
        script, marks = load_script("read_marks"), dict[bytes, Mark]()
        known: dict[bytes, bytes] = {}  # the same few words and ids, a million times
        for chunk in chunks(keys, MARKS):
            reply = self._channel.run(script, 0, self._store.keys.prefix, *chunk)
            words = iter([known.setdefault(word, word) for word in reply])
            marks.update(zip(chunk, map(Mark, words, words, words), strict=True))
        return marks

    def _read_settled(self) -> None:
        """Go on reading where the last time ended."""
        keys, settled = self._store.keys, self._settled
        for page in self._pages(keys.finished, settled.n_finished):
            settled.finished.update(page)
            settled.n_finished += len(page)
        for page in self._pages(keys.all, settled.n_all):
            settled.all.update(page)
            settled.n_all += len(page)

    def _moving(self) -> Moving:
        keys, moving = self._store.keys, Moving()
        for page in self._pages_from_the_end(keys.queue):
            moving.queue.update(page)
        moving.running = set(self._scan("ZSCAN", keys.running))
        moving.failed = set(self._scan("ZSCAN", keys.failed))
        for worker_id in self.members(keys.workers):
            worker = keys.worker(worker_id.decode(errors="backslashreplace"))
            for page in self._pages(worker.pending, 0):
                moving.pending.update(dict.fromkeys(page, worker_id))
            if owned := self.members(worker.tasks):
                moving.owned[worker_id] = owned
        moving.running_workers = self.members(keys.running_workers)
        return moving

    def _pages(self, name: str, first: int) -> Iterator[list[bytes]]:
        while page := self._channel.call("LRANGE", name, first, first + PAGE - 1):
            yield page
            first += len(page)

    def _pages_from_the_end(self, name: str) -> Iterator[list[bytes]]:
        """Read a list from which tasks are taken in front: none is passed over by that."""
        last = -1
        while page := self._channel.call("LRANGE", name, last - PAGE + 1, last):
            yield page
            last -= len(page)

    def _scan(self, command: str, name: str) -> Iterator[bytes]:
        cursor: Argument = 0
        step = 2 if command == "ZSCAN" else 1  # scores are left out
        while True:
            reply: Any = self._channel.call(command, name, cursor, "COUNT", PAGE)
            cursor, found = reply
            yield from found[::step]
            if cursor == b"0":
                return
