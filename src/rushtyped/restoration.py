"""Telling a server that went back to an earlier state, as after a failover, what a worker knows."""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from loguru import logger

from rushtyped.index_store import Value, chunks
from rushtyped.journal import Entry, Journal, Text
from rushtyped.keys import is_name, new_token
from rushtyped.lua import load_script
from rushtyped.store import Store, row_chunks

_LOOKED_AT = ("state", "worker_id", "attempt")
_MOST_NAMED = 3


class Registration(NamedTuple):
    """How a worker has registered."""

    token: str
    lease: float
    """Seconds that its first lease lasts."""
    record: Mapping[str, Value]


class Restoration:
    """Restores on the server what one worker in this process was told of.

    Replication is asynchronous: a replica that becomes the primary may lack the newest writes. It
    goes on from an earlier state, which its clients see only by a lost connection.
    """

    def __init__(
        self, store: Store, worker_id: str, journal: Journal, epoch: bytes, unheld: bytes
    ) -> None:
        """Restore whenever the connection is made anew, while the network has this epoch.

        `unheld` is the condition of tasks that only the server takes for the worker's.
        """
        self.registration: Registration | None = None
        self.is_shared: bool = False
        """Whether other processes may run tasks under the worker's id."""
        self.is_due: bool = False
        """Whether to look for tasks that only the server takes for the worker's."""
        self._store = store
        self._worker_id = worker_id
        self._journal = journal
        self._epoch = epoch
        self._unheld = unheld
        self._is_over = False
        store.channel.when_recovered(self.restore)
        _RESTORATIONS.add(self)

    def end(self) -> None:
        """Restore nothing any more, since the worker has left."""
        self._is_over = True

    def restore(self) -> None:
        """Register the worker where it is unknown, and store its tasks as it knows them."""
        if self._is_over or not self._find_network():
            return
        forgotten = self._forgotten()
        restored: list[int] = []
        for chunk in row_chunks(forgotten):
            restored += self._restore_tasks(chunk)
        self.is_due = True
        self._report([key for key, *_ in forgotten], restored)

    def fail_unheld(self) -> None:
        """Fail the tasks that only the server takes for the worker's: nobody will settle them.

        They are those whose claim or creation was never answered, and those that had been taken
        from the worker. They fail, since a task that was never queued would wait in the queue for
        nobody; `retry_tasks` queues those that shall be tried again. While a call is under way by
        which the worker may be given tasks, this waits for the next time.
        """
        if self.is_shared or self._is_over or not self._journal.is_complete:
            self.is_due = False
            return
        if self._journal.calls:
            return
        listed = self._store.channel.call(
            "SMEMBERS", self._store.keys.worker(self._worker_id).tasks
        )
        if self._journal.calls:
            return
        self.is_due = False
        held = {entry.key for entry in self._journal.entries()}
        unheld = sorted({key.decode() for key in listed if is_name(key)} - held)
        if unheld:
            tasks = [(key, self._unheld) for key in unheld]
            self._store.fail_tasks(self._worker_id, new_token(), tasks)
            logger.warning(
                "The server has {} tasks of worker {} that it does not know of; they fail: {}",
                *(len(unheld), self._worker_id, unheld[:_MOST_NAMED]),
            )

    def _find_network(self) -> bool:
        """Register the worker where it is absent; False where its tasks are of no use any more."""
        if self.registration is None:  # a copy, which has its original to do that
            return True
        keys, worker = self._store.keys, self._store.keys.worker(self._worker_id)
        names = (
            *(keys.meta, keys.workers, keys.running_workers),
            *(worker.record, worker.heartbeat, keys.events),
        )
        token, lease, record = self.registration
        fields = (part for pair in record.items() for part in pair)
        arguments = (self._worker_id, self._epoch, token, int(lease * 1000), *fields)
        epoch, is_registered = self._run("restore_worker", names, *arguments)
        if not is_registered:
            self._is_over = True
        elif epoch != self._epoch:  # a reset that has kept the workers
            self._epoch = epoch
            # what is stored has begun since then
            self._journal.forget({entry.key for entry in self._forgotten()})
        return not self._is_over

    def _forgotten(self) -> list[Entry]:
        """List the tasks that are not on the server as the worker knows them."""
        entries = self._journal.entries()
        forgotten: list[Entry] = []
        for chunk in chunks(entries):
            arguments: list[Value] = [self._store.keys.prefix, len(_LOOKED_AT), *_LOOKED_AT]
            arguments += [entry.key for entry in chunk]
            found = iter(self._run("read_hashes", (), *arguments))
            for entry, *stored in zip(chunk, found, found, found, strict=True):
                ours = [entry.state.encode(), self._worker_id.encode(), entry.attempt.encode()]
                if entry.state == "running" and stored == [b"failed", *ours[1:]]:
                    continue  # the server is ahead, as by a call whose reply was lost
                if stored[0] != b"finished" and stored != ours:
                    forgotten.append(entry)
        return forgotten

    def _restore_tasks(self, entries: Sequence[Sequence[Text]]) -> list[int]:
        keys = self._store.keys
        names = (
            *(keys.meta, keys.all, keys.queue, keys.running, keys.finished, keys.failed),
            *(keys.workers, keys.running_workers, keys.events),
        )
        arguments: list[Text] = [keys.prefix, self._worker_id, self._epoch, self._unheld]
        arguments += chain.from_iterable(entries)
        restored: list[int] = self._run("restore_tasks", names, *arguments)
        return restored

    def _report(self, keys: list[str], restored: list[int]) -> None:
        for outcome, message in (
            (1, "The server had gone back: {} tasks of worker {} are stored again: {}"),
            (0, "The server had gone back: {} tasks are no longer of worker {}: {}"),
        ):
            named = [key for key, each in zip(keys, restored, strict=False) if each == outcome]
            if named:
                logger.warning(message, len(named), self._worker_id, named[:_MOST_NAMED])

    def _run(self, script: str, keys: tuple[str, ...], *arguments: Value) -> Any:
        """Run a script; the channel, which is about to try something again, has the patience."""
        return self._store.channel.run_once(load_script(script), len(keys), *keys, *arguments)


_RESTORATIONS: weakref.WeakSet[Restoration] = weakref.WeakSet()


def _note_fork() -> None:
    for restoration in _RESTORATIONS:
        restoration.is_shared = True


os.register_at_fork(before=_note_fork)
