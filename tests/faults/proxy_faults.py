"""What may go wrong between a client and its server, each a small record."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class At:
    """The n-th command from 0 since the proxy began, or the n-th of a name."""

    n: int = 0
    name: str | None = None


@dataclass(frozen=True, slots=True)
class CutRequest:
    """Hand on the first bytes of a request only, then close both sides; 0 bytes drop it.

    A byte beyond the request's last but one counts as that; a negative one counts from its end.
    """

    at: At
    byte: int = 0


@dataclass(frozen=True, slots=True)
class CutReply:
    """Let the server do it, hand on the first bytes of its reply only, then close both sides."""

    at: At
    byte: int = 0


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """From a request on, all bytes of its connection vanish, which stays open without a word.

    The server stays connected, too, until the proxy ends.
    """

    at: At
    reaches_server: bool = False
    """Whether that request still gets to the server."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Hold requests and replies back, for seconds each: of one command, or of all."""

    requests: float = 0.0
    replies: float = 0.0
    at: At | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    """Close all connections, and refuse new ones for some seconds or until the proxy begins anew.

    At once, or at a command.
    """

    seconds: float
    at: At | None = None
    reaches_server: bool = False
    """Whether that command is still done by the server."""


Fault = CutRequest | CutReply | HalfOpen | Delay | Refuse


@dataclass(slots=True)
class RandomCuts:
    """Cuts some of the commands that pass, as one seed decides."""

    seed: int
    rate: float
    """Share of the commands that are cut."""
    spared: frozenset[str] = frozenset()
    """Names of commands that are never cut."""
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def draw(self, n: int, name: str, n_bytes: int) -> CutRequest | CutReply | None:
        """Decide what happens to the n-th command."""
        if name in self.spared or self._random.random() >= self.rate:
            return None
        if self._random.random() < 0.5:
            return CutRequest(At(n), self._random.randrange(n_bytes))
        return CutReply(At(n), self._random.randrange(32))
