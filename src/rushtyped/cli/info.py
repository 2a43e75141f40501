"""The command `rushtyped info`: one network at a glance."""

from __future__ import annotations

from datetime import datetime

import typer

from rushtyped.cli.columns import recorded_columns
from rushtyped.cli.opened import AnyNetwork, open_network
from rushtyped.cli.output import print_json, print_pairs, print_table
from rushtyped.cli.parameters import AsJson, NetworkId, RedisUrl, examples

COLUMNS = ("column", "group", "dtype", "required")


def add_commands(app: typer.Typer) -> None:
    """Add the command to those of the command line."""
    app.command("info", epilog=examples("rushtyped info branin", "rushtyped info branin --json"))(
        info_command
    )


def info_command(network_id: NetworkId, *, redis: RedisUrl = None, as_json: AsJson = False) -> None:
    """Show one network at a glance.

    Tasks by state, budget, workers, columns with their dtypes, and times.
    """
    with open_network(network_id, redis) as network:
        facts = _facts(network)
        columns = recorded_columns(network)
    if as_json:
        print_json({**facts, "columns": [column._asdict() for column in columns]})
        return
    print_pairs((name.replace("_", " "), value) for name, value in facts.items())
    print()
    print_table(COLUMNS, columns)


def _facts(network: AnyNetwork) -> dict[str, object]:
    seen = network.progress
    first, last = _times(network)
    return {
        "network_id": network.network_id,
        "queued": seen.queued,
        "running": seen.running,
        "finished": seen.finished,
        "failed": seen.failed,
        "running_workers": seen.running_workers,
        "terminated_workers": network.n_terminated_workers,
        "max_tasks": seen.max_tasks,
        "max_seconds": seen.max_seconds,
        "seconds": seen.seconds,
        "spent": seen.spent,
        "first_created_at": first,
        "last_finished_at": last,
    }


def _times(network: AnyNetwork) -> tuple[datetime | None, datetime | None]:
    """When the first task was created, and when the last one finished or failed."""
    ends = [*network.tasks[:1], *network.finished_tasks[-1:], *network.failed_tasks[-1:]]
    tasks = network.read_tasks(ends)
    ended = [task.finished_at for task in tasks if task.finished_at]
    return (tasks[0].created_at if tasks else None), max(ended, default=None)
