"""Waiting until tasks are settled, on the server and without polling it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rushtyped.errors import NetworkResetError, WaitTimeoutError
from rushtyped.selection import unknown_tasks
from rushtyped.store import Store

_SETTLED = (b"finished", b"failed")


SLICE = 5.0
"""Seconds after which who waits looks by itself, in case an event was lost."""


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
        self._epoch, self._n_finished, self._failed_at = store.indexes.settled_mark()
        states = store.indexes.read_hashes(keys, ["state"])["state"]
        unknown = [key for key, state in zip(keys, states, strict=True) if not state]
        if unknown:
            raise unknown_tasks(store.keys.network_id, unknown)
        self._open = {key for key, state in zip(keys, states, strict=True) if state not in _SETTLED}

    def wait(self, timeout: float | None, watch: Watch) -> None:
        """Block until all are settled or no worker is left.

        Raises WaitTimeoutError after `timeout` seconds, NetworkResetError when the tasks were
        dropped by a reset, and whatever the watch raises.
        """
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        while self._open:
            watch.look()
            event = self._store.last_event()
            n_workers = self._look()
            if not self._open or (n_workers == 0 and watch.is_deserted()):
                return
            left = deadline - time.monotonic()
            if left <= 0:
                raise WaitTimeoutError(
                    f"{len(self._open)} tasks were neither finished nor failed within "
                    f"{timeout:g} s, {min(self._open)!r} among them"
                )
            self._store.wait_for_event(event, min(left, watch.pause))

    def _look(self) -> int:
        """Take out what has been settled since the last look; return the number of workers."""
        epoch, finished, failed, n_workers = self._store.indexes.settled_since(
            self._n_finished, self._failed_at
        )
        if epoch != self._epoch:
            raise NetworkResetError(
                f"the network was reset while {len(self._open)} of its tasks were waited for: "
                "push them again"
            )
        self._n_finished += len(finished)
        self._open.difference_update(finished)
        for key, score in failed:
            self._failed_at = max(self._failed_at, score)
            self._open.discard(key)
        return n_workers
