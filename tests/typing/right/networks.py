"""Networks as wholes: listed, and moved to another server."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

from rushtyped import Extra, Network, Xs, Ys, export_tasks, import_tasks, list_networks


class Params(Xs):
    x: float


class Scores(Ys):
    y: float


def move(network: Network[Params, Scores]) -> None:
    assert_type(export_tasks(network, "study.parquet"), int)
    moved = import_tasks(Path("study.parquet"), network_id="a", redis="redis://b")
    assert_type(moved, Network[Xs, Ys, Extra, Extra])
    assert_type(list_networks(redis="redis://b", retry_timeout=1), list[str])
