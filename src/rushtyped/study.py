"""All tasks of a network as one Parquet file, by which a study moves to another server.

The file holds what is stored of each task, so nothing is lost on the way; `fetch_tasks` gives a
frame to read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from rushtyped.errors import CorruptDataError, InvalidArgumentError, UnreadableFileError
from rushtyped.index_store import CHUNK, Columns
from rushtyped.models import TaskState
from rushtyped.packer import RECORD_FIELDS
from rushtyped.schema import TIMES

FILE_VERSION = 1
_MARK = "rushtyped"
_BINARY = ("xs", "ys", "xs_extra", "ys_extra", "condition")
_NUMBERS = ("attempt", *TIMES)
_NEEDED = ("key", "state", "xs", "attempt", "created_at")
_SCHEMA: dict[str, pl.DataType] = {
    "key": pl.String(),
    "state": pl.String(),
    **dict.fromkeys(_BINARY, pl.Binary()),
    "worker_id": pl.String(),
    "attempt": pl.Int64(),
    **dict.fromkeys(TIMES, pl.Datetime("us", "UTC")),
}


class StudyFile(NamedTuple):
    """What a file says of the network that it was exported from."""

    network_id: str
    schemas: bytes


def write_study(path: Path, network_id: str, schemas: bytes, tasks: Iterable[Columns]) -> int:
    """Write tasks, given in pieces; return their number."""
    frame = pl.concat([pl.DataFrame(schema=_SCHEMA), *map(_frame, tasks)])
    about = {"version": FILE_VERSION, "network_id": network_id, "schemas": schemas.decode()}
    try:
        frame.write_parquet(path, metadata={_MARK: json.dumps(about)})
    except OSError as error:
        raise InvalidArgumentError(
            f"path must be a file that can be written but {str(path)!r} cannot: {error}"
        ) from error
    return frame.height


def _frame(columns: Columns) -> pl.DataFrame:
    """Make a frame of stored fields; tasks whose hash has gone are left out."""
    stored = pl.DataFrame({name: pl.Series(columns[name], dtype=pl.Binary) for name in _SCHEMA})
    try:
        return stored.filter(pl.col("state").is_not_null()).with_columns(
            pl.col("key", "state", "worker_id").cast(pl.String),
            *(pl.col(name).cast(pl.String).cast(pl.Int64).cast(_SCHEMA[name]) for name in _NUMBERS),
        )
    except pl.exceptions.PolarsError as error:
        raise CorruptDataError(
            f"tasks hold what no task holds: {error}. `verify` names them"
        ) from error


def read_about(path: Path) -> StudyFile:
    """Read what a file says of its network; raise UnreadableFileError where it is none of ours."""
    try:
        about = json.loads(pl.read_parquet_metadata(path)[_MARK])
        version, study = about["version"], StudyFile(about["network_id"], about["schemas"].encode())
    except (OSError, pl.exceptions.PolarsError, KeyError, ValueError, TypeError) as error:
        raise UnreadableFileError(
            f"{str(path)!r} is no file that `export_tasks` has written, or it is damaged: "
            f"{type(error).__name__}"
        ) from error
    if version != FILE_VERSION:
        raise UnreadableFileError(
            f"{str(path)!r} has version {version!r} but this reads {FILE_VERSION}: use the version "
            "of rushtyped that wrote it"
        )
    return study


def read_study(path: Path, step: int = CHUNK) -> Iterator[tuple[list[str], Columns]]:
    """Read the keys and stored fields of tasks, in pieces; running ones are queued."""
    try:
        frame = pl.read_parquet(path)
        if dict(frame.schema) != _SCHEMA:
            raise TypeError(f"its columns are {dict(frame.schema)}")
        if missing := [name for name in _NEEDED if frame[name].has_nulls()]:
            raise ValueError(f"some tasks lack {', '.join(missing)}")
        if frame["key"].is_duplicated().any():
            raise ValueError("a key is there more than once")
    except (OSError, pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise UnreadableFileError(f"{str(path)!r} cannot be read: {error}") from error
    for piece in frame.with_columns(_as_queued()).iter_slices(step):
        yield piece["key"].to_list(), _stored(piece)


def _as_queued() -> list[pl.Expr]:
    """Let what has run elsewhere wait for a worker here."""
    waits = pl.col("state").is_in([TaskState.RUNNING.value, TaskState.QUEUED.value])
    gone = ("ys", "ys_extra", "condition", "worker_id", "started_at", "finished_at")
    return [
        pl.when(waits).then(pl.lit(TaskState.QUEUED.value)).otherwise("state").alias("state"),
        *(pl.when(~waits).then(pl.col(name)).alias(name) for name in gone),
    ]


def _stored(piece: pl.DataFrame) -> Columns:
    """Write fields as Redis stores them."""
    texts: Any = piece.with_columns(pl.col(_NUMBERS).cast(pl.Int64).cast(pl.String))
    return {
        name: texts[name].cast(pl.Binary).to_list()
        if name not in _BINARY
        else texts[name].to_list()
        for name in RECORD_FIELDS
    }
