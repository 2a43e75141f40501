"""What each process asked for and what it was told, written down before it goes on.

A journal is a file of one process, one JSON list a line: first what is asked, then what was told.
A kill can cut the last line only. A call that was asked and not told may or may not have happened.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

SUFFIX = ".journal"


class Verb(StrEnum):
    """What can be asked for."""

    PUSH = "push"
    """Queued tasks of these origins; told their keys."""
    PUSH_FINISHED = "push finished"
    """Finished tasks of these origins and nonces; told their keys."""
    PUSH_FAILED = "push failed"
    """Failed tasks of these origins and messages; told their keys."""
    START = "start"
    """Running tasks of these origins; told as POP is, nothing where the worker has to end."""
    POP = "pop"
    """A task of the queue; told its key, with its attempt."""
    HALF_POP = "half a pop"
    """A task of the queue; the process dies before it claims it."""
    FINISH = "finish"
    """These keys with these nonces; told the keys that were finished."""
    FAIL = "fail"
    """These keys, which run here, with these messages; told the keys that failed."""
    WITHDRAW = "withdraw"
    """These keys, wherever they are, with these messages; told the keys that failed."""
    RETRY = "retry"
    """These failed keys; told the keys that were queued again."""
    FETCH = "fetch"
    """The finished tasks that are new to this process; told their keys, with their nonces."""
    DETECT = "detect"
    """Lost workers; told their ids. Asked with the note "requeue" where their tasks go back."""
    STOP = "stop"
    """An end of these workers."""
    TROUBLE = "trouble"
    """Nothing: what the process did not expect."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of one process, as far as its journal tells of it."""

    who: str
    number: int
    verb: Verb
    asked: tuple[str, ...]
    notes: tuple[str, ...]
    """What was asked along with each of `asked`."""
    at: float
    """When it was asked, by the monotonic clock that all processes share."""
    told: tuple[str, ...] | None = None
    """None where the process was killed, or the call raised, before it was told."""
    told_notes: tuple[str, ...] = ()

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """What was asked, each key once, with its first note."""
        first: dict[str, str] = {}
        for key, note in zip(self.asked, self.notes, strict=True):
            first.setdefault(key, note)
        return list(first.items())

    @property
    def begun(self) -> list[tuple[str, int]]:
        """The tasks that a worker was given, with their attempts."""
        if self.verb not in (Verb.POP, Verb.START):
            return []
        return list(zip(self.told or (), map(int, self.told_notes), strict=True))


class Journal:
    """Writes the journal of this process."""

    def __init__(self, directory: Path, who: str) -> None:
        self._number = 0
        path = directory / f"{who}{SUFFIX}"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def ask(self, verb: Verb, asked: Sequence[str] = (), notes: Sequence[str] = ()) -> int:
        """Write down what is about to be asked; return the number to tell the answer by."""
        self._number += 1
        self._write("ask", self._number, verb, list(asked), list(notes), time.monotonic())
        return self._number

    def tell(self, number: int, told: Sequence[str] = (), notes: Sequence[str] = ()) -> None:
        """Write down what this process was told."""
        self._write("told", number, list(told), list(notes))

    def trouble(self, what: str) -> None:
        """Write down what should not have happened."""
        self.ask(Verb.TROUBLE, [what])

    def _write(self, *line: Any) -> None:
        packed = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        while packed:  # a signal may end a long write halfway
            packed = packed[os.write(self._file, packed) :]


def read_journals(directory: Path) -> list[Call]:
    """Read the journals of all processes, each in its order."""
    paths = sorted(directory.glob(f"*{SUFFIX}"))
    return [call for path in paths for call in read_journal(path)]


def read_journal(path: Path) -> list[Call]:
    """Read the journal of one process; a last line that was cut is left out."""
    calls: dict[int, Call] = {}
    who = path.name.removesuffix(SUFFIX)
    for kind, number, *rest in _lines(path):
        if kind == "ask":
            verb, asked, notes, at = rest
            calls[number] = Call(who, number, Verb(verb), tuple(asked), tuple(notes), at)
        else:
            told, notes = rest
            calls[number] = replace(calls[number], told=tuple(told), told_notes=tuple(notes))
    return list(calls.values())


def _lines(path: Path) -> Iterator[list[Any]]:
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield json.loads(line)
