"""What the account of a chaos run can find wrong."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Law(StrEnum):
    """What must hold, whatever was killed, stopped or cut."""

    NONE_LOST = "no task is lost"
    """Each task that somebody was told of exists, as it was asked for."""
    NONE_DOUBLED = "no task is doubled"
    """Nothing that was asked for once is there twice, is run twice at once, or finishes twice."""
    ONE_STATE = "no task is in two states"
    """Each task is in the one index that its hash names."""
    TOLD_IS_TRUE = "what was told is true"
    """A result or failure that was taken is stored; one that was refused is not, for a reason."""
    ATTEMPTS = "attempts are counted"
    """The attempts of a task are those that were told, and no more than can have been."""
    VERIFIED = "the library finds its own data in order"
    READERS = "readers see each finished task once, in order"
    SETTLED = "nothing is left unsettled"
    """At the end no task waits or runs, no worker runs, and no process or lease is left."""
    BUDGET = "exactly the budget finishes"
    CALM = "no call fails that should not"
    """Processes meet no error but those that they expect."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A law that was broken, by what and how."""

    law: Law
    subject: str
    """A task's key, a worker's id or a process's name."""
    what: str

    def __str__(self) -> str:
        return f"{self.law}: {self.subject} {self.what}"
