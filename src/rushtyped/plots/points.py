"""One column against another."""

from __future__ import annotations

import altair as alt
import polars as pl

from rushtyped.plots.axes import colour_of, tip, x_axis, y_axis
from rushtyped.plots.tables import Source, finished_table, valued_table
from rushtyped.plots.theme import ACCENT, MOST_MARKS, themed
from rushtyped.plots.thinning import notes_on, thinned
from rushtyped.plots.titles import as_title
from rushtyped.plots.values import values_of


def scatter(source: Source, x: str, y: str, colour: str | None = None) -> alt.Chart:
    """Draw a point for each task at two of its columns, coloured by a third.

    Columns may hold numbers, durations (in seconds), moments, or categories: text, enums and
    bools, of which the 30 most frequent are told apart. Of a Network or Worker the finished tasks
    are shown, and those of all states where "state" is one of the columns. Points without a finite
    x and y are left out; more than 5,000 are thinned out evenly. Raises InvalidArgumentError for
    columns that are not there or have nested values.
    """
    names = {"x": x, "y": y} if colour is None else {"x": x, "y": y, "colour": colour}
    read = valued_table if "state" in names.values() else finished_table
    frame = read(source).frame
    columns = {what: values_of(what, frame, name) for what, name in names.items()}
    drawn = pl.DataFrame({what: values.series for what, values in columns.items()})
    drawn = drawn.drop_nulls(["x", "y"])
    shown = thinned(drawn, MOST_MARKS)
    chart: alt.Chart = alt.Chart(shown).mark_circle(color=ACCENT, fillOpacity=0.7, size=32)
    chart = chart.encode(
        x=x_axis("x", columns["x"]),
        y=y_axis("y", columns["y"]),
        tooltip=[tip(what, values) for what, values in columns.items()],
    )
    if "colour" in columns:
        chart = chart.encode(color=colour_of("colour", columns["colour"]))
    notes = notes_on(
        shown.height, drawn.height, frame.height, f"a finite {as_title(x)} and {as_title(y)}"
    )
    return themed(chart, f"{as_title(y)} by {as_title(x)}", notes)
