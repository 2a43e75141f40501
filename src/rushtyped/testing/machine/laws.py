"""The laws that hold of a network at every instant, whatever has happened to it."""

from __future__ import annotations

from collections.abc import Sequence

from rushtyped.testing.machine.agreement import ensure
from rushtyped.testing.machine.snapshot import Hash, Snapshot

_TIMES = ("created_at", "started_at", "finished_at")
_SLACK = 1000
"""Microseconds by which scores of tasks that changed in one call run ahead of their hashes."""


def check_laws(snapshot: Snapshot) -> None:
    """Fail unless each task is in exactly one state and one index, and all indexes agree."""
    everything = snapshot.all
    twice = sorted({key for key in everything if everything.count(key) > 1})
    ensure(not twice, f"{twice} were created twice: `all` lists them more than once")
    of_tasks = {key for key, fields in snapshot.tasks.items() if "state" in fields}
    apart = sorted(set(everything) ^ of_tasks)
    ensure(not apart, f"{apart} are in `all` without a hash of a task, or the other way round")
    unlisted = sorted(set(snapshot.tasks) - of_tasks - snapshot.hashes)
    ensure(not unlisted, f"{unlisted} are hashes that nothing lists")
    missing = sorted(snapshot.hashes - set(snapshot.tasks))
    ensure(not missing, f"{missing} are listed as hashes, and there are none")
    ensure(snapshot.trash == [], f"a reset has left {snapshot.trash} to be swept")
    for key in everything:
        _check_fields(key, snapshot.tasks[key])
    _check_places(snapshot)
    _check_owners(snapshot)
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
            ensure(key in places, f"{state} lists {key}, which was never created")
            places[key].append(state)
    for key, found in places.items():
        state = snapshot.tasks[key]["state"].decode()
        ensure(found == [state], f"{key} is {state} but is listed as {found}")


def _check_owners(snapshot: Snapshot) -> None:
    running, ended = snapshot.running_workers, snapshot.terminated_workers
    neither = sorted(snapshot.workers ^ (running | ended))
    ensure(not neither, f"workers {neither} neither run nor have ended, or were never registered")
    both = sorted(running & ended)
    ensure(not both, f"workers {both} run and have ended")
    owners = {key: snapshot.tasks[key]["worker_id"].decode() for key, _ in snapshot.running}
    gone = sorted(set(owners.values()) - running)
    ensure(not gone, f"workers {gone} do not run but have running tasks")
    for worker_id, worker in snapshot.of_workers.items():
        owned = {key for key, owner in owners.items() if owner == worker_id}
        ensure(
            worker.tasks == owned,
            f"worker {worker_id} lists {sorted(worker.tasks)} as its own but runs {sorted(owned)}",
        )
        if worker_id not in running:
            ensure(
                worker.pending == [],
                f"worker {worker_id} does not run but holds {worker.pending} back",
            )
            ensure(not worker.has_lease, f"worker {worker_id} does not run but has a lease")


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
            ensure(state == "queued", f"{key} is {state!r}, which is no state")
    ensure(needed <= set(fields) <= needed | optional, f"{key} is {state} and has {sorted(fields)}")
    ensure(int(fields["attempt"]) >= 1, f"{key} is at attempt {int(fields['attempt'])}")
    times = [int(fields[name]) for name in _TIMES if name in fields]
    ensure(times == sorted(times), f"{key} went back in time: {times}")


def _check_scores(snapshot: Snapshot) -> None:
    """Fail unless sorted sets are sorted by the time of the hash, a little apart within a call."""
    for listed, name in ((snapshot.running, "started_at"), (snapshot.failed, "finished_at")):
        for key, score in listed:
            ahead = score - int(snapshot.tasks[key][name])
            ensure(0 <= ahead < _SLACK, f"the score of {key} is {ahead:g} µs ahead of its {name}")
