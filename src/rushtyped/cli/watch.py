"""The command `rushtyped watch`: a network as it goes on, in the terminal."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from rushtyped.cli.keyboard import Keyboard
from rushtyped.cli.opened import AnyNetwork, open_network
from rushtyped.cli.parameters import NetworkId, RedisUrl, examples
from rushtyped.cli.screen import screen
from rushtyped.cli.sight import Watcher
from rushtyped.progress import ProgressLine

_PAUSE = 0.2
"""Seconds between two looks at least."""
_LONGEST_PAUSE = 1.0
_HINT = "q to leave"

Sort = Annotated[
    str | None,
    typer.Option(
        "--sort",
        metavar="COLUMN",
        help="What the best rows are best in, smallest first; -COLUMN: largest first (the first "
        "number of ys).",
    ),
]
Rows = Annotated[int, typer.Option("--rows", metavar="N", min=0, help="Number of best rows.")]


def add_commands(app: typer.Typer) -> None:
    """Add the command to those of the command line."""
    app.command(
        "watch", epilog=examples("rushtyped watch branin", "rushtyped watch branin --sort -score")
    )(watch_command)


def watch_command(
    network_id: NetworkId, *, sort: Sort = None, rows: Rows = 5, redis: RedisUrl = None
) -> None:
    """Watch a network until it is done.

    Shows states, workers, throughput, best rows and errors. A network is done when its budget is
    spent and no task runs, or when its last worker has ended. Where standard output is no
    terminal, a line is printed now and then.
    """
    with open_network(network_id, redis, patient=True) as network:
        watcher = Watcher(network, sort, rows)
        if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
            _watch_live(network, watcher)
        else:
            _watch_lines(network, watcher)


def _watch_live(network: AnyNetwork, watcher: Watcher) -> None:
    console = Console()
    sight, ending = watcher.look(), None
    with Live(console=console, auto_refresh=False) as live, Keyboard() as keyboard:
        while ending is None:
            live.update(screen(network.network_id, sight, _HINT), refresh=True)
            ending = sight.ending
            if ending is None and keyboard.wait_for("q", _PAUSE):
                ending = "left"
            elif ending is None:
                network.wait_for_change(sight.progress.event, timeout=_LONGEST_PAUSE)
            sight = watcher.look(last=ending is not None)
        live.update(screen(network.network_id, sight, ending), refresh=True)


def _watch_lines(network: AnyNetwork, watcher: Watcher) -> None:
    line = ProgressLine(network.network_id, sys.stdout)
    sight = watcher.look()
    while sight.ending is None:
        line.show(sight.progress)
        network.wait_for_change(sight.progress.event, timeout=_LONGEST_PAUSE)
        sight = watcher.look()
    line.show(sight.progress, last=True)
