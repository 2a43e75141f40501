"""What was measured, one figure a round, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median, quantiles
from typing import NamedTuple


class Quartiles(NamedTuple):
    """Where the middle half of some figures lies."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Quartiles:
        """Take the quartiles of at least one figure."""
        if len(figures) == 1:
            return cls(figures[0], figures[0], figures[0])
        low, _, high = quantiles(figures, n=4, method="inclusive")
        return cls(low, median(figures), high)


def ratios(figures: Sequence[float], others: Sequence[float]) -> list[float]:
    """Divide what was measured in the same round; a slow contestant may have had fewer of them."""
    return [figure / other for figure, other in zip(figures, others, strict=False)]
