"""What `rushtyped watch` sees of a network, look by look."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from rushtyped.cli.cells import cell
from rushtyped.cli.columns import recorded_columns
from rushtyped.cli.opened import AnyNetwork
from rushtyped.cli.selection import ordered
from rushtyped.store import Progress

if TYPE_CHECKING:  # the command line starts without Polars
    import polars as pl

T = TypeVar("T")

_WINDOW = 30.0
"""Seconds over which the throughput is taken."""
_SHARE = 0.2
"""Part of the time that one kind of look may take, where there is much to look at."""
_ERRORS = 3


@dataclass(frozen=True, slots=True)
class Sight:
    """One look at a network."""

    progress: Progress
    per_second: float
    """Tasks that finished each second of late."""
    best: pl.DataFrame
    workers: pl.DataFrame
    errors: Sequence[str]
    """Conditions of the tasks that failed last, the newest first."""

    @property
    def ending(self) -> str | None:
        """Why no more is to be expected; None while there is."""
        seen = self.progress
        if seen.spent and not seen.running:
            return "the budget is spent"
        if self.workers.height and not seen.running_workers:
            return "no worker is left"
        return None


@dataclass(slots=True)
class _Sparing(Generic[T]):
    """A look that is taken again only after it has cost a small part of the time since."""

    look: Callable[[], T]
    _found: T | None = None
    _cost: float = 0.0
    _taken: float = float("-inf")

    def get(self) -> T:
        now = time.monotonic()
        if self._found is None or now - self._taken > self._cost / _SHARE:
            self._found = self.look()
            self._taken = time.monotonic()
            self._cost = self._taken - now
        return self._found


@dataclass(slots=True)
class Watcher:
    """Looks at one network again and again; what is costly less often."""

    network: AnyNetwork
    sort: str | None
    n_best: int
    _samples: deque[tuple[float, int]] = field(default_factory=deque)
    _best: _Sparing[pl.DataFrame] = field(init=False)
    _workers: _Sparing[pl.DataFrame] = field(init=False)
    _failed: tuple[int, Sequence[str]] = (0, ())

    def __post_init__(self) -> None:
        if self.sort is None:
            ys = (column for column in recorded_columns(self.network) if column.group == "ys")
            self.sort = next((y.name for y in ys if y.dtype.startswith(("Float", "Int"))), None)
        self._best = _Sparing(self._look_for_best)
        self._workers = _Sparing(lambda: self.network.worker_info)

    def look(self, *, last: bool = False) -> Sight:
        """Look now; the last look is complete."""
        if last:
            self._best = _Sparing(self._look_for_best)
            self._workers = _Sparing(lambda: self.network.worker_info)
        seen = self.network.progress
        return Sight(
            progress=seen,
            per_second=self._per_second(seen.finished),
            best=self._best.get(),
            workers=self._workers.get(),
            errors=self._errors(seen.failed),
        )

    def _per_second(self, finished: int) -> float:
        now = time.monotonic()
        if self._samples and finished < self._samples[-1][1]:  # the network was reset
            self._samples.clear()
        self._samples.append((now, finished))
        while now - self._samples[0][0] > _WINDOW:
            self._samples.popleft()
        began, before = self._samples[0]
        return (finished - before) / (now - began) if now > began else 0.0

    def _look_for_best(self) -> pl.DataFrame:
        frame = self.network.fetch_finished_tasks(fields=("xs", "ys"))
        return (frame if self.sort is None else ordered(frame, self.sort)).head(self.n_best)

    def _errors(self, n_failed: int) -> Sequence[str]:
        if n_failed != self._failed[0]:
            newest = self.network.read_tasks(self.network.failed_tasks[-_ERRORS:])
            shown = [cell(task.condition and _as_mapping(task.condition)) for task in newest]
            self._failed = (n_failed, shown[::-1])
        return self._failed[1]


def _as_mapping(condition: Any) -> dict[str, object]:
    found: dict[str, object] = condition.model_dump()
    return found
