"""Whether each attempt of a task was run by one worker, and attempts are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from tests.chaos.journal import Call, Verb
from tests.chaos.stored import Stored
from tests.chaos.violation import Law, Violation

MOST_REQUEUES = 2
"""Of a task whose workers are lost, since it is tried three times in all."""


def check_attempts(stored: Stored, calls: Iterable[Call]) -> Iterator[Violation]:
    """Find attempts that two workers were given, and tasks with too many or too few."""
    told: Counter[str] = Counter()
    possible: Counter[str] = Counter()
    runners: dict[tuple[str, int], str] = {}
    n_requeues = 0
    for call in calls:
        for key, attempt in call.begun:
            yield from _check_begun(stored, runners, call.who, key, attempt)
        match call.verb:
            case Verb.RETRY:
                told.update(call.told or ())
                possible.update(call.asked)  # one that was refused may have done it, then repeated
            case Verb.DETECT if "requeue" in call.notes:
                n_requeues += 1
            case _:
                pass
    yield from _check_counts(stored, told, possible, min(MOST_REQUEUES, n_requeues))


def _check_begun(
    stored: Stored, runners: dict[tuple[str, int], str], who: str, key: str, attempt: int
) -> Iterator[Violation]:
    first = runners.setdefault((key, attempt), who)
    if first != who:
        what = f"was given to {first} and to {who}, both times at attempt {attempt}"
        yield Violation(Law.NONE_DOUBLED, key, what)
    task = stored.tasks.get(key)
    if task is not None and attempt > task.attempt:
        what = f"was at attempt {attempt} in {who} but is at {task.attempt}"
        yield Violation(Law.ATTEMPTS, key, what)


def _check_counts(
    stored: Stored, told: Counter[str], possible: Counter[str], n_requeues: int
) -> Iterator[Violation]:
    for key, task in stored.tasks.items():
        least, most = 1 + told[key], 1 + possible[key] + n_requeues
        if not least <= task.attempt <= most:
            what = f"is at attempt {task.attempt}, expected {least} to {most}"
            yield Violation(Law.ATTEMPTS, key, what)
