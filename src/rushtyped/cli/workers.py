"""The command `rushtyped workers`: who works for a network."""

from __future__ import annotations

import typer

from rushtyped.cli.opened import open_network
from rushtyped.cli.output import print_json, print_table, say
from rushtyped.cli.parameters import AsJson, NetworkId, RedisUrl, examples

COLUMNS = ("worker_id", "state", "heartbeat", "pid", "hostname", "started_at", "ended_at", "reason")


def add_commands(app: typer.Typer) -> None:
    """Add the command to those of the command line."""
    app.command(
        "workers", epilog=examples("rushtyped workers branin", "rushtyped workers branin --json")
    )(workers_command)


def workers_command(
    network_id: NetworkId, *, redis: RedisUrl = None, as_json: AsJson = False
) -> None:
    """List the workers of a network.

    With state, place, times, whether they give signs of life, and why they ended.
    """
    with open_network(network_id, redis) as network:
        frame = network.worker_info
    if as_json:
        for row in frame.iter_rows(named=True):
            print_json(row)
    elif frame.is_empty():
        say(f"no worker has registered in network {network_id!r}")
    else:
        print_table(COLUMNS, frame.select(COLUMNS).iter_rows())
