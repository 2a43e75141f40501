"""What the workers have done over time."""

from __future__ import annotations

from typing import Final, NamedTuple

import altair as alt
import polars as pl

from rushtyped.plots.axes import moment_tip, ordered, time_axis
from rushtyped.plots.history import span_of
from rushtyped.plots.steps import changes, instants, total_at
from rushtyped.plots.tables import Source, Table, timed_table
from rushtyped.plots.theme import ACCENT, MOST_MARKS, state_colour, themed
from rushtyped.plots.values import moments
from rushtyped.tasks import Tasks

_BINS: Final = 200
_MOST_WORKERS: Final = 200
_STATES_OF_BARS: Final = 3


class _Bars(NamedTuple):
    frame: pl.DataFrame
    """Bars of worker, state, begin, end, n (tasks), key and seconds."""
    notes: list[str]


def timeline(source: Source) -> alt.Chart:
    """Draw who ran what when: a bar for each task in the row of its worker, coloured by state.

    Tasks that run reach to the present; those of a frame to the last moment in it. Beyond 5,000
    tasks, bars of one worker and state that begin in the same short slice of time are one; beyond
    200 workers those that started a task last are shown. A frame needs the columns state and
    worker_id and those of the field "times".
    """
    bars = _bars(timed_table(source))
    workers = bars.frame["worker"].unique(maintain_order=True).to_list()
    tips = [
        *(alt.Tooltip(field=name, type="nominal") for name in ("worker", "state", "key")),
        alt.Tooltip(field="n", type="quantitative", title="tasks"),
        alt.Tooltip(field="seconds", type="quantitative", format=".4g"),
        moment_tip("begin", "from"),
    ]
    chart = alt.Chart(bars.frame).mark_bar(cornerRadius=1, minBandSize=2)
    drawn: alt.Chart = chart.encode(
        x=time_axis("begin"),
        x2=alt.X2(field="end"),
        y=alt.Y(field="worker", type="nominal", title="worker", sort=None, scale=ordered(workers)),
        color=state_colour(),
        tooltip=tips,
    )
    return themed(drawn, "Timeline", bars.notes)


def utilisation(source: Source) -> alt.Chart:
    """Draw which share of the workers was busy over time, as means of 200 intervals.

    A worker is busy while it runs a task, however many at once. It counts from its registration
    to its end; in a frame, which knows neither, from its first task to its last. A frame needs the
    columns state and worker_id and those of the field "times".
    """
    table = timed_table(source)
    present = _presence(source, table)
    rows = _shares(_ran(table), present)
    share = alt.Y(
        field="share",
        type="quantitative",
        title="busy workers",
        axis=alt.Axis(format="%"),
        scale=alt.Scale(domain=[0, 1]),
    )
    tips = [
        moment_tip("at", "from"),
        alt.Tooltip(field="share", type="quantitative", format=".1%"),
        alt.Tooltip(field="workers", type="quantitative", format=".1f"),
    ]
    chart = alt.Chart(rows).mark_area(
        color=ACCENT, fillOpacity=0.45, interpolate="step-after", line={"color": ACCENT}
    )
    drawn: alt.Chart = chart.encode(x=time_axis("at"), y=share, tooltip=tips)
    return themed(drawn, "Utilisation")


def _ran(table: Table) -> pl.DataFrame:
    """List what was run: worker, state, key, begin and end in milliseconds."""
    frame = table.frame
    key = frame["key"] if "key" in frame.columns else frame["worker_id"].clear(frame.height)
    state, begin = frame["state"].cast(pl.String), moments(frame["started_at"])
    end = moments(frame["finished_at"])
    last = span_of(begin, end, now=table.now)
    rows = pl.DataFrame(
        {"worker": frame["worker_id"], "state": state, "key": key, "begin": begin, "end": end}
    )
    rows = rows.drop_nulls(["worker", "begin"])
    present = pl.lit(None if last is None else last[1], pl.Float64)
    latest = pl.col("begin").max() if table.now is None else present
    closed = pl.col("end").fill_null(pl.max_horizontal(latest, pl.col("end").max()))
    return rows.with_columns(end=pl.max_horizontal(closed, "begin")).sort("begin")


def _bars(table: Table) -> _Bars:
    ran = _ran(table)
    n = ran.height
    notes = []
    seen = ran.group_by("worker").agg(pl.col("begin").max()).sort("begin", descending=True)
    if seen.height > _MOST_WORKERS:
        notes.append(f"the {_MOST_WORKERS} workers seen last of {seen.height:,}")
        ran = ran.filter(pl.col("worker").is_in(seen["worker"].head(_MOST_WORKERS).to_list()))
    counted = ran.with_columns(n=pl.lit(1, pl.Int64))
    if counted.height > MOST_MARKS:
        counted = _merged(counted, min(seen.height, _MOST_WORKERS))
        notes.append(f"bars of {n:,} tasks, neighbours joined")
    seconds = (pl.col("end") - pl.col("begin")) / 1000
    return _Bars(counted.with_columns(seconds=seconds), notes)


def _merged(ran: pl.DataFrame, n_workers: int) -> pl.DataFrame:
    """Join bars of a worker and state that begin in the same slice of time."""
    slices = max(1, MOST_MARKS // (n_workers * _STATES_OF_BARS))
    first, last = span_of(ran["begin"], ran["end"], now=None) or (0.0, 1.0)
    width = (last - first) / slices
    part = ((pl.col("begin") - first) / width).floor().clip(0, slices - 1)
    return (
        ran.group_by("worker", "state", part.alias("part"))
        .agg(
            pl.lit(None, pl.String).alias("key"),
            pl.col("begin").min(),
            pl.col("end").max(),
            pl.col("n").sum(),
        )
        .drop("part")
        .sort("begin")
    )


def _presence(source: Source, table: Table) -> pl.DataFrame:
    """List from when to when each worker was there: begin and end in milliseconds."""
    if isinstance(source, Tasks):
        info = source.worker_info
        ended = info["ended_at"].fill_null(table.now)
        return pl.DataFrame({"begin": moments(info["started_at"]), "end": moments(ended)})
    ran = _ran(table)
    return ran.group_by("worker").agg(pl.col("begin").min(), pl.col("end").max()).drop("worker")


def _busy(ran: pl.DataFrame) -> pl.DataFrame:
    """Join what a worker ran at the same time: begin and end of each stretch."""
    ran = ran.sort("worker", "begin")
    before = pl.col("end").cum_max().over("worker").shift().over("worker")
    starts = (pl.col("begin") > before).fill_null(value=True)
    stretch = starts.cast(pl.UInt32).cum_sum().alias("stretch")
    return ran.group_by(stretch).agg(pl.col("begin").min(), pl.col("end").max())


def _shares(ran: pl.DataFrame, present: pl.DataFrame) -> pl.DataFrame:
    schema = {"at": pl.Float64, "share": pl.Float64, "workers": pl.Float64}
    span = span_of(ran["begin"], ran["end"], present["begin"], present["end"], now=None)
    if span is None:
        return pl.DataFrame(schema=schema)
    at = instants(*span, _BINS + 1)
    there = total_at(changes(present["begin"], present["end"]), at).diff()
    stretches = _busy(ran)
    busy = total_at(changes(stretches["begin"], stretches["end"]), at).diff()
    width = (span[1] - span[0]) / _BINS
    share = (busy / there).clip(0, 1)
    rows = pl.DataFrame({"share": share, "workers": there / width}).tail(_BINS)
    rows = rows.with_columns(at=at.head(_BINS), share=pl.when(pl.col("workers") > 0).then("share"))
    return rows.select(*schema)
