"""How many rows one command reads: few while their size is unknown, then by their size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

PAGE_BYTES = 4_000_000
"""Bytes that one command is to read; some milliseconds in which the server serves no other."""
FIRST_ROWS = 100
"""Rows of the first read, whose size is unknown."""
MOST_VALUES = 40_000
"""Values that one command reads, however small they are."""

_EVERY = 8  # so many rows are weighed by one


class Pace:
    """How many rows to read at once, for each set of fields."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows: dict[tuple[str, ...], int] = {}

    def rows(self, fields: Sequence[str], most: int) -> int:
        """Say how many rows the next command reads, at most so many."""
        narrow = max(1, MOST_VALUES // max(1, len(fields)))
        return min(most, narrow, self._rows.get(tuple(fields), FIRST_ROWS))

    def note(self, fields: Sequence[str], columns: Iterable[Sequence[bytes | None]]) -> None:
        """Take note of the size of what was read."""
        n_rows = size = 0
        for column in columns:
            sample = column[::_EVERY]
            n_rows = len(sample)
            size += sum(map(len, filter(None, sample)))
        if n_rows:
            self._rows[tuple(fields)] = max(1, PAGE_BYTES * n_rows // max(1, size))
