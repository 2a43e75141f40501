"""Networks as wholes: which there are on a server, and how one moves to another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import Any

from rushtyped.arguments import check_seconds
from rushtyped.channel import Channel
from rushtyped.connect import Server
from rushtyped.errors import (
    CorruptDataError,
    InvalidArgumentError,
    InvalidTypeError,
    UnreadableFileError,
)
from rushtyped.index_store import Columns, chunks
from rushtyped.keys import LONGEST_NAME, NetworkKeys, check_network_id, check_task_key
from rushtyped.membership import check_server, read_joined, record_schemas
from rushtyped.models import Extra, TaskState, Xs, Ys
from rushtyped.network import Network
from rushtyped.packer import RECORD_FIELDS, Packer
from rushtyped.plan import endpoint_for
from rushtyped.store import Store
from rushtyped.stored_schema import stored_models
from rushtyped.task import XE, YE, TaskRecord, X, Y
from rushtyped.tasks import RETRY_TIMEOUT, Tasks

AnyPacker = Packer[Any, Any, Any, Any]

_META = re.compile(rb"rush:\{([A-Za-z0-9._-]{1,%d})\}:meta" % LONGEST_NAME)
_READ_AT_ONCE = 20_000
"""Tasks that are held as Redis stores them while a file is written."""


def list_networks(
    *, redis: Server | None = None, retry_timeout: float = RETRY_TIMEOUT
) -> list[str]:
    """List the ids of all networks on a server, sorted.

    Looks through all keys of the server, of each primary of a cluster, in small steps.
    """
    patience = check_seconds("retry_timeout", retry_timeout) or 0.0
    channel = Channel(endpoint_for(redis), NetworkKeys("none").meta, patience)
    try:
        check_server(channel)
        found = map(_META.fullmatch, channel.scan("rush:{*}:meta"))
        return sorted({match[1].decode() for match in found if match})
    finally:
        channel.close()


def export_tasks(network: Tasks[X, Y, XE, YE], path: str | PathLike[str]) -> int:
    """Write all tasks of a network to a Parquet file; return their number.

    The file holds what is stored of each task, with its key, state and times, and the schemas: all
    that `import_tasks` needs on another server. Finished tasks come first, in the order of
    finishing. Logs, workers, loops, the budget and what `write_hashes` has added are left out.
    Workers may go on meanwhile: each task is as it is when it is read.
    """
    from rushtyped.study import write_study

    if not isinstance(network, Tasks):
        raise InvalidTypeError(f"network must be a Network but is a {type(network).__name__}")
    store = network._store  # noqa: SLF001 - a function of the library on its own class
    joined = read_joined(store, network.network_id)
    return write_study(_path(path), network.network_id, joined.schemas, _stored_tasks(store))


def _stored_tasks(store: Store) -> Iterator[Columns]:
    """Read what is stored of all tasks, in pieces."""
    finished = store.indexes.task_keys("finished")
    keys = list(dict.fromkeys((*finished, *store.indexes.task_keys("all"))))
    for piece in chunks(keys, _READ_AT_ONCE):
        fields = store.indexes.read_hashes(piece, RECORD_FIELDS)
        yield {"key": [key.encode() for key in piece], **fields}


def import_tasks(
    path: str | PathLike[str],
    *,
    network_id: str | None = None,
    redis: Server | None = None,
    retry_timeout: float = RETRY_TIMEOUT,
) -> Network[Xs, Ys, Extra, Extra]:
    """Create the tasks of a file of `export_tasks`; return their network, as `Network.open` does.

    The network is created, or one with the same schemas is added to; `network_id` is that of the
    file unless given. Tasks keep key, state, values, attempt, worker and times; one that ran is
    queued. A key that is there already is left alone, so an import can be repeated. Raises
    UnreadableFileError before anything is written, SchemaMismatchError where the network has
    other models.
    """
    from rushtyped.study import read_about, read_study

    file = _path(path)
    about = read_about(file)
    name = check_network_id(about.network_id if network_id is None else network_id)
    patience = check_seconds("retry_timeout", retry_timeout) or 0.0
    endpoint, keys = endpoint_for(redis), NetworkKeys(name)
    store = Store(Channel(endpoint, keys.meta, patience), keys)
    packer = _packer(file, about.schemas, store)
    for piece in read_study(file):
        _check(file, packer, *piece)
    record_schemas(name, endpoint, patience, about.schemas)
    with closing(store.channel):
        for task_keys, columns in read_study(file):
            packer.claim_stored(packer.records(task_keys, columns))
            store.import_tasks(list(_rows(task_keys, columns)))
    return Network.open(name, redis=endpoint, retry_timeout=patience)


def _path(path: object) -> Path:
    if not isinstance(path, str | PathLike):
        raise InvalidTypeError(f"path must be a str or a path but is {path!r}")
    return Path(path)


def _packer(file: Path, schemas: bytes, store: Store) -> AnyPacker:
    try:
        return Packer(stored_models(schemas), store)
    except CorruptDataError as error:
        raise UnreadableFileError(f"{str(file)!r} holds no schemas: {error}") from error


def _check(file: Path, packer: AnyPacker, keys: Sequence[str], columns: Columns) -> None:
    """Raise UnreadableFileError for a task that no network could hold."""
    try:
        for key in keys:
            check_task_key(key)
        for record in packer.records(keys, columns):
            _check_times(record)
    except (CorruptDataError, InvalidArgumentError) as error:
        raise UnreadableFileError(f"{str(file)!r} is damaged: {error}") from error


def _check_times(task: TaskRecord[Any, Any, Any, Any]) -> None:
    ended = task.state in {TaskState.FINISHED, TaskState.FAILED}
    outcome = task.ys if task.state is TaskState.FINISHED else task.condition
    if ended and (outcome is None or task.finished_at is None):
        raise CorruptDataError(f"task {task.key!r} is {task.state} without its outcome or time")
    times = [time for time in (task.created_at, task.started_at, task.finished_at) if time]
    if task.attempt < 1 or times != sorted(times):
        raise CorruptDataError(f"task {task.key!r} has attempt {task.attempt} and times {times}")


def _rows(keys: Sequence[str], columns: Columns) -> Iterator[tuple[str | bytes, ...]]:
    """Write each task as its script takes it: key, state, number of fields, names and values."""
    for row, key in enumerate(keys):
        fields = ((name, columns[name][row]) for name in RECORD_FIELDS if name != "state")
        given = [(name.encode(), value) for name, value in fields if value is not None]
        state = columns["state"][row] or b""
        yield key, state, str(len(given)), *chain.from_iterable(given)
