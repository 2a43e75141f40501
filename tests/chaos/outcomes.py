"""Whether results and failures are stored as those who sent them were told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tests.chaos.journal import Call, Verb
from tests.chaos.stored import Stored, StoredTask
from tests.chaos.violation import Law, Violation

_OTHERS = ("Worker was killed", "Worker has crashed or was killed", "The manager of this worker")
"""How the messages begin that settle a worker's tasks without asking it."""


class Sent(NamedTuple):
    """A result or a failure of one task, as one process sent it."""

    verb: Verb
    who: str
    key: str
    note: str
    """The nonce or the message."""
    moved: bool | None
    """What the sender was told; None where it was not."""
    attempt: int = 0
    """The one that the sender was at; 0 where it was never given the task."""


class Outcomes:
    """All that was sent in the order of each process."""

    def __init__(self, calls: Iterable[Call]) -> None:
        self.sent: list[Sent] = []
        self._begun: dict[tuple[str, str], int] = {}  # the attempt that a worker has of a task
        self._by_task: dict[tuple[str, str], list[Sent]] = {}
        self._messages: set[str] = set()
        for call in calls:
            self._take(call)

    def _take(self, call: Call) -> None:
        self._begun.update({(call.who, key): attempt for key, attempt in call.begun})
        match call.verb:
            case Verb.FINISH | Verb.FAIL | Verb.WITHDRAW:
                for key, note in call.pairs:
                    moved = None if call.told is None else key in call.told
                    attempt = self._begun.get((call.who, key), 0)
                    sent = Sent(call.verb, call.who, key, note, moved, attempt)
                    self.sent.append(sent)
                    self._by_task.setdefault((call.who, key), []).append(sent)
                    if call.verb is Verb.WITHDRAW:
                        self._messages.add(note)
            case Verb.PUSH_FINISHED:
                self.sent += [
                    Sent(call.verb, "", key, nonce, True)
                    for key, nonce in zip(call.told or (), call.notes, strict=False)
                ]
            case _:
                pass

    def sent_before(self, sent: Sent) -> list[Sent]:
        """What the same process has sent of the same attempt before."""
        of_task = self._by_task[sent.who, sent.key]
        earlier = of_task[: of_task.index(sent)]
        return [each for each in earlier if each.attempt == sent.attempt]

    def is_withdrawal(self, message: str) -> bool:
        """Whether somebody who did not run the task failed it with this message."""
        return message in self._messages


def check_outcomes(stored: Stored, calls: list[Call]) -> Iterator[Violation]:
    """Find results and failures that were taken and are not stored, or refused without reason."""
    outcomes = Outcomes(calls)
    for sent in outcomes.sent:
        task = stored.tasks.get(sent.key)
        if task is None:
            continue  # it is lost, which is told of elsewhere
        if sent.verb in (Verb.FINISH, Verb.FAIL) and sent.moved and not sent.attempt:
            what = f"was settled by {sent.who}, which was never given it"
            yield Violation(Law.TOLD_IS_TRUE, sent.key, what)
        if sent.verb in (Verb.FINISH, Verb.PUSH_FINISHED):
            yield from _check_finish(outcomes, sent, task)
        elif sent.moved:
            yield from _check_fail(outcomes, sent, task)
    yield from _check_twice(outcomes)
    yield from _check_unsent(stored, calls)


def _check_finish(outcomes: Outcomes, sent: Sent, task: StoredTask) -> Iterator[Violation]:
    is_stored = task.state == "finished" and (task.nonce, task.worker_id) == (sent.note, sent.who)
    if sent.moved and not is_stored:
        what = (
            f"was finished by {sent.who or 'a push'} with {sent.note} but is {task.state} by "
            f"{task.worker_id} with {task.nonce}"
        )
        yield Violation(Law.TOLD_IS_TRUE, sent.key, what)
    if sent.moved is False and is_stored:
        what = f"is finished with {sent.note}, which {sent.who} was told is refused"
        yield Violation(Law.TOLD_IS_TRUE, sent.key, what)
    elif sent.moved is False and not _has_reason(outcomes, sent, task):
        what = (
            f"was refused from {sent.who} at attempt {sent.attempt} without a reason: it "
            f"is {task.state} by {task.worker_id} at attempt {task.attempt}: {task.message}"
        )
        yield Violation(Law.TOLD_IS_TRUE, sent.key, what)


def _has_reason(outcomes: Outcomes, sent: Sent, task: StoredTask) -> bool:
    """Whether the task was no longer the sender's, by what is stored and what it sent before."""
    if not sent.attempt or task.worker_id != sent.who or task.attempt > sent.attempt:
        return True
    if any(before.moved is not False for before in outcomes.sent_before(sent)):
        return True
    is_settled = task.message.startswith(_OTHERS) or outcomes.is_withdrawal(task.message)
    return task.state == "failed" and is_settled


def _check_fail(outcomes: Outcomes, sent: Sent, task: StoredTask) -> Iterator[Violation]:
    """A failure stands until the task is retried, which is its next attempt."""
    stands = task.state == "failed" and task.message == sent.note
    if task.attempt <= max(1, sent.attempt) and not stands:
        what = f"was failed by {sent.who} with {sent.note} but is {task.state}: {task.message}"
        yield Violation(Law.TOLD_IS_TRUE, sent.key, what)


def _check_twice(outcomes: Outcomes) -> Iterator[Violation]:
    taken: dict[str, Sent] = {}
    for sent in outcomes.sent:
        if sent.verb in (Verb.FINISH, Verb.PUSH_FINISHED) and sent.moved:
            first = taken.setdefault(sent.key, sent)
            if first is not sent:
                what = f"was finished by {first.who} with {first.note}, and by {sent.who} again"
                yield Violation(Law.NONE_DOUBLED, sent.key, what)


def _check_unsent(stored: Stored, calls: list[Call]) -> Iterator[Violation]:
    """Find results that nobody has sent; what was sent may stand though its sender was killed."""
    nonces = {
        note
        for call in calls
        if call.verb in (Verb.FINISH, Verb.PUSH_FINISHED)
        for note in call.notes
    }
    for key, task in stored.tasks.items():
        if task.state == "finished" and task.nonce not in nonces:
            yield Violation(Law.TOLD_IS_TRUE, key, f"is finished with {task.nonce!r}: nobody's")
