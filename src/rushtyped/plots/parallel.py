"""All xs of each task as one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import altair as alt
import polars as pl

from rushtyped.arguments import as_list
from rushtyped.errors import InvalidArgumentError
from rushtyped.plots.tables import Source, Table, finished_table
from rushtyped.plots.theme import MOST_MARKS, TEXT, number_colour, themed
from rushtyped.plots.thinning import notes_on, thinned
from rushtyped.plots.titles import as_title
from rushtyped.plots.values import Kind, Values, is_drawable, values_of

_MOST_LABELS = 31
_MIDDLE = 0.5


class _Scaled(NamedTuple):
    """A column between 0 and 1, and what stands along its axis."""

    series: pl.Series
    labels: list[tuple[float, str]]


def parallel_coordinates(
    source: Source, y: str | None = None, *, xs: Sequence[str] | None = None
) -> alt.LayerChart:
    """Draw each finished task as a line through its xs and its y, coloured by y.

    `y` is the first numeric one of ys by default, `xs` all xs that have single values; of a frame,
    which does not tell them apart, the columns before `y`. Each axis goes from the least to the
    greatest value, or over the categories. Tasks that lack one of the values are left out; more
    than 5,000 values are thinned out to as many tasks as fit. Raises InvalidArgumentError for
    columns that are not there or have nested values.
    """
    table = finished_table(source)
    name = table.y_name(y)
    columns = [
        *(values_of("xs", table.frame, each) for each in chosen_xs(table, name, xs)),
        values_of("y", table.frame, name),
    ]
    rows = pl.DataFrame([each.series.alias(str(place)) for place, each in enumerate(columns)])
    rows = rows.drop_nulls()
    scaled = [_scaled(each, rows[str(place)]) for place, each in enumerate(columns)]
    shown = _long(scaled, rows.to_series(len(columns) - 1), columns)
    n_shown = shown.height // len(columns)
    notes = notes_on(n_shown, rows.height, table.frame.height, "all of these values")
    return themed(_layers(shown, scaled, columns), f"xs and {as_title(name)}", notes)


def chosen_xs(table: Table, y: str, given: Sequence[str] | None) -> list[str]:
    """Return the columns of xs that were asked for, or all with single values."""
    if given is not None:
        names = list(dict.fromkeys(as_list("xs", given)))
    else:
        frame = table.frame
        names = [name for name in table.x_names(y) if is_drawable(frame.schema[name])]
    names = [name for name in names if name != y]
    if not names:
        raise InvalidArgumentError(
            f"there are no xs with single values beside y={y!r}: name some columns by xs="
        )
    return names


def _scaled(values: Values, series: pl.Series) -> _Scaled:
    """Bring a column between 0 and 1."""
    if values.kind is Kind.CATEGORY:
        last = max(1, len(values.categories) - 1)
        places = {text: place / last for place, text in enumerate(values.categories)}
        labels = [(place, text) for text, place in places.items()][:_MOST_LABELS]
        return _Scaled(series.replace_strict(places, return_dtype=pl.Float64), labels)
    if series.is_empty():
        return _Scaled(series, [])
    least, most = (float(each) for each in (series.min(), series.max()))  # type: ignore[arg-type]
    if least == most:
        return _Scaled(series * 0 + _MIDDLE, [(_MIDDLE, _text(values, least))])
    return _Scaled(
        (series - least) / (most - least), [(0.0, _text(values, least)), (1.0, _text(values, most))]
    )


def _text(values: Values, number: float) -> str:
    if values.kind is Kind.TIME:
        moment = pl.Series([number * 1000]).cast(pl.Int64).cast(pl.Datetime("us"))
        return str(moment.dt.to_string("%Y-%m-%d %H:%M:%S")[0])
    return f"{number:.4g}"


def _long(scaled: Sequence[_Scaled], y: pl.Series, columns: Sequence[Values]) -> pl.DataFrame:
    """One row for each value: task, axis, place between 0 and 1, and y."""
    wide = pl.DataFrame([each.series.alias(str(place)) for place, each in enumerate(scaled)])
    wide = wide.with_columns(y=y).with_row_index("task")
    wide = thinned(wide, max(1, (MOST_MARKS - len(columns) * _MOST_LABELS) // len(columns)))
    long = wide.unpivot(index=["task", "y"], variable_name="axis", value_name="place")
    return long.with_columns(pl.col("axis").cast(pl.Int64)).sort("task", "axis")


def _layers(
    shown: pl.DataFrame, scaled: Sequence[_Scaled], columns: Sequence[Values]
) -> alt.LayerChart:
    labels = pl.DataFrame(
        [(axis, place, text) for axis, each in enumerate(scaled) for place, text in each.labels],
        schema={"axis": pl.Int64, "place": pl.Float64, "text": pl.String},
        orient="row",
    )
    titles = pl.DataFrame(
        [(axis, as_title(each.name)) for axis, each in enumerate(columns)],
        schema={"axis": pl.Int64, "text": pl.String},
        orient="row",
    )
    x = alt.X(field="axis", type="ordinal", axis=None)
    y = alt.Y(field="place", type="quantitative", axis=None, scale=alt.Scale(domain=[0, 1]))
    text = alt.Text(field="text", type="nominal")
    colour = number_colour("y", as_title(columns[-1].name))
    lines = alt.Chart(shown).mark_line(strokeOpacity=0.45, strokeWidth=1.2)
    rules = alt.Chart(titles).mark_rule(color=TEXT, strokeOpacity=0.6)
    marks = alt.Chart(labels).mark_text(color=TEXT, align="left", dx=4, fontSize=10)
    names = alt.Chart(titles).mark_text(color=TEXT, dy=14, baseline="top", limit=140)
    layers = [
        rules.encode(x=x),
        lines.encode(x=x, y=y, color=colour, detail=alt.Detail(field="task", type="nominal")),
        marks.encode(x=x, y=y, text=text),
        names.encode(x=x, y=alt.value("height"), text=text),
    ]
    return alt.LayerChart(layer=layers)
