"""Whether what was asked for is there, once, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tests.chaos.journal import Call, Verb
from tests.chaos.stored import Stored
from tests.chaos.violation import Law, Violation

CREATING = (Verb.PUSH, Verb.PUSH_FINISHED, Verb.PUSH_FAILED, Verb.START)
FOLLOWING = (Verb.POP, Verb.FINISH, Verb.FAIL, Verb.WITHDRAW, Verb.RETRY, Verb.FETCH)
"""Calls that are told keys of tasks which somebody has created."""


def check_creations(stored: Stored, calls: Iterable[Call]) -> Iterator[Violation]:
    """Find tasks that were told and are lost, are not as asked for, or that nobody asked for."""
    asked: set[str] = set()
    refused: set[str] = set()
    for call in calls:
        if call.verb in CREATING:
            asked.update(call.asked)
            if call.told == ():
                refused.update(call.asked)
            yield from _check_told(stored, call)
        elif call.verb in FOLLOWING:
            for key in call.told or ():
                if key not in stored.tasks:
                    yield Violation(Law.NONE_LOST, key, f"was told to {call.who} but is lost")
    yield from _check_asked(stored, asked, refused)


def _check_told(stored: Stored, call: Call) -> Iterator[Violation]:
    if not call.told:
        return
    if len(call.told) != len(call.asked):
        what = f"was told {len(call.told)} keys for {len(call.asked)} tasks"
        yield Violation(Law.TOLD_IS_TRUE, call.who, what)
    for key, origin in zip(call.told, call.asked, strict=False):
        task = stored.tasks.get(key)
        if task is None:
            yield Violation(Law.NONE_LOST, key, f"was told to {call.who} but is lost")
        elif task.origin != origin:
            what = f"was asked for as {origin} but is {task.origin}"
            yield Violation(Law.NONE_LOST, key, what)


def _check_asked(stored: Stored, asked: set[str], refused: set[str]) -> Iterator[Violation]:
    keys: dict[str, str] = {}
    for key, task in stored.tasks.items():
        if task.origin not in asked:
            yield Violation(Law.NONE_DOUBLED, key, f"is {task.origin}, which nobody asked for")
        if task.origin in refused:
            yield Violation(Law.TOLD_IS_TRUE, key, f"is {task.origin}, which was refused")
        if task.origin in keys:
            what = f"is {task.origin}, as {keys[task.origin]} is"
            yield Violation(Law.NONE_DOUBLED, key, what)
        keys[task.origin] = key
