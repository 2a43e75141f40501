"""How many rows one command reads: few while their size is unknown, then by their size."""

from __future__ import annotations

from collections.abc import Sequence

PAGE_BYTES = 4_000_000
"""Bytes that one command is to read; some milliseconds in which the server serves no other."""
FIRST_ROWS = 100
"""Rows of the first read, whose size is unknown."""
MOST_VALUES = 40_000
"""Values that one command reads, however small they are."""

_FEW = 1000  # values that are all weighed
_EVERY = 8  # else so many rows are weighed by one value


class Pace:
    """How many rows to read at once, for each set of fields."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows: dict[tuple[str, ...], int] = {}

    def rows(self, fields: Sequence[str], most: int) -> int:
        """Say how many rows the next command reads, at most so many."""
        narrow = max(1, MOST_VALUES // max(1, len(fields)))
        return min(most, narrow, self._rows.get(tuple(fields), FIRST_ROWS))

    def note(self, fields: Sequence[str], values: Sequence[bytes | None], width: int) -> None:
        """Take note of the size of what was read: rows of so many values, one after the other."""
        # of many rows some values, of each column in its turn
        sample = values if len(values) < _FEW else values[:: _EVERY * width + 1]
        if sample:
            size = sum(map(len, filter(None, sample))) * width // len(sample)
            self._rows[tuple(fields)] = max(1, PAGE_BYTES // max(1, size))
