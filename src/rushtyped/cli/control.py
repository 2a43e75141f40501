"""The commands `rushtyped stop` and `rushtyped retry`: what changes how a network goes on."""

from __future__ import annotations

from typing import Annotated

import typer

from rushtyped.cli.opened import open_network
from rushtyped.cli.output import say
from rushtyped.cli.parameters import NetworkId, RedisUrl, Workers, examples

Keys = Annotated[list[str] | None, typer.Argument(metavar="KEYS...", help="Keys of failed tasks.")]


def add_commands(app: typer.Typer) -> None:
    """Add the commands to those of the command line."""
    app.command(
        "stop", epilog=examples("rushtyped stop branin", "rushtyped stop branin --kill --worker w1")
    )(stop_command)
    app.command(
        "retry",
        epilog=examples("rushtyped retry branin --all", "rushtyped retry branin 5f3a... 77c0..."),
    )(retry_command)


def stop_command(
    network_id: NetworkId,
    *,
    worker: Workers = None,
    kill: Annotated[
        bool, typer.Option("--kill", help="End them at once, and fail their tasks.")
    ] = False,
    redis: RedisUrl = None,
) -> None:
    """Let workers end after their current task.

    All that run, unless some are named. Returns without waiting for them.
    """
    with open_network(network_id, redis) as network:
        running = network.running_worker_ids
        chosen = [each for each in running if not worker or each in worker]
        missing = sorted(set(worker or ()) - set(running))
        network.stop_workers("kill" if kill else "terminate", worker_ids=chosen)
    say(f"{len(chosen)} workers were {'killed' if kill else 'told to end after their task'}")
    if missing:
        say(f"no running worker of network {network_id!r}: {', '.join(missing)}")
        raise typer.Exit(1)


def retry_command(
    network_id: NetworkId,
    *,
    keys: Keys = None,
    every: Annotated[bool, typer.Option("--all", help="All failed tasks.")] = False,
    redis: RedisUrl = None,
) -> None:
    """Put failed tasks back to the end of the queue."""
    if every == bool(keys):
        raise typer.BadParameter("give the keys of tasks, or --all", param_hint="KEYS")
    with open_network(network_id, redis) as network:
        chosen = network.failed_tasks if every else list(keys or ())
        moved = network.retry_tasks(chosen)
    say(f"{len(moved)} of {len(chosen)} tasks are queued again")
    if len(moved) < len(set(chosen)) and not every:
        raise typer.Exit(1)
