"""The space that is searched: the bounds and scales that a model's annotations declare."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import qmc

from rushtyped import X

Points = NDArray[np.float64]
"""One row for each point, one column for each parameter."""


@dataclass(frozen=True, slots=True)
class LogScale:
    """Marks a parameter whose order of magnitude is searched evenly."""


LOG_SCALE = LogScale()


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter's range, its ends included."""

    low: float
    high: float
    log: bool
    whole: bool

    def at(self, unit: Points) -> Points:
        """Map numbers between 0 and 1 to values."""
        end = self.high + self.whole
        values = (
            self.low * (end / self.low) ** unit if self.log else self.low + (end - self.low) * unit
        )
        inside: Points = np.clip(np.floor(values) if self.whole else values, self.low, self.high)
        return inside


class Space(Generic[X]):
    """The points that a model of numbers with bounds allows."""

    def __init__(self, model: type[X]) -> None:
        self.model = model
        self.parameters: dict[str, Parameter] = {
            name: _parameter(info.annotation is int, info.metadata)
            for name, info in model.model_fields.items()
        }

    def latin_hypercube(self, n: int, seed: int) -> list[X]:
        """Make n points that fill the space evenly; the same seed makes the same ones."""
        unit = qmc.LatinHypercube(len(self.parameters), rng=np.random.default_rng(seed)).random(n)
        return [self.xs(point) for point in self._scaled(unit)]

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        """Draw n points."""
        return self._scaled(rng.random((n, len(self.parameters))))

    def points(self, tasks: pl.DataFrame) -> Points:
        """Take the points of tasks."""
        return tasks.select(pl.col(*self.parameters).cast(pl.Float64)).to_numpy()

    def xs(self, point: Iterable[float]) -> X:
        """Make the model of one point."""
        named = zip(self.parameters.items(), point, strict=True)
        values = {
            name: int(value) if parameter.whole else float(value)
            for (name, parameter), value in named
        }
        return self.model(**values)

    def _scaled(self, unit: Points) -> Points:
        columns = zip(self.parameters.values(), unit.T, strict=True)
        return np.column_stack([parameter.at(column) for parameter, column in columns])


def _parameter(whole: bool, metadata: Iterable[Any]) -> Parameter:  # noqa: FBT001 - a field's type
    metadata = list(metadata)
    low, high = (
        next(getattr(item, name) for item in metadata if hasattr(item, name))
        for name in ("ge", "le")
    )
    return Parameter(low, high, LOG_SCALE in metadata, whole)
