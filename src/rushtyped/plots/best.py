"""How the best result has come about."""

from __future__ import annotations

from typing import Literal, NamedTuple

import altair as alt
import polars as pl

from rushtyped.arguments import check_options
from rushtyped.errors import InvalidTypeError
from rushtyped.plots.axes import moment_tip, time_axis
from rushtyped.plots.tables import Source, finished_table, require
from rushtyped.plots.theme import ACCENT, MOST_MARKS, QUIET, themed
from rushtyped.plots.thinning import notes_on, thinned
from rushtyped.plots.titles import as_title
from rushtyped.plots.values import moments, numbers

_MOST_STEPS = 1000
_MOST_POINTS = MOST_MARKS - _MOST_STEPS - 1

Over = Literal["order", "time"]


class _Found(NamedTuple):
    points: pl.DataFrame
    """What is drawn of the results: x, y, n and time, in the order of finishing."""
    steps: pl.DataFrame
    """The improvements and the last point: x and best."""
    notes: list[str]


def progress(
    source: Source, y: str | None = None, *, maximise: bool = False, over: Over = "order"
) -> alt.LayerChart:
    """Draw the best y so far as a line, with the results of all finished tasks behind it.

    `y` names a column of numbers, the first one of ys by default; smaller is better unless
    `maximise`. Goes over the order of finishing, or over time. Results that are missing, nan or
    infinite are left out, and the chart says how many. Of more than 4,000 results points are
    thinned out evenly, of more than 1,000 improvements the line; its end is exact.
    """
    check_options("over", [over], ("order", "time"))
    if not isinstance(maximise, bool):
        raise InvalidTypeError(f"maximise must be True or False but is {maximise!r}")
    table = finished_table(source)
    title = as_title(name := table.y_name(y))
    if over == "time":
        require(table.frame, ("finished_at",))
    found = _found(table.frame, name, over, maximise=maximise)
    x = time_axis("x") if over == "time" else _order_axis()
    points = alt.Chart(found.points).mark_circle(color=QUIET, fillOpacity=0.55, size=28)
    tips = [
        alt.Tooltip(field="n", type="quantitative", title="finished as"),
        alt.Tooltip(field="y", type="quantitative", title=title),
    ]
    if "finished_at" in table.frame.columns:
        tips.append(moment_tip("time", "finished_at (UTC)"))
    line = alt.Chart(found.steps).mark_line(color=ACCENT, interpolate="step-after", strokeWidth=2)
    layers = [
        points.encode(x=x, y=_y_axis("y", title), tooltip=tips),
        line.encode(x=x, y=_y_axis("best", title)),
    ]
    return themed(alt.LayerChart(layer=layers), f"Best {title} so far", found.notes)


def _found(frame: pl.DataFrame, name: str, over: Over, *, maximise: bool) -> _Found:
    n = pl.Series("n", range(1, frame.height + 1), dtype=pl.Int64)
    y = numbers(frame[name])
    timed = "finished_at" in frame.columns
    time = moments(frame["finished_at"]) if timed else pl.Series([None] * len(y), dtype=pl.Float64)
    x = time if over == "time" else n.cast(pl.Float64)
    rows = pl.DataFrame({"x": x, "y": y, "n": n, "time": time}).drop_nulls(["x", "y"])
    best = pl.col("y").cum_max() if maximise else pl.col("y").cum_min()
    rows = rows.sort("x", maintain_order=True).with_columns(best=best)
    steps = rows.filter((pl.col("best") != pl.col("best").shift()).fill_null(value=True))
    steps = pl.concat([thinned(steps, _MOST_STEPS), rows.tail(1)]).select("x", "best")
    points = thinned(rows, _MOST_POINTS).select("x", "y", "n", "time")
    notes = notes_on(points.height, rows.height, frame.height, f"a finite {as_title(name)}")
    return _Found(points, steps, notes)


def _order_axis() -> alt.X:
    return alt.X(field="x", type="quantitative", title="finished tasks", scale=alt.Scale(zero=True))


def _y_axis(field: str, name: str) -> alt.Y:
    return alt.Y(field=field, type="quantitative", title=name, scale=alt.Scale(zero=False))
