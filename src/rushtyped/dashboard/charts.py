"""Charts of a watched network, as Vega-Lite specs with their data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import altair as alt
import polars as pl

from rushtyped import Field, InvalidArgumentError, TaskState, plots
from rushtyped.dashboard.questions import ChartQuestion
from rushtyped.dashboard.refusals import NotThereError
from rushtyped.dashboard.task_frames import UNFINISHED, NetworkTasks
from rushtyped.printable import excerpt

Spec = dict[str, Any]
Chart = alt.Chart | alt.LayerChart
Draw = Callable[[], Chart]
"""Makes a chart; takes a while."""

MOST_BARS = 2000
"""Tasks of the timeline, those that started last."""
_TIMED: tuple[Field, ...] = ("worker_id", "times")
_TIMES = ("key", "state", "worker_id", "created_at", "started_at", "finished_at")


async def chart_spec(tasks: NetworkTasks, name: str, question: ChartQuestion) -> Spec:
    """Return a chart; raise NotThereError for one there is not."""
    if name not in CHARTS:
        raise NotThereError(
            f"there is no chart {excerpt(name)!r}: expected one of {', '.join(sorted(CHARTS))}"
        )

    async def make() -> Spec:
        draw = await CHARTS[name](tasks, question)
        return await tasks.lookout.in_thread(partial(_spec, draw))

    return await tasks.pacer.get(("chart", name, question), tasks.view.version, make)


def _spec(draw: Draw) -> Spec:
    """Write a chart as JSON, as wide as its place on the page."""
    spec: Spec = draw().to_dict()
    spec["width"] = "container"
    return spec


async def _states(tasks: NetworkTasks, _: ChartQuestion) -> Draw:
    return partial(plots.states, await _timed(tasks, UNFINISHED))


async def _throughput(tasks: NetworkTasks, _: ChartQuestion) -> Draw:
    return partial(plots.throughput, tasks.view.finished.select("key", "finished_at"))


async def _utilisation(tasks: NetworkTasks, _: ChartQuestion) -> Draw:
    return partial(plots.utilisation, await _timed(tasks, (TaskState.RUNNING, TaskState.FAILED)))


async def _timeline(tasks: NetworkTasks, _: ChartQuestion) -> Draw:
    finished = tasks.finished().select(_TIMES).tail(MOST_BARS)
    failed = await tasks.newest_failed(MOST_BARS, _TIMED)
    running = await tasks.unfinished([TaskState.RUNNING], _TIMED)
    frame = pl.concat([finished, failed.select(_TIMES), running.select(_TIMES)])
    last = frame.sort("started_at", nulls_last=False, maintain_order=True).tail(MOST_BARS)
    return partial(plots.timeline, last)


async def _progress(tasks: NetworkTasks, question: ChartQuestion) -> Draw:
    y = question.column or _first_y(tasks)
    frame = _chosen(tasks.view.finished, [y, "finished_at"])
    return partial(plots.progress, frame, y, maximise=question.maximise)


async def _scatter(tasks: NetworkTasks, question: ChartQuestion) -> Draw:
    colour = question.colour or None
    if not question.x or not question.y:
        raise InvalidArgumentError("the chart 'scatter' needs the parameters x and y, got none")
    names = [question.x, question.y, *([colour] if colour else [])]
    frame = await tasks.all() if "state" in names else tasks.finished()
    return partial(plots.scatter, frame, question.x, question.y, colour)


async def _parallel(tasks: NetworkTasks, question: ChartQuestion) -> Draw:
    y = question.colour or _first_y(tasks)
    frame = _chosen(tasks.view.finished, [*(x for x in tasks.view.xs if x != y), y])
    return partial(plots.parallel_coordinates, frame, y)


CHARTS: dict[str, Callable[[NetworkTasks, ChartQuestion], Awaitable[Draw]]] = {
    "states": _states,
    "throughput": _throughput,
    "utilisation": _utilisation,
    "timeline": _timeline,
    "progress": _progress,
    "scatter": _scatter,
    "parallel": _parallel,
}


async def _timed(tasks: NetworkTasks, states: tuple[TaskState, ...]) -> pl.DataFrame:
    """Return worker and times of the finished tasks and those of other states."""
    others = await tasks.unfinished(states, _TIMED)
    return pl.concat([tasks.finished().select(_TIMES), others.select(_TIMES)], rechunk=False)


def _first_y(tasks: NetworkTasks) -> str:
    y = tasks.view.first_y()
    if y is None:
        raise InvalidArgumentError("no column of ys holds numbers: name another column")
    return y


def _chosen(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Take columns; one that is not there is left to whoever draws, who names it."""
    return frame.select(name for name in dict.fromkeys(names) if name in frame.columns)
