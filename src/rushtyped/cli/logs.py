"""The command `rushtyped logs`: what the workers of a network have logged."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from loguru import logger

from rushtyped.cli.cells import cell
from rushtyped.cli.opened import AnyNetwork, open_network
from rushtyped.cli.output import print_json
from rushtyped.cli.parameters import AsJson, NetworkId, RedisUrl, Workers, examples
from rushtyped.printable import one_entry, printable

if TYPE_CHECKING:  # starting another command does not pay for Polars
    import polars as pl

_PAUSE = 0.5
_SHARE = 0.1
"""Part of the time that reading a long log over and over may take."""

Level = Annotated[
    str | None, typer.Option("--level", metavar="LEVEL", help="Least level, as WARNING.")
]
Follow = Annotated[
    bool, typer.Option("--follow", "-f", help="Go on with what is logged, until interrupted.")
]


def add_commands(app: typer.Typer) -> None:
    """Add the command to those of the command line."""
    app.command(
        "logs",
        epilog=examples(
            "rushtyped logs branin --level ERROR", "rushtyped logs branin --follow --worker w1"
        ),
    )(logs_command)


def logs_command(
    network_id: NetworkId,
    *,
    follow: Follow = False,
    level: Level = None,
    worker: Workers = None,
    redis: RedisUrl = None,
    as_json: AsJson = False,
) -> None:
    """Print what the workers of a network have logged."""
    least = 0 if level is None else _severity(level)
    with open_network(network_id, redis, patient=follow) as network:
        seen = _print_new(network, None, worker, least, as_json=as_json)
        while follow:
            began = time.monotonic()
            seen = _print_new(network, seen, worker, least, as_json=as_json)
            time.sleep(max(_PAUSE, (time.monotonic() - began) / _SHARE))


def _severity(level: str) -> int:
    try:
        return logger.level(level.upper()).no
    except ValueError:
        raise typer.BadParameter(
            f"{printable(level)!r} is no level: use TRACE, DEBUG, INFO, SUCCESS, WARNING, ERROR or "
            "CRITICAL",
            param_hint="--level",
        ) from None


def _print_new(
    network: AnyNetwork,
    seen: pl.DataFrame | None,
    workers: list[str] | None,
    least: int,
    *,
    as_json: bool,
) -> pl.DataFrame:
    """Print the records that were not there before; return all that are there."""
    frame = network.read_log(worker_ids=workers)
    new = (
        frame if seen is None else frame.join(seen, how="anti", on=frame.columns, nulls_equal=True)
    )
    for record in new.iter_rows(named=True):
        if _number(record["level"]) >= least:
            print_json(record) if as_json else print(_line(record))
    sys.stdout.flush()
    return frame


def _number(level: str) -> float:
    """Return how severe a level is; one that only its worker knows is heard in any case."""
    try:
        return logger.level(level).no
    except ValueError:
        return float("inf")


def _line(record: Mapping[str, Any]) -> str:
    head = f"{cell(record['timestamp'])} {printable(record['level']):<8}"
    place = f"{printable(record['worker_id'])} {printable(record['logger'])}"
    text = "\n".join(filter(None, (record["message"].rstrip("\n"), record["exception"])))
    return f"{head} {place} | {one_entry(text.rstrip())}"
