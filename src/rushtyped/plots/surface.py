"""How y goes over two xs."""

from __future__ import annotations

from typing import Final, NamedTuple

import altair as alt
import polars as pl

from rushtyped.plots.axes import tip, x_axis, y_axis
from rushtyped.plots.gaussian import smoothed
from rushtyped.plots.tables import Source, finished_table
from rushtyped.plots.theme import TEXT, number_colour, themed
from rushtyped.plots.thinning import notes_on, thinned
from rushtyped.plots.titles import as_title
from rushtyped.plots.values import Kind, Values, values_of

_CELLS: Final = 50
"""Cells of a smooth surface along each side."""
_BINS: Final = 20
"""Cells along a column of numbers where the other has categories."""
_OVERLAP: Final = 1.2
_MOST_POINTS: Final = 1000
_LEAST_FITTED: Final = 4


class _Side(NamedTuple):
    """Cells along a column of numbers, from the least to the greatest value."""

    low: float
    width: float
    n: int

    def middles(self) -> list[float]:
        """Return the middle of each cell."""
        return [self.low + (cell + 0.5) * self.width for cell in range(self.n)]

    def ends(self, what: str) -> pl.Expr:
        """Return where the cells end that begin at these numbers; they overlap a little.

        So no seams show between them.
        """
        end = pl.col(what) + self.width * _OVERLAP
        return pl.min_horizontal(end, self.low + self.n * self.width).alias(f"{what}_end")

    def low_ends(self, numbers: pl.Expr) -> pl.Expr:
        """Return where the cell begins that holds each number."""
        cells = ((numbers - self.low) / self.width).floor().clip(0, self.n - 1)
        return cells * self.width + self.low


def contour(source: Source, x: str, x2: str, y: str | None = None) -> alt.LayerChart:
    """Draw y over two xs: the finished tasks as points, and a surface between them by colour.

    Where both xs are numbers or moments, the surface is the mean of a Gaussian process of
    scikit-learn (Matérn kernel 5/2 with one length for each x, and noise), fitted to at most 300
    tasks, evenly thinned out. It knows these two xs only: what others do to y is noise to it, and
    far from any point it returns to the mean. Where an x is a category, a cell shows the mean y of
    the tasks in it. Fewer than 4 tasks are shown without a surface, more than 1,000 points are
    thinned out evenly. Raises InvalidArgumentError for columns that are not there or have nested
    values.
    """
    table = finished_table(source)
    columns = {
        "x": values_of("x", table.frame, x),
        "x2": values_of("x2", table.frame, x2),
        "y": values_of("y", table.frame, table.y_name(y)),
    }
    rows = pl.DataFrame({what: each.series for what, each in columns.items()}).drop_nulls()
    points = thinned(rows, _MOST_POINTS)
    notes = notes_on(points.height, rows.height, table.frame.height, "all of these values")
    chart = alt.LayerChart(layer=[_surface(rows, columns), _points(points, columns)])
    return themed(
        chart, f"{as_title(columns['y'].name)} over {as_title(x)} and {as_title(x2)}", notes
    )


def _surface(rows: pl.DataFrame, columns: dict[str, Values]) -> alt.Chart:
    numeric = [what for what in ("x", "x2") if columns[what].kind is not Kind.CATEGORY]
    n = _CELLS if len(numeric) == 2 else _BINS
    sides = {what: _side(rows[what], n) for what in numeric}
    cells = _smooth(rows, sides) if len(numeric) == 2 else _means(rows, sides)
    ends = {"x": alt.X2(field="x_end"), "x2": alt.Y2(field="x2_end")}
    cells = cells.with_columns(side.ends(what) for what, side in sides.items())
    tips = [tip(what, each) for what, each in columns.items()]
    chart: alt.Chart = (
        alt.Chart(cells)
        .mark_rect()
        .encode(
            *(ends[what] for what in numeric),
            x=x_axis("x", columns["x"]),
            y=y_axis("x2", columns["x2"]),
            color=number_colour("y", as_title(columns["y"].name)),
            tooltip=tips,
        )
    )
    return chart


def _points(points: pl.DataFrame, columns: dict[str, Values]) -> alt.Chart:
    marks = alt.Chart(points).mark_circle(
        size=26, opacity=1, stroke="white", strokeWidth=0.8, color=TEXT
    )
    chart: alt.Chart = marks.encode(
        x=x_axis("x", columns["x"]),
        y=y_axis("x2", columns["x2"]),
        tooltip=[tip(what, each) for what, each in columns.items()],
    )
    return chart


def _side(numbers: pl.Series, n: int) -> _Side:
    if numbers.is_empty():
        return _Side(0.0, 1.0 / n, n)
    low, high = (float(each) for each in (numbers.min(), numbers.max()))  # type: ignore[arg-type]
    if low == high:
        margin = abs(low) / 2 or 0.5
        low, high = low - margin, high + margin
    return _Side(low, (high - low) / n, n)


def _smooth(rows: pl.DataFrame, sides: dict[str, _Side]) -> pl.DataFrame:
    """Predict y in the middle of each cell."""
    if rows.height < _LEAST_FITTED:
        return rows.clear()
    middles = [pl.Series(what, side.middles(), dtype=pl.Float64) for what, side in sides.items()]
    grid = middles[0].to_frame().join(middles[1].to_frame(), how="cross")
    shift = [pl.col(what) - side.width / 2 for what, side in sides.items()]
    return grid.with_columns(y=smoothed(rows, grid)).with_columns(shift)


def _means(rows: pl.DataFrame, sides: dict[str, _Side]) -> pl.DataFrame:
    """Take the mean y of the tasks in each cell that has any."""
    names = [pl.col(what) for what in ("x", "x2")]
    cells = [
        sides[what].low_ends(name) if what in sides else name
        for what, name in zip(("x", "x2"), names, strict=True)
    ]
    return rows.group_by(cells, maintain_order=True).agg(pl.col("y").mean())
