"""What is known of a network at one instant; never changed, so that all may look at it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from rushtyped import Progress

RATE_SECONDS = 60.0
"""Seconds over which the rate is taken."""
BEST = 5
"""Rows that are shown as the best."""


@dataclass(frozen=True, slots=True)
class View:
    """A network as the last refresh found it."""

    version: int
    """Grows whenever something has changed."""
    progress: Progress
    finished: pl.DataFrame
    """All finished tasks with all fields, in the order of finishing."""
    groups: dict[str, str]
    """The field that each column belongs to."""
    xs: list[str]
    ys: list[str]
    best: pl.DataFrame
    """Rows with the least value of the first numeric y."""

    def rate(self) -> float:
        """Tasks that have finished a second, lately."""
        now = datetime.now(UTC)
        ends = self.finished["finished_at"].drop_nulls()
        first = ends.search_sorted(now - timedelta(seconds=RATE_SECONDS))
        n = ends.len() - int(first)
        if n == 0:
            return 0.0
        began = self.finished["created_at"].head(1).to_list()[0] or now
        return n / min(RATE_SECONDS, max(1.0, (now - began).total_seconds()))

    def seconds_left(self) -> float | None:
        """Seconds until the budget's time is up, where it has a limit."""
        if self.progress.max_seconds is None:
            return None
        return max(0.0, self.progress.max_seconds - (self.progress.seconds or 0.0))

    def first_y(self) -> str | None:
        """Name of the first numeric column of ys."""
        return first_numeric(self.finished, self.ys)


def first_numeric(frame: pl.DataFrame, names: list[str]) -> str | None:
    """Name the first of these columns that holds numbers."""
    return next((name for name in names if frame.schema[name].is_numeric()), None)


def best_of(frame: pl.DataFrame, y: str | None) -> pl.DataFrame:
    """Take the rows with the least finite values of a column."""
    if y is None:
        return frame.clear()
    value = pl.col(y).cast(pl.Float64, strict=False)
    return frame.filter(value.is_finite()).bottom_k(BEST, by=y).sort(y, maintain_order=True)


def continues(frame: pl.DataFrame, before: pl.DataFrame) -> bool:
    """Whether a frame begins with all rows of an earlier one."""
    n = before.height
    if frame.height < n or frame.schema != before.schema:
        return False
    return n == 0 or frame["key"][n - 1] == before["key"][n - 1]
