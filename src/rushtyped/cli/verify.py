"""The command `rushtyped verify`: whether the stored data of a network keep every promise."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from rushtyped.cli.opened import open_network
from rushtyped.cli.parameters import AsJson, NetworkId, RedisUrl, examples

if TYPE_CHECKING:  # starting another command does not pay for Polars
    import polars as pl

PROBLEMS_LEFT = 3
"""Exit code where there are problems that were not mended; 1 and 2 are those of errors."""


def add_commands(app: typer.Typer) -> None:
    """Add the command to those of the command line."""
    app.command(
        "verify", epilog=examples("rushtyped verify branin", "rushtyped verify branin --repair")
    )(verify_command)


def verify_command(
    network_id: NetworkId,
    *,
    redis: RedisUrl = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what has one right answer.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check what is stored of a network, while its workers go on.

    Each task must be in exactly one index, that of its state, and workers, counts and keys must
    agree. Prints one problem a line. The exit code is 0 where there is none left, 3 otherwise, 1
    for an error.
    """
    with open_network(network_id, redis) as network:
        findings = network.verify(repair=repair)
    if as_json:
        sys.stdout.write(findings.write_ndjson())
    else:
        _print(network_id, findings)
    if not findings["repaired"].all():
        raise typer.Exit(PROBLEMS_LEFT)


def _print(network_id: str, findings: pl.DataFrame) -> None:
    for row in findings.iter_rows(named=True):
        known = [f"{name} {row[name]!r}" for name in ("state", "worker_id") if row[name]]
        behind = ", ".join([f"in {row['where']!r}", *known])
        outcome = "repaired" if row["repaired"] else "left"
        print(f"{row['problem']}: {row['key']!r} {behind}: {outcome}")
    n_repaired = findings["repaired"].sum()
    print(f"network {network_id!r}: {findings.height} problems, {n_repaired} of them repaired")
