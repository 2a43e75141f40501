"""What has become of the tasks over time."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import altair as alt
import polars as pl

from rushtyped.models import TaskState
from rushtyped.plots.axes import moment_tip, time_axis
from rushtyped.plots.steps import changes, count_at, instants
from rushtyped.plots.tables import Source, finished_table, require, timed_table
from rushtyped.plots.theme import STATE_COLOURS, state_colour, themed
from rushtyped.plots.values import moments

_INSTANTS: Final = 300
_BARS: Final = 120
_LEAST_IN_BAR: Final = 5
"""Tasks that there are for each bar, on average."""
_ORDER = (TaskState.FINISHED, TaskState.FAILED, TaskState.RUNNING, TaskState.QUEUED)
"""From the bottom to the top."""
_TIMES = ("created_at", "started_at", "finished_at")


def states(source: Source) -> alt.Chart:
    """Draw how many tasks were in each state over time, at 300 instants.

    A task that was retried counts by its last attempt: the ones before leave no times. A frame
    needs the columns state and worker_id and those of the field "times".
    """
    table = timed_table(source)
    rows = _states_over_time(table.frame, table.now)
    order = alt.Order(field="order", type="ordinal")
    chart = alt.Chart(rows).mark_area(interpolate="step-after")
    tips = [
        alt.Tooltip(field="state"),
        alt.Tooltip(field="n", title="tasks"),
        moment_tip("at", "at"),
    ]
    drawn: alt.Chart = chart.encode(
        x=time_axis("at"),
        y=alt.Y(field="n", type="quantitative", title="tasks", stack="zero"),
        color=state_colour(),
        order=order,
        tooltip=tips,
    )
    return themed(drawn, "Tasks by state")


def throughput(source: Source) -> alt.Chart:
    """Draw how many tasks finished a second, in up to 120 equal intervals of 5 tasks on average.

    A frame needs the column finished_at, of the field "times".
    """
    frame = finished_table(source).frame
    require(frame, ("finished_at",))
    rows = _rates(moments(frame["finished_at"]).drop_nulls())
    colour = STATE_COLOURS[TaskState.FINISHED]
    tips = [
        moment_tip("at", "from"),
        alt.Tooltip(field="n", title="tasks"),
        alt.Tooltip(field="rate", title="tasks/s", format=".4g"),
    ]
    chart = alt.Chart(rows).mark_rect(color=colour)
    drawn: alt.Chart = chart.encode(
        x=time_axis("at"),
        x2=alt.X2(field="until"),
        y=alt.Y(field="rate", type="quantitative", title="finished tasks/s"),
        y2=alt.datum(0),
        tooltip=tips,
    )
    return themed(drawn, "Throughput")


def _states_over_time(frame: pl.DataFrame, now: datetime | None) -> pl.DataFrame:
    created, started, ended = (moments(frame[name]) for name in _TIMES)
    state = frame["state"].cast(pl.String)
    never = pl.Series([None], dtype=pl.Float64).new_from_index(0, frame.height)
    intervals = {
        TaskState.QUEUED: (created, started.zip_with(started.is_not_null(), ended)),
        TaskState.RUNNING: (started, ended),
        TaskState.FINISHED: (ended.zip_with(state == "finished", never), never),
        TaskState.FAILED: (ended.zip_with(state == "failed", never), never),
    }
    schema = {"at": pl.Float64, "n": pl.Int64, "state": pl.String, "order": pl.Int64}
    span = span_of(created, ended, now=now if (state == "running").any() else None)
    if span is None:
        return pl.DataFrame(schema=schema)
    at = instants(*span, _INSTANTS)
    parts = [
        pl.DataFrame({"at": at, "n": count_at(changes(*intervals[each]), at)}).with_columns(
            state=pl.lit(each.value), order=pl.lit(place, pl.Int64)
        )
        for place, each in enumerate(_ORDER)
    ]
    return pl.concat(parts).cast(schema)  # type: ignore[arg-type]  # a dict of types is one


def span_of(*times: pl.Series, now: datetime | None) -> tuple[float, float] | None:
    """Return the first and the last moment, at least a second apart; None where there is none."""
    known = pl.concat([each.alias("at") for each in times]).drop_nulls()
    if known.is_empty():
        return None
    first, last = (float(each) for each in (known.min(), known.max()))  # type: ignore[arg-type]
    if now is not None:
        last = max(last, now.timestamp() * 1000)
    return first, max(last, first + 1000.0)


def _rates(ended: pl.Series) -> pl.DataFrame:
    schema = {"at": pl.Float64, "until": pl.Float64, "n": pl.Int64, "rate": pl.Float64}
    span = span_of(ended, now=None)
    if span is None:
        return pl.DataFrame(schema=schema)
    first, last = span
    n = max(1, min(_BARS, ended.len() // _LEAST_IN_BAR))
    width = (last - first) / n
    bars = ((ended - first) / width).floor().clip(0, n - 1).cast(pl.Int64).alias("bar")
    counted = bars.value_counts(name="n").cast(pl.Int64)
    rows = pl.DataFrame({"bar": range(n)}, schema={"bar": pl.Int64}).join(
        counted, on="bar", how="left", maintain_order="left"
    )
    at = first + pl.col("bar") * width
    return rows.select(
        at=at,
        until=at + width,
        n=pl.col("n").fill_null(0),
        rate=pl.col("n").fill_null(0) / (width / 1000),
    )
