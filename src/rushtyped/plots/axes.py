"""Axes and tooltips of columns whose names may hold anything.

Vega reads dots and brackets in a field's name as a path, so charts have names of their own for
their fields, and the column's name stands in the titles only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import altair as alt

from rushtyped.plots.theme import number_colour, state_colour
from rushtyped.plots.titles import as_title
from rushtyped.plots.values import Kind, Values

_TYPES: Final[dict[Kind, Literal["quantitative", "temporal", "nominal"]]] = {
    Kind.NUMBER: "quantitative",
    Kind.TIME: "temporal",
    Kind.CATEGORY: "nominal",
}
_SECOND: Final = "utcyearmonthdatehoursminutesseconds"
_CLOCK: Final = alt.Axis(
    labelOverlap=True,
    tickCount=8,
    format={
        "milliseconds": "%H:%M:%S.%L",
        "seconds": "%H:%M:%S",
        "minutes": "%H:%M",
        "hours": "%H:%M",
        "date": "%d %b",
        "week": "%d %b",
        "month": "%b %Y",
        "quarter": "%b %Y",
        "year": "%Y",
    },
)
_MOST_COLOURS: Final = 10


def title_of(values: Values) -> str:
    """Title of an axis: the column's name, with the time zone of moments."""
    return as_title(f"{values.name} (UTC)" if values.is_utc else values.name)


def x_axis(field: str, values: Values) -> alt.X:
    """Lay a column out from left to right."""
    return alt.X(**_axis(field, values))


def y_axis(field: str, values: Values) -> alt.Y:
    """Lay a column out from bottom to top."""
    return alt.Y(**_axis(field, values))


def colour_of(field: str, values: Values) -> alt.Color:
    """Colour by a column: that of the state, a scale for numbers and moments, or one for each."""
    if values.name == "state":
        return state_colour(field)
    if values.kind is Kind.NUMBER:
        return number_colour(field, title_of(values))
    if values.kind is Kind.TIME:
        return alt.Color(field=field, type="temporal", title=title_of(values))
    few = len(values.categories) <= _MOST_COLOURS
    return alt.Color(
        field=field,
        type="nominal",
        title=title_of(values),
        scale=alt.Scale(domain=values.categories, scheme="tableau10" if few else "tableau20"),
    )


def tip(field: str, values: Values) -> alt.Tooltip:
    """Show a column's value below the pointer."""
    if values.kind is Kind.TIME:
        return moment_tip(field, title_of(values))
    return alt.Tooltip(field=field, type=_TYPES[values.kind], title=title_of(values))


def moment_tip(field: str, title: str) -> alt.Tooltip:
    """Show a moment below the pointer, in UTC."""
    return alt.Tooltip(field=field, type="temporal", timeUnit=_SECOND, title=title)


def time_axis(field: str) -> alt.X:
    """Lay moments out from left to right, in UTC."""
    scale = alt.Scale(type="utc")
    return alt.X(field=field, type="temporal", title="time (UTC)", scale=scale, axis=_CLOCK)


def ordered(categories: Sequence[str]) -> alt.Scale:
    """Keep categories in their order; Vega's sort stumbles over some names."""
    return alt.Scale(domain=list(categories)) if categories else alt.Scale()


def _axis(field: str, values: Values) -> dict[str, Any]:
    shared = {"field": field, "type": _TYPES[values.kind], "title": title_of(values)}
    match values.kind:
        case Kind.NUMBER:
            return {**shared, "scale": alt.Scale(zero=False, nice=False, padding=8)}
        case Kind.TIME:
            return {**shared, "scale": alt.Scale(type="utc"), "axis": _CLOCK}
        case Kind.CATEGORY:
            return {**shared, "sort": None, "scale": ordered(values.categories)}
