"""Charts, and the live page."""

from __future__ import annotations

import altair as alt
import polars as pl
from starlette.applications import Starlette

from rushtyped import Network, Worker, Xs, Ys
from rushtyped.dashboard import make_app, serve
from rushtyped.plots import (
    contour,
    importance,
    parallel_coordinates,
    progress,
    scatter,
    states,
    throughput,
    timeline,
    utilisation,
)

Chart = alt.Chart | alt.LayerChart


class Params(Xs):
    a: float
    b: float


class Scores(Ys):
    y: float


def of_network(network: Network[Params, Scores], frame: pl.DataFrame) -> list[Chart]:
    return [
        progress(network, "y", maximise=True),
        timeline(network),
        utilisation(network),
        parallel_coordinates(frame, "y", xs=["a", "b"]),
        contour(network, "a", "b", "y"),
        importance(frame, "y"),
    ]


def of_worker(worker: Worker[Params, Scores]) -> list[Chart]:
    return [states(worker), throughput(worker), scatter(worker, "a", "y", colour="b")]


def live_page() -> Starlette:
    serve(redis="embedded", host="127.0.0.1", port=8700, allow_control=False)
    return make_app(redis="redis://localhost", token="secret", allow_control=True)
