"""One row of the table: what was measured, of whom, and what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.benchmarks.samples import Quartiles, ratios

OURS = "rushtyped"
FLOOR = "floor"
PING = "PING"


class Bar(NamedTuple):
    """What one contestant's figure, or its ratio to another's, is to be."""

    of: str
    """Whose figure."""
    by: str | None = None
    """Whose figure it is divided by, in each round; None for the figure itself."""
    most: float | None = None
    least: float | None = None

    def is_met(self, figure: float) -> bool:
        """Whether a figure keeps to it."""
        return (self.most is None or figure <= self.most) and (
            self.least is None or figure > self.least
        )


@dataclass(frozen=True)
class Measure:
    """Figures of all contestants, taken side by side."""

    name: str
    unit: str
    """Of the figures: "s", "tasks/s", "bytes", "MB", "round trips" or "%"."""
    figures: Mapping[str, Sequence[float]]
    """One a round; ours are named rushtyped."""
    bars: Sequence[Bar] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    """Who could not be measured, and why."""
    note: str = ""

    def __post_init__(self) -> None:
        asked = {name for bar in self.bars for name in (bar.of, bar.by) if name}
        unknown = asked - self.figures.keys() - self.missing.keys()
        if unknown:
            raise ValueError(f"{self.name}: a bar names {sorted(unknown)}, who was not measured")

    def verdicts(self) -> list[tuple[Bar, Quartiles, bool]]:
        """Say of each bar whose contestants were measured what the figure is and if it is met."""
        found = []
        for bar in self.bars:
            if bar.of in self.figures and (bar.by is None or bar.by in self.figures):
                figures = list(self.figures[bar.of])
                if bar.by is not None:
                    figures = ratios(figures, self.figures[bar.by])
                quartiles = Quartiles.of(figures)
                found.append((bar, quartiles, bar.is_met(quartiles.middle)))
        return found
