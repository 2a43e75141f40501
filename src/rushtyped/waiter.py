"""Waiting until tasks are settled, on the server and without polling it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rushtyped.errors import NetworkResetError, UnknownTaskError, WaitTimeoutError
from rushtyped.forecast import Awaited
from rushtyped.progress import NOTHING, Display
from rushtyped.selection import unknown_tasks
from rushtyped.store import Store

_SETTLED = (b"finished", b"failed")


SLICE = 5.0
"""Seconds after which who waits looks by itself, in case an event was lost."""
RETURN = 10.0
"""Seconds that workers have to store again tasks that a server has lost, as by a failover."""


class Watch(NamedTuple):
    """How workers are looked after by who waits for their tasks."""

    pause: float
    """Most seconds between two looks."""
    look: Callable[[], object]
    is_deserted: Callable[[], bool]
    """Tells, where no worker runs, whether none is about to either."""


class Waiter:
    """Waits until the given tasks are finished or failed, or no worker is left to do so."""

    def __init__(self, store: Store, keys: Sequence[str]) -> None:
        self._store = store
        self._open = set(keys)
        self._n = len(self._open)
        self._missing_since = float("inf")
        self._epoch = b""
        self._n_finished = 0
        self._failed_at = 0.0
        self._last: str | None = None  # key before the mark, once it was seen
        unknown = self._look_at_each()
        if unknown:
            raise unknown_tasks(store.keys.network_id, unknown)

    def wait(self, timeout: float | None, watch: Watch, display: Display = NOTHING) -> None:
        """Block until all are settled or no worker is left.

        Raises WaitTimeoutError after `timeout` seconds, NetworkResetError when the tasks were
        dropped by a reset, UnknownTaskError for tasks that the server has lost and no worker
        stores again, and whatever the watch raises.
        """
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        event: bytes | None = None
        self._show(display)
        while self._open:
            watch.look()
            event = event or self._store.last_event()
            n_workers = self._look()
            self._show(display)
            if not self._open or (n_workers == 0 and watch.is_deserted()):
                return
            left = deadline - time.monotonic()
            if left <= 0:
                raise WaitTimeoutError(
                    f"{len(self._open)} tasks were neither finished nor failed within "
                    f"{timeout:g} s, {min(self._open)!r} among them"
                )
            event = self._store.wait_for_event(event, min(left, watch.pause))

    def _show(self, display: Display) -> None:
        """Show how many tasks are settled, where that is wanted and due."""
        n_open = len(self._open)
        if display.is_due(last=n_open == 0):
            display.show(self._store.progress(), Awaited(self._n, n_open), last=n_open == 0)

    def _look(self) -> int:
        """Take out what has been settled since the last look; return the number of workers."""
        epoch, finished, failed, n_workers = self._store.indexes.settled_since(
            self._n_finished, self._failed_at
        )
        self._check_epoch(epoch)
        if self._may_have_lost(finished):
            self._look_for_missing()
            return n_workers
        finished = finished[1:] if self._n_finished else finished
        self._n_finished += len(finished)
        self._last = finished[-1] if finished else self._last
        self._open.difference_update(finished)
        for key, score in failed:
            self._failed_at = max(self._failed_at, score)
            self._open.discard(key)
        return n_workers

    def _look_at_each(self) -> list[str]:
        """Look at each task, and set the marks to look on from; return the keys of no task."""
        store = self._store.indexes
        self._looked_at = self._store.channel.recovered_at
        epoch, self._n_finished, self._failed_at = store.settled_mark()
        self._epoch = self._epoch or epoch
        self._check_epoch(epoch)
        self._last = None
        keys = sorted(self._open)
        states = dict(zip(keys, store.read_hashes(keys, ["state"])["state"], strict=True))
        self._open = {key for key, state in states.items() if state not in _SETTLED}
        return [key for key, state in states.items() if state is None]

    def _may_have_lost(self, finished: list[str]) -> bool:
        """Whether the server may have gone back to before the marks, or tasks are missing."""
        if self._n_finished and self._last is None and finished:
            self._last = finished[0]
        return (
            self._missing_since < float("inf")
            or self._looked_at != self._store.channel.recovered_at
            or (self._n_finished > 0 and finished[:1] != [self._last])
        )

    def _look_for_missing(self) -> None:
        """Look at each task anew; raise UnknownTaskError for those that stay away."""
        missing = self._look_at_each()
        now = time.monotonic()
        self._missing_since = min(self._missing_since, now) if missing else float("inf")
        if now - self._missing_since > RETURN:
            raise UnknownTaskError(
                f"network {self._store.keys.network_id!r} has lost {len(missing)} tasks that were "
                f"waited for, {min(missing)!r} among them, as by a failover, and no worker has "
                "stored them again: push them again"
            )

    def _check_epoch(self, epoch: bytes) -> None:
        if epoch != self._epoch:
            raise NetworkResetError(
                f"the network was reset while {len(self._open)} of its tasks were waited for: "
                "push them again"
            )
