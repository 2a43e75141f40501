"""The command `rushtyped demo`: a worked example."""

from __future__ import annotations

from typing import Annotated

import typer

from rushtyped.cli.output import say
from rushtyped.cli.parameters import RedisUrl, examples

_NEEDS = ("numpy", "scipy", "sklearn", "threadpoolctl")


def add_commands(app: typer.Typer) -> None:
    """Add the command to those of the command line."""
    app.command(
        "demo", epilog=examples("rushtyped demo", "rushtyped demo --workers 4 --max-tasks 100")
    )(demo_command)


def demo_command(
    *,
    workers: Annotated[int, typer.Option(metavar="N", help="Worker processes.")] = 2,
    max_tasks: Annotated[int, typer.Option(metavar="N", help="Evaluations.")] = 60,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of all random numbers.")] = 1,
    network_id: Annotated[
        str | None, typer.Option(metavar="ID", help="Name of the network (a new one).")
    ] = None,
    redis: RedisUrl = None,
) -> None:
    """Tune a real model with asynchronous optimisation."""
    try:  # an optional extra
        from rushtyped.demo import Options, run_demo  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _NEEDS:
            raise
        say("the demo needs scikit-learn: pip install 'rushtyped[demo]'")
        raise typer.Exit(1) from None
    options = Options(
        workers=workers, max_tasks=max_tasks, seed=seed, redis=redis, network_id=network_id
    )
    raise typer.Exit(run_demo(options))
