"""The command `rushtyped tasks`: tasks as a table, or as data for other programs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rushtyped.cli.formats import Format, write_frame
from rushtyped.cli.opened import AnyNetwork, open_network
from rushtyped.cli.output import print_table, say
from rushtyped.cli.parameters import NetworkId, RedisUrl, examples
from rushtyped.cli.selection import names_in, ordered
from rushtyped.models import TaskState
from rushtyped.schema import DEFAULT_FIELDS, TIMES, Field

if TYPE_CHECKING:  # starting another command does not pay for Polars
    import polars as pl

ROWS_OF_A_TABLE = 50
_TIMES = (*TIMES, "attempt")

States = Annotated[
    list[TaskState] | None,
    typer.Option("--state", help="Only tasks in this state; may be given several times."),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        metavar="NAMES",
        help="Columns in this order, with commas between them. A table leaves out times and "
        "empty columns unless they are named.",
    ),
]
Sort = Annotated[
    str | None,
    typer.Option(
        "--sort", metavar="COLUMN", help="Order by a column; -COLUMN has the largest first."
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit", min=0, metavar="N", help="At most so many tasks; 0 for all (a table: 50)."
    ),
]
As = Annotated[Format, typer.Option("--format", help="How to write them.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file.")
]


def add_commands(app: typer.Typer) -> None:
    """Add the command to those of the command line."""
    app.command(
        "tasks",
        epilog=examples(
            "rushtyped tasks branin --state finished --sort y --limit 5",
            "rushtyped tasks branin --format csv --columns x1,x2,y > branin.csv",
        ),
    )(tasks_command)


def tasks_command(
    network_id: NetworkId,
    *,
    state: States = None,
    columns: Columns = None,
    sort: Sort = None,
    limit: Limit = None,
    format_: As = Format.TABLE,
    output: Output = None,
    redis: RedisUrl = None,
) -> None:
    """Show the tasks of a network, or write them for other programs."""
    _check_place(format_, output)
    named = [] if columns is None else [name for text in columns for name in text.split(",")]
    with_times = (format_ is not Format.TABLE and not named) or _mentions_times(named, sort)
    fields: tuple[Field, ...] = (*DEFAULT_FIELDS, "times") if with_times else DEFAULT_FIELDS
    most = ROWS_OF_A_TABLE if limit is None and format_ is Format.TABLE else limit or 0
    states = list(dict.fromkeys(state or TaskState))
    with open_network(network_id, redis) as network:
        total = _total(network, states)
        if most and sort is None:
            shown = _first(network, states, fields, most)
        else:
            shown = network.fetch_tasks_with_state(states=states, fields=fields)
    if sort is not None:
        shown = ordered(shown, sort)
    shown = shown.head(most or shown.height)
    chosen = shown.select(names_in(columns, shown.columns)) if columns else shown
    if format_ is not Format.TABLE:
        write_frame(chosen, format_, output)
        return
    _print(chosen if columns else _without_empty(chosen))
    if limit is None and shown.height < total:
        say(f"{shown.height} of {total} tasks are shown: --limit 0 shows all")


def _check_place(format_: Format, output: Path | None) -> None:
    if format_ is Format.TABLE and output is not None:
        raise typer.BadParameter(
            "a table goes to standard output: add --format json, csv or parquet",
            param_hint="--output",
        )
    if format_ is Format.PARQUET and output is None and sys.stdout.isatty():
        raise typer.BadParameter(
            "parquet is no text: add --output FILE, or write to a pipe", param_hint="--format"
        )


def _mentions_times(named: list[str], sort: str | None) -> bool:
    return any(name.removeprefix("-") in _TIMES for name in (*named, sort or ""))


def _total(network: AnyNetwork, states: list[TaskState]) -> int:
    progress = network.progress
    counts: list[int] = [getattr(progress, state) for state in states]
    return sum(counts)


def _first(
    network: AnyNetwork, states: list[TaskState], fields: tuple[Field, ...], most: int
) -> pl.DataFrame:
    """Fetch the first tasks of some states, and no more than that."""
    import polars as pl  # noqa: PLC0415 - other commands do not pay for it

    fetches = {
        TaskState.QUEUED: network.fetch_queued_tasks,
        TaskState.RUNNING: network.fetch_running_tasks,
        TaskState.FINISHED: network.fetch_finished_tasks,
        TaskState.FAILED: network.fetch_failed_tasks,
    }
    frames = [
        fetches[state](fields=fields, limit=most).insert_column(
            1, pl.lit(state.value).alias("state")
        )
        for state in states
    ]
    return pl.concat(frames, how="diagonal_relaxed").unique("key", maintain_order=True)


def _without_empty(frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out the columns that no task has a value in."""
    if frame.is_empty():
        return frame
    return frame.select(column.name for column in frame if column.null_count() < frame.height)


def _print(frame: pl.DataFrame) -> None:
    print_table(frame.columns, frame.iter_rows())
