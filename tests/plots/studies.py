"""A network with something of everything, and what the specs of charts say."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import altair as alt
import polars as pl
from pydantic import Field

from rushtyped import Network, Worker, Xs, Ys

Chart = alt.Chart | alt.LayerChart
START = datetime(2026, 1, 1, tzinfo=UTC)


class Kernel(StrEnum):
    RADIAL = "radial"
    LINEAR = "linear"


class Setting(Xs):
    depth: float
    width: float
    kernel: Kernel
    warm: bool
    layers: list[int] = Field(default=[])


class Result(Ys):
    note: str
    loss: float | None
    curve: list[float] = Field(default=[])


StudyNetwork = Network[Setting, Result]
StudyWorker = Worker[Setting, Result]

LOSSES = [4.0, math.nan, 3.0, math.inf, 5.0, None, 1.0, -math.inf, 2.0, 6.0, 0.5, 7.0]
"""In the order of finishing; 8 of the 12 are finite."""


def setting(n: int) -> Setting:
    kernel = Kernel.LINEAR if n % 3 else Kernel.RADIAL
    return Setting(depth=float(n), width=float(n * 7 % 12), kernel=kernel, warm=n % 2 == 0)


def fill(network: StudyNetwork, workers: tuple[StudyWorker, StudyWorker]) -> None:
    """Have each worker finish half of the losses; leave 2 queued, 1 running and 3 failed tasks."""
    for n, loss in enumerate(LOSSES):
        with workers[n % 2].running_task(setting(n)) as task:
            task.finish(Result(note="a note", loss=loss))
    for n in range(3):
        workers[0].running_task(setting(n)).fail("no result")
    workers[1].push_running_tasks([setting(0)])
    network.push_tasks([setting(0), setting(1)])


def rows(chart: Chart, layer: int | None = None) -> list[dict[str, Any]]:
    """List the rows that a chart, or one of its layers, is drawn from."""
    spec = chart.to_dict()
    return _data(spec, spec if layer is None else spec["layer"][layer])


def column(chart: Chart, name: str, layer: int | None = None) -> list[Any]:
    """List the values of one field."""
    return [row[name] for row in rows(chart, layer)]


def n_marks(chart: Chart) -> int:
    """Count the rows of all layers."""
    spec = chart.to_dict()
    return sum(len(_data(spec, view)) for view in spec.get("layer", [spec]))


def _data(spec: dict[str, Any], view: dict[str, Any]) -> list[dict[str, Any]]:
    name = (view.get("data") or spec["data"])["name"]
    data: list[dict[str, Any]] = spec["datasets"][name]
    return data


def notes(chart: Chart) -> list[str]:
    """List what stands below the title."""
    found: list[str] = chart.to_dict()["title"]["subtitle"]
    return found


def seconds(moments: Iterable[float]) -> list[float]:
    """Return the seconds since the start of those frames that tests make."""
    return [moment / 1000 - START.timestamp() for moment in moments]


def ran(*tasks: tuple[str | None, str, float | None, float | None, float | None]) -> pl.DataFrame:
    """Make a frame like that of a fetch: worker, state, and seconds of its three times."""
    times = [
        [None if t is None else START + timedelta(seconds=t) for t in row[2:]] for row in tasks
    ]
    schema = dict.fromkeys(("created_at", "started_at", "finished_at"), pl.Datetime("us", "UTC"))
    frame = pl.DataFrame(times, schema=schema, orient="row")
    return frame.select(
        pl.Series("key", [f"task{n}" for n in range(len(tasks))], pl.String),
        pl.Series(
            "state", [row[1] for row in tasks], pl.Enum(["queued", "running", "finished", "failed"])
        ),
        pl.Series("worker_id", [row[0] for row in tasks], pl.String),
        *schema,
    )


def many(n: int, n_workers: int = 16) -> pl.DataFrame:
    """Make a frame of n tasks, one each 7 ms, every tenth of which has failed."""
    number = pl.int_range(n)
    begin = number * 7_000 + int(START.timestamp() * 1e6)
    moments = {"created_at": begin, "started_at": begin + 5_000, "finished_at": begin + 60_000}
    noise = number.hash(1).cast(pl.Float64) / 2.0**64
    frame = pl.select(
        key=number.cast(pl.String),
        state=pl.when(number % 10 == 0).then(pl.lit("failed")).otherwise(pl.lit("finished")),
        depth=noise,
        width=number.hash(2).cast(pl.Float64) / 2.0**64,
        label=number.cast(pl.String),
        warm=number % 2 == 0,
        loss=-number.cast(pl.Float64),
        worker_id=pl.format("worker{}", number % n_workers),
    )
    times = [each.cast(pl.Datetime("us", "UTC")).alias(name) for name, each in moments.items()]
    return frame.hstack(pl.select(times))
