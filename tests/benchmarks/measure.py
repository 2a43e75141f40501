"""A figure of a benchmark."""

from __future__ import annotations

from typing import NamedTuple


class Measure(NamedTuple):
    """A figure, and the bar that it is to stay below."""

    name: str
    figure: float
    bar: float
    unit: str

    def line(self) -> str:
        """Format as a row of the table."""
        verdict = "ok" if self.figure <= self.bar else "MISSED"
        return f"{self.name:<58} {self.figure:>8.2f} {self.bar:>8.2f}  {self.unit:<6} {verdict}"
