"""What was seen of a network while it went on, piece by piece and at different instants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple


class Mark(NamedTuple):
    """What the hash of a task says of itself."""

    state: bytes
    worker_id: bytes
    fault: bytes
    """What is wrong with its fields; empty for nothing."""


@dataclass(slots=True)
class Settled:
    """The indexes that are only appended to: what was read of them stays true."""

    all: Counter[bytes] = field(default_factory=Counter)
    finished: Counter[bytes] = field(default_factory=Counter)
    n_all: int = 0
    """How much of `all` has been read."""
    n_finished: int = 0


@dataclass(slots=True)
class Moving:
    """The indexes that tasks enter and leave, as they were read page by page."""

    queue: Counter[bytes] = field(default_factory=Counter)
    running: set[bytes] = field(default_factory=set)
    failed: set[bytes] = field(default_factory=set)
    pending: dict[bytes, bytes] = field(default_factory=dict)
    """Worker that has popped a task and not begun it, by key."""
    owned: dict[bytes, set[bytes]] = field(default_factory=dict)
    """Tasks that each worker lists as its own."""
    running_workers: set[bytes] = field(default_factory=set)

    def keys(self) -> Iterator[bytes]:
        """Give every task key that was seen, some more than once."""
        yield from self.queue
        yield from self.running
        yield from self.failed
        yield from self.pending


class Sighting(NamedTuple):
    """All that was seen of some tasks."""

    marks: dict[bytes, Mark]
    settled: Settled
    moving: Moving

    def suspects(self) -> list[bytes]:
        """List the tasks that may not be where they belong, or have only moved meanwhile."""
        return [key for key, mark in self.marks.items() if not self._is_sound(key, mark)]

    def not_owned(self) -> dict[bytes, list[bytes]]:
        """List for each worker the tasks that it may not run though it lists them as its own."""
        strange = {
            worker_id: [key for key in keys if not self._is_run_by(worker_id, key)]
            for worker_id, keys in self.moving.owned.items()
        }
        return {worker_id: keys for worker_id, keys in strange.items() if keys}

    def _is_run_by(self, worker_id: bytes, key: bytes) -> bool:
        mark = self.marks.get(key)
        return mark is not None and (mark.state, mark.worker_id) == (b"running", worker_id)

    def _is_sound(self, key: bytes, mark: Mark) -> bool:
        moving, settled = self.moving, self.settled
        n_queued = moving.queue[key] + (key in moving.pending)
        counts = (n_queued, key in moving.running, settled.finished[key], key in moving.failed)
        expected = _EXPECTED.get(mark.state)
        if mark.fault or counts != expected or settled.all[key] != 1:
            return False
        match mark.state:
            case b"running":
                runs = mark.worker_id in moving.running_workers
                return runs and key in moving.owned.get(mark.worker_id, ())
            case b"queued":
                holder = moving.pending.get(key)
                return holder is None or holder in moving.running_workers
            case _:
                return True


_EXPECTED = {
    b"queued": (1, 0, 0, 0),
    b"running": (0, 1, 0, 0),
    b"finished": (0, 0, 1, 0),
    b"failed": (0, 0, 0, 1),
}
"""How often each state's task is in the queue, running, finished and failed."""
