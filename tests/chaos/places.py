"""Whether indexes, hashes and workers agree about where each task is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.chaos.stored import Places, Stored
from tests.chaos.violation import Law, Violation


def check_places(places: Places) -> Iterator[Violation]:
    """Find tasks in no index, in two, or in another one than their hash says; at any instant."""
    for key, n in Counter(places.all).items():
        if n > 1:
            yield Violation(Law.NONE_DOUBLED, key, f"is in `all` {n} times")
    found = _states_by_index(places)
    for key, state in places.states.items():
        listed = found.pop(key, [])
        if listed != [state]:
            what = f"is {state or 'without a hash'} but listed as {listed or 'nothing'}"
            law = Law.ONE_STATE if listed and state else Law.NONE_LOST
            yield Violation(law, key, what)
    for key, listed in found.items():
        yield Violation(Law.ONE_STATE, key, f"is listed as {listed} but not in `all`")
    yield from _check_owners(places)


def _states_by_index(places: Places) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    pending = [key for worker in places.workers.values() for key in worker.pending]
    for state, keys in (
        ("queued", (*places.queue, *pending)),
        ("running", places.running),
        ("finished", places.finished),
        ("failed", places.failed),
    ):
        for key in keys:
            found.setdefault(key, []).append(state)
    return found


def _check_owners(places: Places) -> Iterator[Violation]:
    owned: dict[str, set[str]] = {}
    for key, worker_id in places.owners.items():
        owned.setdefault(worker_id, set()).add(key)
    for worker_id in owned.keys() - places.workers.keys():
        yield Violation(Law.ONE_STATE, worker_id, f"is no worker but runs {owned[worker_id]}")
    for worker_id, worker in places.workers.items():
        differs = owned.get(worker_id, set()) ^ set(worker.tasks)
        if differs:
            yield Violation(
                Law.ONE_STATE, worker_id, f"runs and lists tasks that differ: {differs}"
            )
        if not worker.is_running and (worker.tasks or worker.pending):
            what = f"has ended but keeps {worker.tasks or worker.pending}"
            yield Violation(Law.ONE_STATE, worker_id, what)


def check_settled(stored: Stored, *, budget: int | None) -> Iterator[Violation]:
    """Find what is left of the run when it has been drained."""
    places = stored.places
    for key in stored.strays:
        yield Violation(Law.ONE_STATE, key, "has a hash but is not in `all`")
    for key in places.running:
        yield Violation(Law.SETTLED, key, f"still runs in worker {places.owners[key]}")
    if budget is None:
        for key in places.queue:
            yield Violation(Law.SETTLED, key, "still waits")
    elif len(places.finished) != budget:
        what = f"of {budget} tasks have finished"
        yield Violation(Law.BUDGET, str(len(places.finished)), what)
    for worker_id, worker in places.workers.items():
        if worker.is_running:
            yield Violation(Law.SETTLED, worker_id, "still runs")
        elif worker.lease:
            yield Violation(Law.SETTLED, worker_id, "has ended but has a lease")
