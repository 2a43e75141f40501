"""The command `rushtyped list`: the networks on a server."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from rushtyped.cli.output import print_json, print_table, say
from rushtyped.cli.parameters import RETRY_TIMEOUT, AsJson, RedisUrl, examples
from rushtyped.errors import RushTypedError, UnknownNetworkError
from rushtyped.network import Network
from rushtyped.networks import list_networks
from rushtyped.plan import endpoint_for

COLUMNS = ("network_id", "queued", "running", "finished", "failed", "running_workers", "max_tasks")


def add_commands(app: typer.Typer) -> None:
    """Add the command to those of the command line."""
    app.command(
        "list",
        epilog=examples("rushtyped list", "rushtyped list --redis redis://localhost:6379 --json"),
    )(list_command)


def list_command(*, redis: RedisUrl = None, as_json: AsJson = False) -> None:
    """List the networks on a server, with their tasks by state."""
    unread: list[str] = []
    rows = list(_rows(redis, unread))
    if as_json:
        for row in rows:
            print_json(row)
    elif rows:
        print_table(COLUMNS, [list(row.values()) for row in rows])
    else:
        say(f"no network on {endpoint_for(redis).address}")
    if unread:
        raise typer.Exit(1)


def _rows(redis: str | None, unread: list[str]) -> Iterator[dict[str, object]]:
    """Look at one network after the other; the ids of those that cannot be read are noted."""
    endpoint = endpoint_for(redis)
    for network_id in list_networks(redis=endpoint, retry_timeout=RETRY_TIMEOUT):
        try:
            with Network.open(network_id, redis=endpoint, retry_timeout=RETRY_TIMEOUT) as network:
                seen = network.progress
        except UnknownNetworkError:  # it has gone since
            continue
        except RushTypedError as error:
            say(error)
            unread.append(network_id)
        else:
            counts = (getattr(seen, name) for name in COLUMNS[1:])
            yield dict(zip(COLUMNS, (network_id, *counts), strict=True))
