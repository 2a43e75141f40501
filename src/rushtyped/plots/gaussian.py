"""A smooth surface through noisy points."""

from __future__ import annotations

import warnings
from typing import Any, Final

import polars as pl

from rushtyped.plots.thinning import thinned

_MOST_FITTED: Final = 300
_SEED: Final = 0


def smoothed(rows: pl.DataFrame, grid: pl.DataFrame) -> pl.Series:
    """Predict y of a grid of x and x2 by a Gaussian process that is fitted to rows of x, x2, y."""
    # scikit-learn takes a second to import, and the other charts do without it
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415
    from sklearn.gaussian_process import GaussianProcessRegressor  # noqa: PLC0415
    from sklearn.gaussian_process.kernels import Matern, WhiteKernel  # noqa: PLC0415

    fitted = thinned(rows, _MOST_FITTED)
    lengths: Any = [0.3, 0.3]  # one for each x; the stubs know of one only
    kernel = Matern(lengths, (0.02, 10.0), nu=2.5) + WhiteKernel(0.1, (1e-5, 10.0))
    model = GaussianProcessRegressor(kernel, random_state=_SEED)
    level, spread = _level(fitted["y"])
    with warnings.catch_warnings():  # a length at its bound is as good a picture
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(_unit(fitted, grid), ((fitted["y"] - level) / spread).to_list())
    predicted: Any = model.predict(_unit(grid, grid))
    return pl.Series("y", predicted.tolist(), dtype=pl.Float64) * spread + level


def _level(y: pl.Series) -> tuple[float, float]:
    """Return mean and spread of y; of what is too large for a float, something near it."""
    level = float((y / y.len()).sum())
    spread = float((y - level).abs().max() or 0.0)  # type: ignore[arg-type]  # floats have one
    return level, spread or 1.0


def _unit(rows: pl.DataFrame, grid: pl.DataFrame) -> list[list[float]]:
    """Scale x and x2 to the unit square of the grid."""
    scaled = []
    for name in ("x", "x2"):
        low, high = grid[name].min(), grid[name].max()
        scaled.append((rows[name] - low) / (high - low))  # type: ignore[operator]
    return [list(point) for point in zip(*scaled, strict=True)]
