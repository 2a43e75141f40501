"""What the server holds of a network, read without the library's own reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgpack

from rushtyped.keys import NetworkKeys

_PAGE = 5000
_FIELDS = ("state", "xs", "ys", "worker_id", "attempt", "condition")


@dataclass(frozen=True, slots=True)
class StoredTask:
    """One hash; what it lacks is empty."""

    state: str
    origin: str
    nonce: str = ""
    worker_id: str = ""
    attempt: int = 1
    message: str = ""
    """Of the condition."""


@dataclass(frozen=True, slots=True)
class StoredWorker:
    """One worker."""

    is_running: bool = False
    reason: str = ""
    """Why it has ended."""
    tasks: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    lease: bool = False


@dataclass(frozen=True, slots=True)
class Places:
    """The indexes of a network at one instant, with the state that each hash names."""

    all: tuple[str, ...]
    queue: tuple[str, ...]
    running: tuple[str, ...]
    finished: tuple[str, ...]
    failed: tuple[str, ...]
    states: Mapping[str, str]
    """Of each key of `all`; empty where there is no hash."""
    owners: Mapping[str, str]
    """Worker of each running key, as its hash says."""
    workers: Mapping[str, StoredWorker]


@dataclass(frozen=True, slots=True)
class Stored:
    """All of a network."""

    places: Places
    tasks: Mapping[str, StoredTask]
    strays: tuple[str, ...] = field(default=())
    """Keys of hashes that `all` does not list."""


_READ_PLACES = """
local prefix = KEYS[1]
local function list(name) return redis.call('LRANGE', prefix .. name, 0, -1) end
local all, running = list('all'), redis.call('ZRANGE', prefix .. 'running', 0, -1)
local states, owners, workers = {}, {}, {}
for i, key in ipairs(all) do
  states[i] = redis.call('HGET', prefix .. 'task:' .. key, 'state') or ''
end
for i, key in ipairs(running) do
  owners[i] = redis.call('HGET', prefix .. 'task:' .. key, 'worker_id') or ''
end
for _, id in ipairs(redis.call('SMEMBERS', prefix .. 'workers')) do
  local worker = prefix .. 'worker:' .. id
  workers[#workers + 1] = {id, redis.call('SISMEMBER', prefix .. 'running_workers', id),
    redis.call('HGET', worker, 'reason') or '', redis.call('SMEMBERS', worker .. ':tasks'),
    list('worker:' .. id .. ':pending'), redis.call('EXISTS', worker .. ':heartbeat')}
end
return {all, list('queue'), running, list('finished'),
  redis.call('ZRANGE', prefix .. 'failed', 0, -1), states, owners, workers}
"""


def read_places(client: Any, network_id: str) -> Places:
    """Read the indexes in one step."""
    prefix = NetworkKeys(network_id).prefix
    read = client.eval(_READ_PLACES, 1, prefix)
    all_keys, queue, running, finished, failed, states, owners = map(_texts, read[:7])
    workers = {
        worker_id.decode(): StoredWorker(
            bool(is_running), reason.decode(), _texts(tasks), _texts(pending), bool(lease)
        )
        for worker_id, is_running, reason, tasks, pending, lease in read[7]
    }
    return Places(
        all=all_keys,
        queue=queue,
        running=running,
        finished=finished,
        failed=failed,
        states=dict(zip(all_keys, states, strict=True)),
        owners=dict(zip(running, owners, strict=True)),
        workers=workers,
    )


def read_stored(client: Any, network_id: str) -> Stored:
    """Read all of a network that nobody changes any more."""
    places = read_places(client, network_id)
    hashes = f"{NetworkKeys(network_id).prefix}task:"
    names = client.scan_iter(match=f"{_escaped(hashes)}*", count=_PAGE)
    found = {name.decode().removeprefix(hashes) for name in names}
    tasks = dict(_read_tasks(client, hashes, sorted(found)))
    return Stored(places, tasks, tuple(sorted(found - set(places.all))))


def _read_tasks(client: Any, hashes: str, keys: Sequence[str]) -> Iterator[tuple[str, StoredTask]]:
    for start in range(0, len(keys), _PAGE):
        page = keys[start : start + _PAGE]
        pipeline = client.pipeline(transaction=False)
        for key in page:
            pipeline.hmget(hashes + key, _FIELDS)
        for key, values in zip(page, pipeline.execute(), strict=True):
            yield key, _task(dict(zip(_FIELDS, values, strict=True)))


def _task(fields: Mapping[str, bytes | None]) -> StoredTask:
    def unpacked(name: str, part: str) -> str:
        packed = fields[name]
        return "" if packed is None else str(msgpack.unpackb(packed)[part])

    return StoredTask(
        state=(fields["state"] or b"").decode(),
        origin=unpacked("xs", "origin"),
        nonce=unpacked("ys", "nonce"),
        worker_id=(fields["worker_id"] or b"").decode(),
        attempt=int(fields["attempt"] or 0),
        message=unpacked("condition", "message"),
    )


def _escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "*?[]\\" else letter for letter in text)


def _texts(values: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(value.decode() for value in values)
