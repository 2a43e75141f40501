"""What a worker runs and has lately settled, kept for a server that forgets it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Collection, Sequence
from typing import NamedTuple

Text = str | bytes

MOST_SETTLED = 10_000
"""Settled tasks that are kept at most."""
MOST_BYTES = 16_000_000
"""Bytes of running tasks, and of settled ones, that are kept at most."""
LONGEST = 60.0
"""Seconds for which a settled task is kept, while others follow it."""


class Entry(NamedTuple):
    """A task as the worker knows it, in the words of the script that restores it."""

    key: str
    state: str
    attempt: str
    xs: Text
    """Empty where another process has begun the task."""
    xs_extra: Text
    outcome: Text
    """Its ys, or its condition."""
    ys_extra: Text


# Plain tuples, since they are made in every call.
_Begun = tuple[int, Text, Text]  # attempt, xs, xs_extra
_Settled = tuple[float, int, str, str, _Begun, Text, Text]  # when, bytes, key, state, ...
_UNKNOWN: _Begun = (1, b"", b"")


class Journal:
    """The tasks of one worker in this process, as the server has confirmed them.

    When there is too much to keep, the oldest is forgotten.
    """

    def __init__(self) -> None:
        self._running: dict[str, _Begun] = {}
        self._settled: deque[_Settled] = deque()
        self._running_bytes = self._settled_bytes = 0
        self._lock = threading.RLock()  # a signal may come at any time
        self.calls: set[object] = set()
        """Calls under way by which the worker may be given tasks that it cannot note yet."""
        self.is_complete: bool = True
        """Whether it holds all that runs here, so that what it lacks was never given."""

    def begin(self, key: str, attempt: int, xs: Text, xs_extra: Text) -> None:
        """Note a task that runs here from now on."""
        with self._lock:
            self._running[key] = (attempt, xs, xs_extra)
            self._running_bytes += len(xs) + len(xs_extra)
            if self._running_bytes > MOST_BYTES:
                self._forget_running()

    def settle(self, key: str, state: str, outcome: Text, ys_extra: Text) -> None:
        """Note that a task has finished or failed here."""
        now = time.monotonic()
        with self._lock:
            begun = self._running.pop(key, _UNKNOWN)
            n_begun = len(begun[1]) + len(begun[2])
            n_all = n_begun + len(outcome) + len(ys_extra)
            settled = self._settled
            settled.append((now, n_all, key, state, begun, outcome, ys_extra))
            self._running_bytes -= n_begun
            self._settled_bytes += n_all
            while (
                settled[0][0] < now - LONGEST
                or len(settled) > MOST_SETTLED
                or (self._settled_bytes > MOST_BYTES and len(settled) > 1)
            ):
                self._settled_bytes -= settled.popleft()[1]

    def drop(self, key: str) -> None:
        """Forget a task that runs here no more."""
        with self._lock:
            _, xs, xs_extra = self._running.pop(key, _UNKNOWN)
            self._running_bytes -= len(xs) + len(xs_extra)

    def _forget_running(self) -> None:
        while self._running_bytes > MOST_BYTES and len(self._running) > 1:
            self.drop(next(iter(self._running)))
            self.is_complete = False

    def forget(self, keys: Collection[str]) -> None:
        """Forget tasks whether they run or are settled, since the network was reset."""
        with self._lock:
            for key in keys:
                self.drop(key)
            self._settled = deque(each for each in self._settled if each[2] not in keys)
            self._settled_bytes = sum(each[1] for each in self._settled)

    def holds(self, keys: Sequence[str]) -> bool:
        """Tell whether one of these tasks runs here."""
        return any(key in self._running for key in keys)

    def entries(self) -> list[Entry]:
        """List the settled tasks in their order, then those that run."""
        with self._lock:
            settled, running = list(self._settled), list(self._running.items())
        return [
            *(
                Entry(key, state, str(attempt), xs, xs_extra, outcome, ys_extra)
                for _, _, key, state, (attempt, xs, xs_extra), outcome, ys_extra in settled
            ),
            *(
                Entry(key, "running", str(attempt), xs, xs_extra, b"", b"")
                for key, (attempt, xs, xs_extra) in running
            ),
        ]
