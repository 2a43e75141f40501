"""The account of a chaos run: what the server holds against what everybody was told."""

from __future__ import annotations

from collections.abc import Iterator

from tests.chaos.attempts import check_attempts
from tests.chaos.creations import check_creations
from tests.chaos.journal import Call, Verb
from tests.chaos.outcomes import check_outcomes
from tests.chaos.places import check_places, check_settled
from tests.chaos.readers import check_readers
from tests.chaos.stored import Stored
from tests.chaos.violation import Law, Violation


def find_violations(
    stored: Stored, calls: list[Call], *, budget: int | None = None
) -> list[Violation]:
    """Hold all journals against what is stored, when all is settled."""
    return [
        *check_places(stored.places),
        *check_settled(stored, budget=budget),
        *check_creations(stored, calls),
        *check_outcomes(stored, calls),
        *check_attempts(stored, calls),
        *check_readers(stored, calls),
        *_check_workers(stored, calls),
        *_check_calm(calls),
    ]


def _check_workers(stored: Stored, calls: list[Call]) -> Iterator[Violation]:
    """A worker that was declared lost stays so."""
    for call in calls:
        if call.verb is Verb.DETECT:
            for worker_id in call.told or ():
                worker = stored.places.workers.get(worker_id)
                if worker is None or not worker.reason.startswith("Worker has crashed"):
                    reason = "nothing" if worker is None else worker.reason
                    what = f"was declared lost to {call.who} but has ended by {reason}"
                    yield Violation(Law.TOLD_IS_TRUE, worker_id, what)


def _check_calm(calls: list[Call]) -> Iterator[Violation]:
    for call in calls:
        if call.verb is Verb.TROUBLE:
            yield Violation(Law.CALM, call.who, call.asked[0])
