"""What a process of the chaos run is told when it is started, and what it shares with others."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from loguru import logger

from rushtyped.errors import RushTypedError, ServerUnreachableError
from tests.chaos.journal import Journal
from tests.chaos.models import ChaosNetwork

PATIENCE = 60.0
"""Seconds for which each call tries to reach the server; it is never away for so long."""
_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Part:
    """A producer or a manager: its name, where its network is, and how it behaves."""

    name: str
    seed: int
    network_id: str
    url: str
    directory: Path
    gate: Path
    budget: int | None = None
    """Tasks that are to finish in the network; None where there is no budget."""
    backlog: int = 1000
    """Queued tasks above which none is pushed."""
    n_workers: int = 2
    seconds: float = 30.0
    """How long a manager works until another takes its place."""
    requeues: bool = False
    """Whether a manager has lost workers' tasks queued again."""
    supervises: bool = True
    """Whether a manager's workers die with it."""

    def as_word(self) -> str:
        """Write it as one word of a command line."""
        return json.dumps(
            {**asdict(self), "directory": str(self.directory), "gate": str(self.gate)}
        )

    @classmethod
    def of_word(cls, word: str) -> Part:
        """Read what `as_word` wrote."""
        given = json.loads(word)
        paths = {name: Path(given[name]) for name in ("directory", "gate")}
        return cls(**{**given, **paths})


class Origins:
    """Names for what one process asks for or sends, none twice."""

    def __init__(self, who: str) -> None:
        self._who = who
        self._n = 0

    def take(self, n: int) -> list[str]:
        """Make n names."""
        names = [f"{self._who}.{number}" for number in range(self._n, self._n + n)]
        self._n += n
        return names


class Stop:
    """Becomes true with SIGTERM."""

    def __init__(self) -> None:
        self.asked: bool = False
        signal.signal(signal.SIGTERM, self._receive)

    def _receive(self, *_: object) -> None:
        self.asked = True


def open_gate(gate: Path, *, is_open: bool) -> None:
    """Let tasks be created, or not."""
    fresh = gate.with_suffix(".new")
    fresh.write_text("open" if is_open else "closed")
    fresh.replace(gate)


def is_open(gate: Path) -> bool:
    """Whether tasks are to be created now."""
    return gate.read_text() == "open"


def join(part: Part) -> ChaosNetwork:
    """Join the network; a new object asks the server only once, and that may be away."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return ChaosNetwork(
                part.network_id, redis=part.url, retry_timeout=PATIENCE, max_tasks=part.budget
            )
        except ServerUnreachableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)


@contextlib.contextmanager
def noting_trouble(journal: Journal) -> Iterator[None]:
    """Write down whatever the library raises here and the process does not expect."""
    try:
        yield
    except RushTypedError as error:
        place = traceback.format_exception(error)[-3:]
        journal.trouble(f"{type(error).__name__}: {error} {''.join(place)}")
        raise


def begin() -> tuple[Part, Journal, random.Random, Stop]:
    """Read what this process was started with."""
    logger.remove()
    part = Part.of_word(sys.argv[1])
    return part, Journal(part.directory, part.name), random.Random(part.seed), Stop()
