"""Tasks as Polars frames, with a cache of the finished ones."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from itertools import compress, takewhile
from typing import NamedTuple

import polars as pl
from loguru import logger

from rushtyped.cache import FrameChunks
from rushtyped.channel import Command
from rushtyped.codec.instants import LAST_MICROSECOND
from rushtyped.frames import (
    STATE_DTYPE,
    Blobs,
    Readable,
    build_frame,
    build_readable,
    concat_frames,
    empty_frame,
)
from rushtyped.index_store import Columns, Index, Page, texts
from rushtyped.models import TaskState
from rushtyped.printable import excerpt
from rushtyped.schema import TIMES, Field, NetworkSchema
from rushtyped.selection import ALL_FIELDS, INDEXES, WHOLE, Part
from rushtyped.store import Store, newest_of

WORKER_SCHEMA: dict[str, pl.DataType] = {
    "worker_id": pl.String(),
    "state": pl.Enum(["running", "terminated"]),
    "pid": pl.Int64(),
    "hostname": pl.String(),
    "version": pl.String(),
    "heartbeat": pl.Boolean(),
    "started_at": pl.Datetime("us", "UTC"),
    "ended_at": pl.Datetime("us", "UTC"),
    "reason": pl.String(),
}
_NUMBERS = {"pid": 2**63 - 1, **dict.fromkeys(("started_at", "ended_at"), LAST_MICROSECOND)}
"""Largest number by field."""
_COMPARED = 20_000
"""Keys that one call reads to compare them with those of the cache."""
_MOST_NAMED = 3


class _Chosen(NamedTuple):
    """Columns that some fields have, among others."""

    of: list[str]
    names: list[str]


class Reader:
    """The frames of one Network or Worker.

    Finished tasks never change, so each is read once. The cache holds every field; it is dropped
    when the network was reset. Where the server went back to an earlier state, as by a failover,
    it is dropped from the first position on at which the server has another task now.
    """

    def __init__(self, store: Store, schema: NetworkSchema) -> None:
        self._store = store
        self._schema = schema
        self._seen = 0  # as a position in the order of finishing
        self._returned: set[str] = set()  # keys seen as new that the server has lost since
        self._compared_at = store.channel.recovered_at
        self._epoch: bytes | None = b""
        self._chosen: dict[tuple[Field, ...], _Chosen] = {}
        self._owners = _owners(schema)
        self._template = empty_frame(schema, ALL_FIELDS)
        self._has_free_form = any(group.free_form for group in schema.groups)
        self.reset_cache()

    def reset_cache(self) -> None:
        """Forget all finished tasks that were read; those seen as new stay seen."""
        self._n_read = 0
        self._last: bytes | None = None
        self._gone: list[int] = []  # positions of finished tasks whose hash has gone
        self._gone_keys: list[str] = []
        self._cache = FrameChunks(self._template)

    def index(self, index: Index, fields: Sequence[Field], part: Part = WHOLE) -> pl.DataFrame:
        """Read the tasks of one index, or those at some of its positions, in its order."""
        names = _hash_fields(fields)
        read = ["xs", *(name for name in names if name != "xs")]
        indexes = self._store.indexes
        found = (
            indexes.read_index(index, read)
            if part == WHOLE
            else indexes.read_part(index, read, *part)
        )
        columns = self._present(found)
        return self._build(columns, fields).frame

    def finished(self, fields: Sequence[Field]) -> pl.DataFrame:
        """Read the finished tasks in the order of finishing; only the new ones are fetched."""
        self._read_new()
        return self._selected(fields)

    def new(self, fields: Sequence[Field], timeout: float) -> pl.DataFrame:
        """Read the tasks that have finished since the last call; wait for one if there is none."""
        deadline = time.monotonic() + timeout
        event = self._store.last_event() if timeout > 0 else b""
        self._read_new()
        while not self._has_unseen() and (left := deadline - time.monotonic()) > 0:
            event = self._read_new(self._store.event_after(event, left)) or event
        frame = self._unseen(fields)
        self._returned.difference_update(self._cached_keys(self._seen) if self._returned else ())
        self._seen = self._n_read
        return frame

    def with_states(self, states: Sequence[TaskState], fields: Sequence[Field]) -> pl.DataFrame:
        """Read the tasks that are in these states, each once, with the state that it has."""
        unfinished = [state for state in states if state is not TaskState.FINISHED]
        n_finished, keys = self._store.indexes.snapshot([INDEXES[state] for state in unfinished])
        columns = self._read_keys([key for listed in keys for key in listed], fields)
        wanted = {state.value.encode() for state in unfinished}
        ended: set[bytes | None] = set()
        frames = []
        if TaskState.FINISHED in states:
            self._read_new()
            finished = self._selected(fields)
            ended = {key.encode() for key in finished["key"][n_finished:]}
            state = pl.Series("state", [TaskState.FINISHED.value], dtype=STATE_DTYPE)
            frames = [finished.insert_column(1, state.new_from_index(0, finished.height))]
        present = [
            state in wanted and key not in ended
            for key, state in zip(columns["key"], columns["state"], strict=True)
        ]
        columns = {name: list(compress(column, present)) for name, column in columns.items()}
        frames.append(self._build(columns, fields, with_state=True).frame)
        frame = concat_frames(frames)
        position = {state.value: place for place, state in enumerate(states)}
        order = pl.col("state").cast(pl.String).replace_strict(position, return_dtype=pl.UInt8)
        return frame.sort(order, maintain_order=True)

    def finished_keys(self) -> list[str]:
        """Keys of the finished tasks that were read, unless the network was reset since then."""
        if self._store.epoch() != self._epoch:
            return []
        keys: list[str] = self._cache.frame(["key"])["key"].to_list()
        return keys

    def workers(self) -> pl.DataFrame:
        """Read the records of all workers."""
        rows = []
        for worker_id, record in self._store.worker_records().items():
            try:
                rows.append(_worker_row(worker_id, record))
            except ValueError as error:
                name = excerpt(worker_id)
                logger.warning("Worker {} has no readable record: {}", name, excerpt(error))
        numbers = dict.fromkeys(("started_at", "ended_at"), pl.Int64())
        frame = pl.DataFrame(rows, schema={**WORKER_SCHEMA, **numbers}, strict=True)
        return frame.cast({name: WORKER_SCHEMA[name] for name in numbers})

    def _read_keys(self, keys: Sequence[str], fields: Sequence[Field]) -> Columns:
        names = ["state", *_hash_fields(fields)]
        return {
            "key": [key.encode() for key in keys],
            **self._store.indexes.read_hashes(keys, names),
        }

    def _read_new(self, wait: Command | None = None) -> bytes | None:
        """Append what has finished since the last time to the cache.

        Where it is to wait for an event before, it returns the newest that has come.
        """
        dropped: list[str] = []
        is_done, event = self._read_on(dropped, wait)
        while not is_done:
            is_done, _ = self._read_on(dropped)
        self._seen = min(self._seen, self._n_read)
        if dropped:
            self._report(dropped)
        return event

    def _read_on(
        self, dropped: list[str], wait: Command | None = None
    ) -> tuple[bool, bytes | None]:
        """Append pages that follow what is cached: whether that was all, and the newest event.

        The keys of rows that the server has lost are added to `dropped`.
        """
        n_finished = 0
        event: bytes | None = None
        for page in self._store.indexes.finished_pages(self._n_read, _OF_FINISHED, wait):
            event = event or newest_of(page.waited)
            if self._epoch not in (b"", page.epoch):
                logger.warning("The network was reset or has lost tasks: reading all anew")
                self._seen, self._epoch = 0, page.epoch
                self._returned.clear()
                self.reset_cache()
                return False, event
            self._epoch = page.epoch
            if self._may_have_lost(page):
                dropped += self._drop_lost()
                return False, event
            self._append(page.columns)
            n_finished = page.n_finished
        return self._n_read >= n_finished, event

    def _append(self, columns: Columns) -> None:
        keys = columns["key"]
        if not keys:
            return
        present = self._present({**columns, "condition": [None] * len(keys)})
        read = self._build(present, ALL_FIELDS)
        if read.frame.height < len(keys):
            self._note_gone(columns, read.reasons)
        self._n_read += len(keys)
        self._last = keys[-1]
        self._learn_owners(read.frame, read.columns)
        self._cache.append(read.frame)

    def _note_gone(self, columns: Columns, unreadable: Collection[int]) -> None:
        """Note the positions that have no row in the cache, so that they are not read again."""
        present = [row for row, xs in enumerate(columns["xs"]) if xs is not None]
        kept = {row for place, row in enumerate(present) if place not in unreadable}
        for row, key in enumerate(columns["key"]):
            if row not in kept:
                self._gone.append(self._n_read + row)
                self._gone_keys += texts([key or b""])

    def _may_have_lost(self, page: Page) -> bool:
        """Whether the server may have other tasks now at the positions that were read."""
        return (
            page.n_finished < self._n_read
            or (self._n_read > 0 and page.last != self._last)
            or self._compared_at != self._store.channel.recovered_at
        )

    def _drop_lost(self) -> list[str]:
        """Drop the rows from where the server has another task now; return their keys."""
        self._compared_at = self._store.channel.recovered_at
        n_same = 0
        while n_same < self._n_read:
            ours = self._cached_keys(n_same, _COMPARED)
            theirs = self._store.indexes.finished_keys(n_same, len(ours))
            pairs = zip(ours, theirs, strict=False)
            n_same += (n := sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs)))
            if n < len(ours):
                break
        dropped = self._cached_keys(n_same)
        if dropped:
            self._returned.update(dropped[: max(0, self._seen - n_same)])
            self._seen = min(self._seen, n_same)
            self._cut(n_same)
        return dropped

    def _cut(self, n: int) -> None:
        """Keep the first n positions of the cache."""
        last = self._cached_keys(n - 1, 1) if n else []
        kept = self._cache.frame().head(self._row(n))
        gone = self._gone[: n - self._row(n)], self._gone_keys[: n - self._row(n)]
        self.reset_cache()
        self._cache.append(kept)
        self._gone, self._gone_keys = gone
        self._n_read, self._last = n, last[0].encode() if last else None

    def _report(self, dropped: Sequence[str]) -> None:
        """Warn of the rows that were read and are not there any more."""
        lost = sorted({*dropped}.difference(self._cache.frame(["key"])["key"]))
        if lost:
            logger.warning(
                "The server has lost {} finished tasks that were read before, as by a failover; "
                "their workers store them again if they live: {}",
                *(len(lost), lost[:_MOST_NAMED]),
            )

    def _row(self, position: int) -> int:
        """Row of the cache that a position in the order of finishing is at."""
        return position - bisect_left(self._gone, position)

    def _cached_keys(self, first: int, n: int | None = None) -> list[str]:
        """List the keys that were read, n or all from a position in the order of finishing on."""
        end = self._n_read if n is None else min(first + n, self._n_read)
        keys = self._cache.frame(["key"])["key"][self._row(first) : self._row(end)].to_list()
        for position, key in zip(self._gone, self._gone_keys, strict=True):
            if first <= position < end:
                keys.insert(position - first, key)
        return keys

    def _has_unseen(self) -> bool:
        if not self._returned:
            return self._n_read > self._seen
        return not self._unseen([]).is_empty()

    def _unseen(self, fields: Sequence[Field]) -> pl.DataFrame:
        """Take the rows that are not seen as new yet."""
        frame = self._selected(fields, offset=self._row(self._seen))
        if not self._returned:
            return frame
        return frame.filter(~pl.col("key").is_in(list(self._returned)))

    def _selected(self, fields: Sequence[Field], *, offset: int = 0) -> pl.DataFrame:
        """Take the columns of some fields from the cache."""
        known = self._chosen.get(tuple(fields))
        names = self._cache.columns
        if known is None or known.of != names:
            wanted = {"key", *fields}
            known = _Chosen(names, [name for name in names if self._owners[name] in wanted])
            self._chosen[tuple(fields)] = known
        return self._cache.frame(known.names, offset=offset)

    def _learn_owners(self, frame: pl.DataFrame, columns: Mapping[str, Blobs]) -> None:
        """Note which field each free-form column belongs to."""
        if not self._has_free_form or self._owners.keys() >= set(frame.columns):
            return
        for group in self._schema.groups:
            if group.free_form:
                for name in build_frame(self._schema, columns, [group.name]).columns:
                    self._owners.setdefault(name, group.name)
        for name in frame.columns:  # with its group in front, where two groups have it
            self._owners.setdefault(name, name.partition(".")[0])

    def _build(
        self, columns: Columns, fields: Sequence[Field], *, with_state: bool = False
    ) -> Readable:
        """Make the frame of what can be read, and warn of the rest."""
        read = build_readable(self._schema, columns, fields, with_state=with_state)
        if read.reasons:
            logger.warning(
                "{} tasks cannot be read, and are left out: {}",
                *(len(read.reasons), "; ".join(list(read.reasons.values())[:_MOST_NAMED])),
            )
        return read

    def _present(self, columns: Columns) -> Columns:
        """Drop the tasks whose hash has gone."""
        if None not in columns["xs"]:
            return columns
        present = [xs is not None for xs in columns["xs"]]
        logger.warning("{} tasks have no hash any more: evicted?", len(present) - sum(present))
        return {name: list(compress(column, present)) for name, column in columns.items()}


def _worker_row(worker_id: str, record: Mapping[bytes, bytes]) -> dict[str, object]:
    known = (name for name in WORKER_SCHEMA if name.encode() in record)
    row: dict[str, object] = {name: record[name.encode()].decode() for name in known}
    for name, most in _NUMBERS.items():
        if name in row:
            number = int(str(row[name]))
            if not 0 <= number <= most:
                raise ValueError(f"its {name} is {number}")
            row[name] = number
    return {**row, "worker_id": worker_id, "heartbeat": bool(row["heartbeat"])}


def _owners(schema: NetworkSchema) -> dict[str, str]:
    """Map each declared column to the field that it is fetched by."""
    owners = {name: group.name for group in schema.groups for name in group.columns}
    return {
        **owners,
        **dict.fromkeys((*TIMES, "attempt"), "times"),
        **{name: name for name in ("key", "worker_id", "condition")},
    }


def _hash_fields(fields: Sequence[Field]) -> list[str]:
    names: list[str] = []
    for field in fields:
        names += (*TIMES, "attempt") if field == "times" else (field,)
    return names


_OF_FINISHED = _hash_fields([field for field in ALL_FIELDS if field != "condition"])
