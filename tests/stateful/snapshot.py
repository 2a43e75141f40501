"""All that Redis holds of one network at one instant, and the laws that hold at every instant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rushtyped.keys import NetworkKeys

Hash = dict[str, bytes]
_NOTES = ("request", "claimed")
_WORKER_KEYS = ("record", "tasks", "pending", "terminate", "heartbeat", "kill", "log")


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
        """Leave out what workers note about their requests."""
        kept = {name: worker.without_notes() for name, worker in self.of_workers.items()}
        return replace(self, of_workers=kept)


def read_snapshot(client: Any, network_id: str) -> Snapshot:
    """Read a network; hashes that nothing lists are not seen."""
    prefix = NetworkKeys(network_id).prefix
    meta, lists, sorted_sets, sets, events, tasks, workers = client.eval(_READ_ALL, 0, prefix)
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


def check_laws(snapshot: Snapshot) -> None:
    """Fail unless each task is in exactly one state and one index, and all indexes agree."""
    everything = snapshot.all
    assert len(everything) == len(set(everything)), "a key was created twice"
    of_tasks = {key for key, fields in snapshot.tasks.items() if "state" in fields}
    assert set(everything) == of_tasks, "`all` and the hashes differ"
    assert set(snapshot.tasks) == of_tasks | snapshot.hashes, "a hash is listed nowhere"
    assert snapshot.trash == [], "a reset has left something"
    _check_places(snapshot)
    _check_owners(snapshot)
    for key in everything:
        _check_fields(key, snapshot.tasks[key])
    _check_scores(snapshot)


def _check_places(snapshot: Snapshot) -> None:
    places: dict[str, list[str]] = {key: [] for key in snapshot.all}
    indexes: list[tuple[str, Sequence[str]]] = [
        ("queued", snapshot.queue),
        *(("queued", worker.pending) for worker in snapshot.of_workers.values()),
        ("running", [key for key, _ in snapshot.running]),
        ("finished", snapshot.finished),
        ("failed", [key for key, _ in snapshot.failed]),
    ]
    for state, keys in indexes:
        for key in keys:
            assert key in places, f"{state} lists {key}, which was never created"
            places[key].append(state)
    for key, found in places.items():
        state = snapshot.tasks[key]["state"].decode()
        assert found == [state], f"{key} is {state} but is listed as {found}"


def _check_owners(snapshot: Snapshot) -> None:
    running, ended = snapshot.running_workers, snapshot.terminated_workers
    assert snapshot.workers == running | ended, "a worker neither runs nor has ended"
    assert not running & ended, "a worker runs and has ended"
    owners = {key: snapshot.tasks[key]["worker_id"].decode() for key, _ in snapshot.running}
    assert set(owners.values()) <= running, "a worker that does not run has running tasks"
    for worker_id, worker in snapshot.of_workers.items():
        assert worker.tasks == {key for key, owner in owners.items() if owner == worker_id}
        if worker_id not in running:
            assert worker.pending == [], "a worker that does not run holds tasks back"
            assert not worker.has_lease, "a worker that does not run has a lease"


def _check_fields(key: str, fields: Hash) -> None:
    """Fail unless a task has exactly the fields that its state calls for."""
    state = fields["state"].decode()
    optional = {"xs_extra", "failed_by", "retried_by"}
    needed = {"state", "xs", "attempt", "created_at"}
    match state:
        case "running":
            needed |= {"worker_id", "started_at"}
        case "finished":
            needed |= {"ys", "finished_at"}
            optional |= {"ys_extra", "worker_id", "started_at"}
        case "failed":
            needed |= {"condition", "finished_at"}
            optional |= {"worker_id", "started_at"}
        case _:
            assert state == "queued"
    assert needed <= set(fields) <= needed | optional, f"{key} is {state} and has {sorted(fields)}"
    assert int(fields["attempt"]) >= 1
    times = [int(fields[name]) for name in _TIMES if name in fields]
    assert times == sorted(times), f"{key} went back in time"


_TIMES = ("created_at", "started_at", "finished_at")


def _check_scores(snapshot: Snapshot) -> None:
    """Fail unless sorted sets are sorted by the time of the hash, a little apart within a call."""
    for listed, name in ((snapshot.running, "started_at"), (snapshot.failed, "finished_at")):
        for key, score in listed:
            assert 0 <= score - int(snapshot.tasks[key][name]) < 1000, f"{key} has a wrong score"


def names_of(network_id: str, task_keys: Iterable[str], worker_ids: Iterable[str]) -> set[str]:
    """Name every Redis key that a network of these tasks and workers may have."""
    keys = NetworkKeys(network_id)
    own = {getattr(keys, name) for name in NetworkKeys.__slots__ if name != "prefix"}
    workers = {
        getattr(worker, name) for worker in map(keys.worker, worker_ids) for name in _WORKER_KEYS
    }
    return own | workers | {keys.task(key) for key in task_keys}


def delete_network(client: Any, network_id: str) -> set[str]:
    """Delete every key of a network; return their names."""
    pattern = f"{NetworkKeys(network_id).prefix}*"
    names = [name.decode() for name in client.scan_iter(match=pattern, count=10_000)]
    if names:
        client.unlink(*names)
    return set(names)


def _has_lease(milliseconds: int) -> bool:
    """Read the reply of PTTL, which is negative for a key that is not there, or never goes."""
    assert milliseconds != -1, "a lease never runs out"
    return milliseconds >= 0


def _hash(flat: list[bytes]) -> Hash:
    return {name.decode(): value for name, value in zip(flat[::2], flat[1::2], strict=True)}


def _scores(flat: list[bytes]) -> list[tuple[str, float]]:
    pairs = zip(flat[::2], flat[1::2], strict=True)
    return [(key.decode(), float(score)) for key, score in pairs]


def _texts(values: Iterable[bytes]) -> list[str]:
    return [value.decode() for value in values]
