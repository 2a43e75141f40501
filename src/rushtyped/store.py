"""Every Redis command of a network: bytes in, bytes out."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from rushtyped.channel import Channel, Command
from rushtyped.errors import CorruptDataError, UnknownNetworkError
from rushtyped.index_store import CHUNK, IndexStore, Value, chunks, texts
from rushtyped.keys import NetworkKeys
from rushtyped.lua import load_script

CHUNKS_AT_ONCE = 16
"""Script calls that are sent without waiting for their replies."""
CHUNK_BYTES = 4_000_000
"""Bytes that one script call is sent."""
MOST_VALUES = 4000
"""Values that one script call writes to hashes."""
BLOCK_MS = 5000
"""Longest block of one command, in milliseconds; well below the timeout of the socket."""

Row = TypeVar("Row", bound=Sequence[str | bytes])


class Joined(NamedTuple):
    """What the network's first user recorded."""

    version: bytes
    epoch: bytes
    schemas: bytes


class Progress(NamedTuple):
    """How far a network is, at one instant."""

    event: bytes
    """Name of the newest event, for `wait_for_change`."""
    spent: bool
    """Whether the budget is: no further task may start."""
    queued: int
    running: int
    finished: int
    failed: int
    running_workers: int
    max_tasks: int | None
    """Tasks that the budget lets finish; None where it has no such limit."""
    max_seconds: float | None
    """Seconds in which the budget lets tasks start; None where it has no such limit."""
    seconds: float | None
    """Seconds since the budget's clock began; None where it has not."""


class Store:
    """The transitions of a network that anybody may ask for; `indexes` reads its tasks."""

    def __init__(self, channel: Channel, keys: NetworkKeys) -> None:
        self.channel = channel
        self.keys = keys
        self.indexes: IndexStore = IndexStore(channel, keys)
        self._rejoin: weakref.WeakMethod[Callable[[], None]] | None = None

    def when_vanished(self, rejoin: Callable[[], None]) -> None:
        """Have a method create the network anew where it has vanished; it is held weakly."""
        self._rejoin = weakref.WeakMethod(rejoin)

    def push_tasks(self, tasks: Sequence[tuple[str, bytes, bytes]]) -> None:
        """Create queued tasks of key, xs and xs_extra."""
        keys = self.keys
        names = (keys.meta, keys.all, keys.queue, keys.events)
        self._create_each("push_tasks", names, (keys.prefix,), tasks)

    def push_finished_tasks(
        self, worker_id: str, tasks: Sequence[tuple[str, bytes, bytes, bytes, bytes]]
    ) -> None:
        """Create finished tasks of key, xs, ys, xs_extra and ys_extra."""
        keys = self.keys
        names = (keys.meta, keys.all, keys.finished, keys.events)
        self._create_each("push_finished_tasks", names, (keys.prefix, worker_id), tasks)

    def push_failed_tasks(
        self, worker_id: str, tasks: Sequence[tuple[str, bytes, bytes, bytes]]
    ) -> None:
        """Create failed tasks of key, xs, xs_extra and condition."""
        keys = self.keys
        names = (keys.meta, keys.all, keys.failed, keys.events)
        self._create_each("push_failed_tasks", names, (keys.prefix, worker_id), tasks)

    def import_tasks(self, tasks: Sequence[Row]) -> None:
        """Create tasks of key, state, number of fields, and names and values of these."""
        keys = self.keys
        names = (keys.meta, keys.all, keys.queue, keys.finished, keys.failed, keys.events)
        self._create_each("import_tasks", names, (keys.prefix,), tasks)

    def fail_tasks(
        self, worker_id: str, token: str, tasks: Sequence[tuple[str, bytes]]
    ) -> list[int]:
        """Fail tasks of key and condition: per task 1 moved, 0 not, -1 unknown."""
        keys = self.keys
        names = (keys.meta, keys.queue, keys.running, keys.failed, keys.events, keys.workers)
        moved: list[int] = []
        for chunk in row_chunks(tasks, CHUNK // 2):  # each takes twice as long as others
            left = chunk
            while left:  # a call does less where the queue is long
                arguments = (keys.prefix, worker_id, token, *_flat(left))
                done: list[int] = self.run("fail_tasks", names, *arguments)
                moved += done
                left = left[len(done) :]
        return moved

    def fail_known(self, token: str, tasks: Sequence[tuple[str, bytes]]) -> list[str]:
        """Fail tasks of anybody, save keys of no task; return the keys of those that failed."""
        moved = self.fail_tasks("", token, tasks)
        if -1 in moved:  # which keeps the others of its chunk from failing
            tasks = [task for task, outcome in zip(tasks, moved, strict=True) if outcome != -1]
            moved = self.fail_tasks("", token, tasks)
        return [key for (key, _), outcome in zip(tasks, moved, strict=True) if outcome == 1]

    def retry_tasks(self, token: str, task_keys: Sequence[str]) -> list[int]:
        """Queue failed tasks again: per task 1 moved, 0 not, -1 unknown."""
        keys = self.keys
        names = (keys.meta, keys.queue, keys.failed, keys.events)
        moved: list[int] = []
        for chunk in chunks(task_keys):
            moved += self.run("retry_tasks", names, keys.prefix, token, *chunk)
        return moved

    def settle_worker(
        self,
        worker_id: str,
        token: str,
        condition: bytes,
        *,
        max_attempts: int,
        fail_pending: bool,
        reason: str,
        only_expired: bool = False,
    ) -> bool:
        """Terminate a worker and settle its tasks; False where it was not running.

        With `only_expired` nothing happens while its lease lasts; False then, too.
        """
        keys, worker = self.keys, self.keys.worker(worker_id)
        names = (
            *(keys.meta, keys.queue, keys.running, keys.failed, keys.running_workers),
            *(keys.terminated_workers, worker.record, worker.tasks, worker.pending),
            *(worker.heartbeat, keys.events),
        )
        arguments = (worker_id, token, condition, max_attempts, int(fail_pending), reason)
        return bool(self.run("settle_worker", names, keys.prefix, *arguments, int(only_expired)))

    def stop_workers(self, how: str, worker_ids: Sequence[str]) -> list[str]:
        """Ask workers to end, all where none is named; return those that run."""
        keys = self.keys
        names = (keys.meta, keys.running_workers, keys.events)
        return texts(self.run("stop_workers", names, keys.prefix, how, *worker_ids))

    def join(self, version: str, epoch: str, schemas: bytes, known: bytes = b"") -> Joined:
        """Record schemas where there are none, or where `known` are stored; return what is."""
        return Joined(*self.run("join_network", (self.keys.meta,), version, epoch, schemas, known))

    def joined(self) -> Joined | None:
        """Read what the first user of the network has recorded, None where nobody has."""
        found = self.channel.call("HMGET", self.keys.meta, *Joined._fields)
        return None if None in found else Joined(*found)

    def set_budget(self, max_tasks: int | None, max_seconds: float | None) -> None:
        """Set what is not None of the budget."""
        texts = ("" if limit is None else repr(limit) for limit in (max_tasks, max_seconds))
        self.run("set_budget", (self.keys.meta, self.keys.events), *texts)

    def claim_columns(self, field: str, names: Iterable[str]) -> list[str]:
        """Reserve column names for a field of free-form extras; return those that are taken."""
        return texts(self.create("claim_columns", (self.keys.meta,), field, *names))

    def reset(self, epoch: str, *, workers: bool) -> None:
        """Drop all tasks, and the workers where asked to, then sweep up in small steps."""
        keys = self.keys
        names = (
            *(keys.meta, keys.all, keys.queue, keys.running, keys.finished, keys.failed),
            *(keys.workers, keys.running_workers, keys.terminated_workers),
            *(keys.hashes, keys.loops, keys.trash, keys.events, keys.logs, keys.trash_hashes),
        )
        while not self.run("reset", names, keys.prefix, epoch, int(workers)):
            self.sweep()
        self.sweep()

    def sweep(self) -> None:
        """Delete what a reset has dropped, in small steps."""
        names = (self.keys.trash, self.keys.trash_hashes)
        while self.run("sweep_trash", names, self.keys.prefix, CHUNK):
            pass

    def store_loop(self, digest: str, signed: bytes) -> None:
        """Keep a signed worker loop under its digest."""
        names = (self.keys.meta, self.keys.loop(digest), self.keys.loops)
        self.create("store_loop", names, digest, signed)

    def read_loop(self, digest: str) -> bytes | None:
        """Read a signed worker loop."""
        loop: bytes | None = self.channel.call("GET", self.keys.loop(digest))
        return loop

    def write_hashes(
        self, fields: Sequence[str], rows: Sequence[tuple[str | bytes, ...]], *, guarded: bool
    ) -> list[str]:
        """Write rows of key and values; return the keys of tasks that may not be written so.

        Where there is one, nothing is written.
        """
        names = (self.keys.meta, self.keys.hashes)
        how: tuple[Value, ...] = (self.keys.prefix, int(guarded), len(fields), *fields)
        pieces = list(row_chunks(rows, max(1, MOST_VALUES // len(fields))))
        if guarded and len(pieces) > 1:
            keys = [str(row[0]) for row in rows]
            states = self.indexes.read_hashes(keys, ["state"])["state"]
            if any(states):
                return [key for key, state in zip(keys, states, strict=True) if state]
        refused: list[str] = []
        for piece in pieces:
            refused += texts(self.create("write_hashes", names, *how, *_flat(piece)))
        return refused

    def worker_ids(self, which: str = "workers") -> list[str]:
        """List worker ids, sorted; `which` is workers, running_workers or terminated_workers."""
        return sorted(texts(self.channel.call("SMEMBERS", getattr(self.keys, which))))

    def n_workers(self, which: str = "workers") -> int:
        """Count worker ids."""
        return int(self.channel.call("SCARD", getattr(self.keys, which)))

    def registered(self) -> tuple[set[str], set[str]]:
        """Ids of all workers, and of those that run."""
        names = (self.keys.workers, self.keys.running_workers)
        replies = self.channel.pipeline([("SMEMBERS", name) for name in names])
        everybody, running = (set(texts(reply)) for reply in replies)
        return everybody, running

    def worker_records(self) -> dict[str, dict[bytes, bytes]]:
        """Read the records of all workers, with their state and whether their lease lasts."""
        names = (self.keys.running_workers, self.keys.terminated_workers)
        running, ended = self.channel.pipeline([("SMEMBERS", name) for name in names])
        ids = sorted(texts((*running, *ended)))
        workers = [self.keys.worker(worker_id) for worker_id in ids]
        replies = self.channel.pipeline(
            [
                *(("HGETALL", worker.record) for worker in workers),
                *(("EXISTS", worker.heartbeat) for worker in workers),
            ]
        )
        records = {}
        for worker_id, reply, alive in zip(ids, replies, replies[len(ids) :], strict=False):
            record = dict(zip(reply[::2], reply[1::2], strict=True))
            record[b"state"] = b"running" if worker_id.encode() in running else b"terminated"
            record[b"heartbeat"] = b"1" if alive else b""
            records[worker_id] = record
        return records

    def progress(self, *, patient: bool = True) -> Progress:
        """Look how far the network is, and which event was the last; impatient, ask only once."""
        keys = self.keys
        names = (
            *(keys.meta, keys.running, keys.finished, keys.running_workers),
            *(keys.queue, keys.failed, keys.events),
        )
        run = self.channel.run if patient else self.channel.run_once
        event, spent, *counts, max_tasks, max_seconds, seconds = run(
            load_script("check_budget"), len(names), *names
        )
        queued, running, finished, failed, workers = counts
        return Progress(
            event=event,
            spent=bool(spent),
            queued=queued,
            running=running,
            finished=finished,
            failed=failed,
            running_workers=workers,
            max_tasks=self._max_tasks(max_tasks) if max_tasks else None,
            max_seconds=float(max_seconds) if max_seconds else None,
            seconds=float(seconds) if seconds else None,
        )

    def _max_tasks(self, stored: bytes) -> int:
        if not stored.isdigit():
            raise CorruptDataError(
                f"network {self.keys.network_id!r} has stored max_tasks as {stored[:80]!r}, which "
                "is no whole number: something else wrote it; give max_tasks= anew"
            )
        return int(stored[:19])

    def last_event(self) -> bytes:
        """Name the newest event, to wait for the next one from."""
        newest = self.channel.call("XREVRANGE", self.keys.events, "+", "-", "COUNT", 1)
        event: bytes = newest[0][0] if newest else b"0-0"
        return event

    def wait_for_event(self, event: bytes, seconds: float) -> bytes | None:
        """Block on the server until there is an event newer than this, or the time is up.

        Returns the last of the events that have come, to wait on from, None where none has. Take
        `last_event` then: a server that went back to an earlier state may number them anew.
        """
        return newest_of(self.channel.call(*self.event_after(event, seconds)))

    def event_after(self, event: bytes, seconds: float) -> Command:
        """Write the command that waits for events; `newest_of` reads its reply."""
        block = max(1, int(min(BLOCK_MS, seconds * 1000)))
        return "XREAD", "COUNT", 100, "BLOCK", block, "STREAMS", self.keys.events, event

    def epoch(self) -> bytes | None:
        """Token that is new after every reset."""
        epoch: bytes | None = self.channel.call("HGET", self.keys.meta, "epoch")
        return epoch

    def _create_each(
        self, script: str, keys: Sequence[str], head: tuple[Value, ...], rows: Sequence[Row]
    ) -> None:
        """Run a script that creates the tasks of rows, in chunks, as `create` does.

        After the first one, chunks go out before the replies to those before them.
        """
        pieces = list(row_chunks(rows))
        for chunk in pieces[:1]:
            self.create(script, keys, *head, *_flat(chunk))
        for group in chunks(pieces[1:], CHUNKS_AT_ONCE):
            self._create_group(script, keys, head, group)

    def _create_group(
        self,
        script: str,
        keys: Sequence[str],
        head: tuple[Value, ...],
        group: Sequence[Sequence[Sequence[Value]]],
    ) -> None:
        start: tuple[Value, ...] = (len(keys), *keys, *head)
        replies = self.channel.run_each(
            load_script(script), lambda: ((*start, *_flat(chunk)) for chunk in group)
        )
        for chunk, reply in zip(group, replies, strict=True):
            if reply == -1:
                self.create(script, keys, *head, *_flat(chunk))

    def create(self, script: str, keys: Sequence[str], *arguments: Value) -> Any:
        """Run a script that begins nothing where the network has vanished; begin it anew there.

        Raises UnknownNetworkError where nobody here can do that.
        """
        while (reply := self.run(script, keys, *arguments)) == -1:
            rejoin = self._rejoin and self._rejoin()
            if rejoin is None:
                raise UnknownNetworkError(
                    f"network {self.keys.network_id!r} has vanished from "
                    f"{self.channel.endpoint.address}: join it again"
                )
            rejoin()
        return reply

    def run(self, script: str, keys: Sequence[str], *arguments: Value) -> Any:
        """Run a script by name."""
        return self.channel.run(load_script(script), len(keys), *keys, *arguments)


def newest_of(found: Any) -> bytes | None:
    """Name the last of the events that a wait has found, if there is any."""
    newest: bytes | None = found[0][1][-1][0] if found else None
    return newest


def row_chunks(rows: Sequence[Row], most: int = CHUNK) -> Iterator[Sequence[Row]]:
    """Cut rows of text and bytes into pieces of bounded size; a larger row is one of its own."""
    if len(rows) == 1:
        yield rows
        return
    first = size = 0
    for position, row in enumerate(rows):
        size += sum(map(len, row))
        if position > first and (size > CHUNK_BYTES or position - first >= min(most, CHUNK)):
            yield rows[first:position]
            first, size = position, sum(map(len, row))
    if first < len(rows):
        yield rows[first:]


def _flat(rows: Iterable[Iterable[Value]]) -> Iterator[Value]:
    return chain.from_iterable(rows)
