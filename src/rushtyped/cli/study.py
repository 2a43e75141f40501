"""The commands `rushtyped export` and `rushtyped import`: a study moves between servers."""

from __future__ import annotations

from typing import Annotated

import typer

from rushtyped.cli.opened import open_network
from rushtyped.cli.output import say
from rushtyped.cli.parameters import (
    RETRY_TIMEOUT,
    InputFile,
    NetworkId,
    OutputFile,
    RedisUrl,
    examples,
)
from rushtyped.networks import export_tasks, import_tasks


def add_commands(app: typer.Typer) -> None:
    """Add the commands to those of the command line."""
    app.command("export", epilog=examples("rushtyped export branin branin.parquet"))(export_command)
    app.command(
        "import",
        epilog=examples(
            "rushtyped import branin.parquet", "rushtyped import branin.parquet --network-id copy"
        ),
    )(import_command)


def export_command(network_id: NetworkId, file: OutputFile, *, redis: RedisUrl = None) -> None:
    """Write all tasks of a network to a Parquet file."""
    with open_network(network_id, redis) as network:
        n = export_tasks(network, file)
    say(f"{n} tasks of network {network_id!r} are in {str(file)!r}")


def import_command(
    file: InputFile,
    *,
    network_id: Annotated[
        str | None,
        typer.Option("--network-id", metavar="ID", help="Name of the network (that of the file)."),
    ] = None,
    redis: RedisUrl = None,
) -> None:
    """Create the tasks of an exported file.

    Prints the name of their network. Tasks that ran are queued; one that is there already is left
    alone.
    """
    with import_tasks(
        file, network_id=network_id, redis=redis, retry_timeout=RETRY_TIMEOUT
    ) as network:
        print(network.network_id)
        say(f"network {network.network_id!r} has {network.n_tasks} tasks")
