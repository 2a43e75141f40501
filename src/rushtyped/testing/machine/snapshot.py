"""All that Redis holds of one network at one instant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from rushtyped.channel import Channel
from rushtyped.keys import NetworkKeys
from rushtyped.testing.machine.agreement import ensure

Hash = dict[str, bytes]
_NOTES = ("request", "claimed")
_COLUMN = "column:"


@dataclass(frozen=True, slots=True)
class OfWorker:
    """What there is of one worker."""

    record: Hash
    tasks: set[str]
    pending: list[str]
    terminate: bytes | None
    has_lease: bool
    kill: list[str]

    def without_notes(self) -> OfWorker:
        """Leave out what it notes about its requests, even those that changed nothing."""
        kept = {name: value for name, value in self.record.items() if name not in _NOTES}
        return replace(self, record=kept)

    def without_wakes(self) -> OfWorker:
        """Leave out what wakes those who are to kill it."""
        return replace(self, kill=[])


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One network, read in one step; sorted sets with their scores."""

    meta: Hash
    all: list[str]
    queue: list[str]
    running: list[tuple[str, float]]
    finished: list[str]
    failed: list[tuple[str, float]]
    workers: set[str]
    running_workers: set[str]
    terminated_workers: set[str]
    hashes: set[str]
    trash: list[str]
    events: tuple[int, object]
    """Length of the stream and its newest entry."""
    tasks: dict[str, Hash]
    of_workers: dict[str, OfWorker]

    def without_wakes(self) -> Snapshot:
        """Leave out what wakes those who wait: the stream, and the commands to kill."""
        kept = {name: worker.without_wakes() for name, worker in self.of_workers.items()}
        return replace(self, events=(0, None), of_workers=kept)

    def without_notes(self) -> Snapshot:
        """Leave out what a refused call may note: its number, and the free columns it reserved."""
        kept = {name: worker.without_notes() for name, worker in self.of_workers.items()}
        meta = {name: value for name, value in self.meta.items() if not name.startswith(_COLUMN)}
        return replace(self, of_workers=kept, meta=meta)

    def differences(self, other: Snapshot) -> list[str]:
        """Name the parts that differ."""
        parts = Snapshot.__dataclass_fields__
        return [name for name in parts if getattr(self, name) != getattr(other, name)]


def read_snapshot(channel: Channel, network_id: str) -> Snapshot:
    """Read a network; hashes that nothing lists are not seen."""
    keys = NetworkKeys(network_id)
    found = channel.call("EVAL", _READ_ALL, 1, keys.meta, keys.prefix)
    meta, lists, sorted_sets, sets, events, tasks, workers = found
    everything, queue, finished, trash = map(_texts, lists)
    running, failed = map(_scores, sorted_sets)
    all_workers, running_workers, terminated_workers, hashes = (set(_texts(each)) for each in sets)
    return Snapshot(
        meta=_hash(meta),
        all=everything,
        queue=queue,
        running=running,
        finished=finished,
        failed=failed,
        workers=all_workers,
        running_workers=running_workers,
        terminated_workers=terminated_workers,
        hashes=hashes,
        trash=trash,
        events=(events[0], repr(events[1])),
        tasks={key.decode(): _hash(fields) for key, fields in tasks if fields},
        of_workers={
            worker_id.decode(): OfWorker(
                record=_hash(record),
                tasks=set(_texts(running)),
                pending=_texts(pending),
                terminate=terminate,
                has_lease=_has_lease(lasts),
                kill=_texts(kill),
            )
            for worker_id, record, running, pending, terminate, lasts, kill in workers
        },
    )


_READ_ALL = """
local prefix = ARGV[1]
local function each(command, names, ...)
  local found = {}
  for i, name in ipairs(names) do found[i] = redis.call(command, prefix .. name, ...) end
  return found
end
local lists = each('LRANGE', {'all', 'queue', 'finished', 'trash'}, 0, -1)
local sorted_sets = each('ZRANGE', {'running', 'failed'}, 0, -1, 'WITHSCORES')
local sets = each('SMEMBERS', {'workers', 'running_workers', 'terminated_workers', 'hashes'})
local tasks, workers = {}, {}
for _, listed in ipairs({lists[1], sets[4]}) do
  for _, key in ipairs(listed) do
    tasks[#tasks + 1] = {key, redis.call('HGETALL', prefix .. 'task:' .. key)}
  end
end
for _, id in ipairs(sets[1]) do
  local worker = prefix .. 'worker:' .. id
  workers[#workers + 1] = {id, redis.call('HGETALL', worker),
    redis.call('SMEMBERS', worker .. ':tasks'), redis.call('LRANGE', worker .. ':pending', 0, -1),
    redis.call('GET', worker .. ':terminate'), redis.call('PTTL', worker .. ':heartbeat'),
    redis.call('LRANGE', worker .. ':kill', 0, -1)}
end
local events = {redis.call('XLEN', prefix .. 'events'),
  redis.call('XREVRANGE', prefix .. 'events', '+', '-', 'COUNT', 1)}
return {redis.call('HGETALL', prefix .. 'meta'), lists, sorted_sets, sets, events, tasks, workers}
"""


def _has_lease(milliseconds: int) -> bool:
    """Read the reply of PTTL, which is negative for a key that is not there, or never goes."""
    ensure(milliseconds != -1, "a lease never runs out")
    return milliseconds >= 0


def _hash(flat: list[bytes]) -> Hash:
    return {name.decode(): value for name, value in zip(flat[::2], flat[1::2], strict=True)}


def _scores(flat: list[bytes]) -> list[tuple[str, float]]:
    pairs = zip(flat[::2], flat[1::2], strict=True)
    return [(key.decode(), float(score)) for key, score in pairs]


def _texts(values: Iterable[bytes]) -> list[str]:
    return [value.decode() for value in values]
