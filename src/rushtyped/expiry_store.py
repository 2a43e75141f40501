"""When a network vanishes from the server: told to all its keys, in bounded steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from rushtyped.index_store import CHUNK, texts
from rushtyped.keys import WorkerKeys
from rushtyped.store import Store

Step = tuple[Iterable[str], bool]


class ExpiryStore:
    """The moment at which one network vanishes."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def set(self, seconds: float | None) -> None:
        """Let all keys vanish so many seconds from now, or never.

        The moment is noted first, so that scripts give it to what they create from then on. The
        keys that list others come last where they are to vanish, and first where they are to
        stay: what was not reached can always be found, and a repeat completes what was cut short.
        """
        keys = self.store.keys
        milliseconds = "" if seconds is None else str(round(1000 * seconds))
        reply = self.store.create("set_expiry", (keys.meta, keys.events), milliseconds)
        self.store.sweep()
        lists: list[Step] = [(self._list_names(), False)]
        others: list[Step] = [
            (self._hash_names(), False),
            (self._worker_names(), False),
            (self._leases(), True),
        ]
        for names, leases in lists + others if seconds is None else others + lists:
            if not self._expire(reply.decode(), names, leases=leases):
                return

    def _expire(self, moment: str, names: Iterable[str], *, leases: bool) -> bool:
        """Give the moment to keys; False where another call has set another one meanwhile."""
        left = iter(names)
        while chunk := tuple(islice(left, CHUNK)):
            meta = (self.store.keys.meta,)
            if not self.store.run("expire_keys", meta, moment, int(leases), *chunk):
                return False
        return True

    def _list_names(self) -> Iterator[str]:
        keys = self.store.keys
        yield from (keys.events, keys.all, keys.hashes, keys.trash, keys.trash_hashes)
        yield from (keys.queue, keys.running, keys.finished, keys.failed)
        yield from (keys.workers, keys.running_workers, keys.terminated_workers)
        yield from (keys.loops, keys.logs, keys.meta)

    def _hash_names(self) -> Iterator[str]:
        keys = self.store.keys
        for key in chain(self._listed(keys.all), self._scanned("SSCAN", keys.hashes)):
            yield keys.task(key)
        for digest in self._scanned("SSCAN", keys.loops):
            yield keys.loop(digest)

    def _worker_names(self) -> Iterator[str]:
        for worker in self._workers():
            yield from (worker.record, worker.tasks, worker.pending)
            yield from (worker.terminate, worker.kill, worker.log)

    def _leases(self) -> Iterator[str]:
        return (worker.heartbeat for worker in self._workers())

    def _workers(self) -> Iterator[WorkerKeys]:
        keys = self.store.keys
        logged = islice(self._scanned("HSCAN", keys.logs), 0, None, 2)
        for worker_id in chain(self._scanned("SSCAN", keys.workers), logged):
            yield keys.worker(worker_id)

    def _listed(self, name: str) -> Iterator[str]:
        """List what is only appended to; what comes meanwhile has the moment already."""
        first = 0
        while found := self.store.channel.call("LRANGE", name, first, first + CHUNK - 1):
            yield from texts(found)
            first += len(found)

    def _scanned(self, command: str, name: str) -> Iterator[str]:
        cursor = b"0"
        while True:
            cursor, found = self.store.channel.call(command, name, cursor, "COUNT", CHUNK)
            yield from texts(found)
            if cursor == b"0":
                return
