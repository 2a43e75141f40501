"""How long a wait still takes, by how fast tasks are done."""

from __future__ import annotations

import time
from collections import deque
from typing import NamedTuple

from rushtyped.store import Progress

_SPAN = 30.0
"""Seconds over which the rate is taken."""
_MINUTE, _HOUR = 60, 3600


class Awaited(NamedTuple):
    """How many tasks are waited for, and how many of them are not settled yet."""

    n: int
    n_open: int


class Outlook(NamedTuple):
    """How far a wait is, and how long it still takes."""

    progress: Progress
    done: int
    """Tasks that are finished, or settled where certain ones are waited for."""
    what: str
    """What they are."""
    total: int | None
    share: float | None
    """Between 0 and 1; None where no end is known."""
    rate: float | None
    """Tasks a second."""
    left: float | None
    """Seconds, as far as that can be told."""

    def head(self) -> list[str]:
        """Say how far it is, how fast, and how long it takes."""
        of = "" if self.total is None else f"/{self.total}"
        rate = [] if self.rate is None else [f"{self.rate:.3g} tasks/s"]
        left = [] if self.left is None else [f"{clock(self.left)} left"]
        return [f"{self.done}{of} {self.what}", *rate, *left]

    def states(self) -> list[str]:
        """Say what else there is."""
        progress = self.progress
        return [
            f"{progress.running} running",
            f"{progress.queued} queued",
            f"{progress.failed} failed",
            f"{progress.running_workers} workers",
        ]


class Forecast:
    """Derives rate and time left from what is seen of a network."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._seen: deque[tuple[float, int]] = deque()

    @property
    def elapsed(self) -> float:
        """Seconds since the wait began."""
        return time.monotonic() - self._began

    def note(self, progress: Progress, awaited: Awaited | None) -> Outlook:
        """Take note of a look at the network, and say what follows from it."""
        done = progress.finished if awaited is None else awaited.n - awaited.n_open
        total = progress.max_tasks if awaited is None else awaited.n
        rate = self._rate(done)
        shares: list[float] = []
        left: list[float] = []
        if total is not None:
            shares.append(done / total if total else 1.0)
            left += [max(0, total - done) / rate] if rate else []
        if awaited is None and progress.max_seconds is not None:
            seconds = progress.seconds or 0.0
            shares.append(seconds / progress.max_seconds if progress.max_seconds else 1.0)
            left.append(max(0.0, progress.max_seconds - seconds))
        share = min(1.0, max(shares)) if shares else None
        what = "finished" if awaited is None else "settled"
        return Outlook(progress, done, what, total, share, rate, min(left) if left else None)

    def _rate(self, done: int) -> float | None:
        """Return the tasks a second of the last half minute."""
        now = time.monotonic()
        if self._seen and done < self._seen[-1][1]:  # the network was reset
            self._seen.clear()
        self._seen.append((now, done))
        while now - self._seen[0][0] > _SPAN and len(self._seen) > 2:
            self._seen.popleft()
        since, before = self._seen[0]
        return (done - before) / (now - since) if now > since else None


def clock(seconds: float) -> str:
    """Write a time span as 7 s, 2:05 or 1:02:05."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    minutes = f"{whole % _HOUR // _MINUTE}:{whole % _MINUTE:02}"
    return minutes if whole < _HOUR else f"{whole // _HOUR}:{minutes.rjust(5, '0')}"
