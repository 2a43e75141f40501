"""Tasks as Polars frames, with a cache of the finished ones."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import compress

import polars as pl
from loguru import logger

from rushtyped.cache import FrameChunks
from rushtyped.frames import build_frame, concat_frames, select_fields
from rushtyped.models import TaskState
from rushtyped.schema import TIMES, Field, NetworkSchema
from rushtyped.selection import ALL_FIELDS, INDEXES
from rushtyped.store import Columns, Index, Store

WORKER_SCHEMA = {
    "worker_id": pl.String,
    "state": pl.Enum(["running", "terminated"]),
    "pid": pl.Int64,
    "hostname": pl.String,
    "version": pl.String,
    "heartbeat": pl.Boolean,
    "started_at": pl.Datetime("us", "UTC"),
    "ended_at": pl.Datetime("us", "UTC"),
    "reason": pl.String,
}


class Reader:
    """The frames of one Network or Worker.

    Finished tasks never change, so each is read once. The cache holds every field; it is dropped
    when the network was reset, or has lost what it had.
    """

    def __init__(self, store: Store, schema: NetworkSchema) -> None:
        self._store = store
        self._schema = schema
        self._seen = 0
        self._epoch: bytes | None = b""
        self.reset_cache()

    def reset_cache(self) -> None:
        """Forget all finished tasks that were read; those seen as new stay seen."""
        self._n_read = 0
        self._cache = FrameChunks(self._schema)

    def index(self, index: Index, fields: Sequence[Field]) -> pl.DataFrame:
        """Read the tasks of one index, in its order."""
        names = _hash_fields(fields)
        read = ["xs", *(name for name in names if name != "xs")]
        columns = self._present(self._store.read_index(index, read))
        return build_frame(self._schema, columns, fields)

    def finished(self, fields: Sequence[Field]) -> pl.DataFrame:
        """Read the finished tasks in the order of finishing; only the new ones are fetched."""
        self._read_new()
        return select_fields(self._schema, self._cache.frame(), fields)

    def new(self, fields: Sequence[Field], timeout: float) -> pl.DataFrame:
        """Read the tasks that have finished since the last call; wait for one if there is none."""
        deadline = time.monotonic() + timeout
        event = self._store.last_event() if timeout > 0 else b""
        self._read_new()
        while self._cache.height <= self._seen and time.monotonic() < deadline:
            self._store.wait_for_event(event, deadline - time.monotonic())
            event = self._store.last_event()
            self._read_new()
        frame = self._cache.frame(offset=self._seen)
        self._seen = self._cache.height
        return select_fields(self._schema, frame, fields)

    def with_states(self, states: Sequence[TaskState], fields: Sequence[Field]) -> pl.DataFrame:
        """Read the tasks that are in these states, each once, with the state that it has."""
        unfinished = [state for state in states if state is not TaskState.FINISHED]
        n_finished, keys = self._store.snapshot([INDEXES[state] for state in unfinished])
        columns = self._read_keys([key for listed in keys for key in listed], fields)
        wanted = {state.value.encode() for state in unfinished}
        ended: set[bytes | None] = set()
        frames = []
        if TaskState.FINISHED in states:
            self._read_new()
            finished = self._cache.frame()
            ended = {key.encode() for key in finished["key"][n_finished:]}
            frames = [select_fields(self._schema, finished, fields, state=TaskState.FINISHED)]
        present = [
            state in wanted and key not in ended
            for key, state in zip(columns["key"], columns["state"], strict=True)
        ]
        columns = {name: list(compress(column, present)) for name, column in columns.items()}
        frames.append(build_frame(self._schema, columns, fields, with_state=True))
        frame = concat_frames(self._schema, frames)
        order = pl.col("state").replace_strict(list(states), range(len(states)), return_dtype=pl.UInt8)
        return frame.sort(order, maintain_order=True)

    def workers(self) -> pl.DataFrame:
        """Read the records of all workers."""
        rows = []
        for worker_id, record in self._store.worker_records().items():
            row: dict[str, object] = {"worker_id": worker_id, "heartbeat": False}
            for name, value in record.items():
                text = value.decode()
                row[name.decode()] = int(text) if name in _NUMBERS else text
            rows.append(row)
        numbers = {name: pl.Int64 for name in ("started_at", "ended_at")}
        frame = pl.DataFrame(rows, schema={**WORKER_SCHEMA, **numbers}, strict=True)
        return frame.cast({name: WORKER_SCHEMA[name] for name in numbers})

    def _read_keys(self, keys: Sequence[str], fields: Sequence[Field]) -> Columns:
        names = ["state", *_hash_fields(fields)]
        return {"key": [key.encode() for key in keys], **self._store.read_hashes(keys, names)}

    def _read_new(self) -> None:
        """Append what has finished since the last time to the cache."""
        names = _hash_fields([field for field in ALL_FIELDS if field != "condition"])
        while True:
            page = self._store.read_finished(self._n_read, names)
            if self._epoch not in (b"", page.epoch) or page.n_finished < self._n_read:
                logger.warning("The network was reset or has lost tasks: reading all anew")
                self._seen, self._epoch = 0, page.epoch
                self.reset_cache()
                continue
            self._epoch = page.epoch
            n = len(page.columns["key"])
            self._n_read += n
            if n:
                columns = self._present(page.columns)
                self._cache.append(build_frame(self._schema, columns, ALL_FIELDS))
            if self._n_read >= page.n_finished:
                return

    def _present(self, columns: Columns) -> Columns:
        """Drop the tasks whose hash has gone."""
        if None not in columns["xs"]:
            return columns
        present = [xs is not None for xs in columns["xs"]]
        logger.warning("{} tasks have no hash any more: evicted?", len(present) - sum(present))
        return {name: list(compress(column, present)) for name, column in columns.items()}


_NUMBERS = frozenset({b"pid", b"started_at", b"ended_at"})


def _hash_fields(fields: Sequence[Field]) -> list[str]:
    names: list[str] = []
    for field in fields:
        names += (*TIMES, "attempt") if field == "times" else (field,)
    return names
