"""Tasks as Polars frames, with a cache of the finished ones."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import compress

import polars as pl
from loguru import logger

from rushtyped.cache import FrameChunks
from rushtyped.frames import STATE_DTYPE, build_frame, concat_frames, empty_frame
from rushtyped.index_store import Columns, Index
from rushtyped.models import TaskState
from rushtyped.schema import TIMES, Field, NetworkSchema
from rushtyped.selection import ALL_FIELDS, INDEXES
from rushtyped.store import Store

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
_NUMBERS = ("pid", "started_at", "ended_at")


class Reader:
    """The frames of one Network or Worker.

    Finished tasks never change, so each is read once. The cache holds every field; it is dropped
    when the network was reset, or has lost what it had.
    """

    def __init__(self, store: Store, schema: NetworkSchema) -> None:
        self._store = store
        self._schema = schema
        self._seen = 0  # as a position in the order of finishing
        self._epoch: bytes | None = b""
        self._owners = _owners(schema)
        self.reset_cache()

    def reset_cache(self) -> None:
        """Forget all finished tasks that were read; those seen as new stay seen."""
        self._n_read = 0
        self._gone: list[int] = []  # positions of finished tasks whose hash has gone
        self._cache = FrameChunks(empty_frame(self._schema, ALL_FIELDS))

    def index(self, index: Index, fields: Sequence[Field]) -> pl.DataFrame:
        """Read the tasks of one index, in its order."""
        names = _hash_fields(fields)
        read = ["xs", *(name for name in names if name != "xs")]
        columns = self._present(self._store.indexes.read_index(index, read))
        return build_frame(self._schema, columns, fields)

    def finished(self, fields: Sequence[Field]) -> pl.DataFrame:
        """Read the finished tasks in the order of finishing; only the new ones are fetched."""
        self._read_new()
        return self._selected(fields)

    def new(self, fields: Sequence[Field], timeout: float) -> pl.DataFrame:
        """Read the tasks that have finished since the last call; wait for one if there is none."""
        deadline = time.monotonic() + timeout
        event = self._store.last_event() if timeout > 0 else b""
        self._read_new()
        while self._n_read <= self._seen and time.monotonic() < deadline:
            self._store.wait_for_event(event, deadline - time.monotonic())
            event = self._store.last_event()
            self._read_new()
        frame = self._selected(fields, offset=self._seen - bisect_left(self._gone, self._seen))
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
            ended = {key.encode() for key in finished["key"].tail(self._n_read - n_finished)}
            state = pl.Series("state", [TaskState.FINISHED.value], dtype=STATE_DTYPE)
            frames = [finished.insert_column(1, state.new_from_index(0, finished.height))]
        present = [
            state in wanted and key not in ended
            for key, state in zip(columns["key"], columns["state"], strict=True)
        ]
        columns = {name: list(compress(column, present)) for name, column in columns.items()}
        frames.append(build_frame(self._schema, columns, fields, with_state=True))
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
        rows = [
            {"worker_id": worker_id, **_worker_row(record)}
            for worker_id, record in self._store.worker_records().items()
        ]
        numbers = dict.fromkeys(("started_at", "ended_at"), pl.Int64())
        frame = pl.DataFrame(rows, schema={**WORKER_SCHEMA, **numbers}, strict=True)
        return frame.cast({name: WORKER_SCHEMA[name] for name in numbers})

    def _read_keys(self, keys: Sequence[str], fields: Sequence[Field]) -> Columns:
        names = ["state", *_hash_fields(fields)]
        return {
            "key": [key.encode() for key in keys],
            **self._store.indexes.read_hashes(keys, names),
        }

    def _read_new(self) -> None:
        """Append what has finished since the last time to the cache."""
        names = _hash_fields([field for field in ALL_FIELDS if field != "condition"])
        while True:
            page = self._store.indexes.read_finished(self._n_read, names)
            if self._epoch not in (b"", page.epoch) or page.n_finished < self._n_read:
                logger.warning("The network was reset or has lost tasks: reading all anew")
                self._seen, self._epoch = 0, page.epoch
                self.reset_cache()
                continue
            self._epoch = page.epoch
            n = len(page.columns["key"])
            if None in page.columns["xs"]:
                stored = enumerate(page.columns["xs"], self._n_read)
                self._gone += [position for position, xs in stored if xs is None]
            self._n_read += n
            if n:
                columns = self._present({**page.columns, "condition": [None] * n})
                frame = build_frame(self._schema, columns, ALL_FIELDS)
                self._learn_owners(frame, columns)
                self._cache.append(frame)
            if self._n_read >= page.n_finished:
                return

    def _selected(self, fields: Sequence[Field], *, offset: int = 0) -> pl.DataFrame:
        """Take the columns of some fields from the cache."""
        wanted = {"key", *fields}
        names = self._cache.frame(offset=offset).columns
        chosen = [name for name in names if self._owners[name] in wanted]
        return self._cache.frame(chosen, offset=offset)

    def _learn_owners(self, frame: pl.DataFrame, columns: Columns) -> None:
        """Note which field each free-form column belongs to."""
        if self._owners.keys() >= set(frame.columns):
            return
        for group in self._schema.groups:
            if group.free_form:
                for name in build_frame(self._schema, columns, [group.name]).columns:
                    self._owners.setdefault(name, group.name)

    def _present(self, columns: Columns) -> Columns:
        """Drop the tasks whose hash has gone."""
        if None not in columns["xs"]:
            return columns
        present = [xs is not None for xs in columns["xs"]]
        logger.warning("{} tasks have no hash any more: evicted?", len(present) - sum(present))
        return {name: list(compress(column, present)) for name, column in columns.items()}


def _worker_row(record: Mapping[bytes, bytes]) -> dict[str, object]:
    texts = {name.decode(): value.decode() for name, value in record.items()}
    numbers = {name: int(texts[name]) for name in _NUMBERS if name in texts}
    return {**texts, "heartbeat": bool(texts["heartbeat"]), **numbers}


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
