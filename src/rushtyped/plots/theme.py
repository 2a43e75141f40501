"""How every chart looks: readable on light and on dark ground, one colour for each state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import altair as alt

from rushtyped.models import TaskState

MOST_MARKS = 5000
"""Marks that a chart has at most."""

STATE_COLOURS: dict[TaskState, str] = {
    TaskState.QUEUED: "#8f8f8f",
    TaskState.RUNNING: "#3a86d0",
    TaskState.FINISHED: "#1b9e77",
    TaskState.FAILED: "#d95f02",
}
"""Colour of each state; told apart by the colour-blind, 3:1 against white and near-black."""

ACCENT = STATE_COLOURS[TaskState.RUNNING]
QUIET = "#8f8f8f"
"""Colour of what stands behind."""
TEXT = "#777777"
"""Colour of text, which is read on white and on black."""
_GRID = "#80808033"
_SCHEME = alt.SchemeParams(name="viridis", extent=[0.2, 0.95])
_WIDTH, _HEIGHT = 620, 320

C = TypeVar("C", alt.Chart, alt.LayerChart)


def themed(chart: C, title: str, notes: Sequence[str] = ()) -> C:
    """Give a finished chart its title, size and colours; notes stand below the title."""
    heading = alt.TitleParams(title, subtitle=list(notes), anchor="start")
    sized = chart.properties(title=heading, width=_WIDTH, height=_HEIGHT, background="transparent")
    looks: C = sized.configure(
        axis=alt.AxisConfig(
            labelColor=TEXT,
            titleColor=TEXT,
            titleFontWeight="normal",
            gridColor=_GRID,
            domainColor=TEXT,
            tickColor=TEXT,
        ),
        legend=alt.LegendConfig(
            labelColor=TEXT,
            titleColor=TEXT,
            titleFontWeight="normal",
            gradientOpacity=1,
            symbolOpacity=1,
        ),
        title=alt.TitleConfig(color=TEXT, subtitleColor=TEXT, fontSize=14),
        view=alt.ViewConfig(stroke=None),
    )
    return looks


def state_colour(field: str = "state") -> alt.Color:
    """Colour by state, with all states in the legend."""
    scale = alt.Scale(
        domain=[state.value for state in STATE_COLOURS], range=list(STATE_COLOURS.values())
    )
    return alt.Color(field=field, type="nominal", title="state", scale=scale)


def number_colour(field: str, title: str) -> alt.Color:
    """Colour by a number, from low and dark to high and light."""
    return alt.Color(field=field, type="quantitative", title=title, scale=alt.Scale(scheme=_SCHEME))
