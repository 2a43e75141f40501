"""The command `rushtyped verify`: whether the stored data of a network keep every promise."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from rushtyped.network import Network

if TYPE_CHECKING:  # starting another command does not pay for Polars
    import polars as pl

PROBLEMS_LEFT = 3
"""Exit code where there are problems that were not mended; 1 and 2 are those of errors."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to those of the command line."""
    verify = commands.add_parser(
        "verify",
        help="check what is stored of a network, while its workers go on",
        description="Check that each task is in exactly one index, that of its state, and that "
        "workers, counts and keys agree. Prints one problem a line. Exit code 0 where there is "
        f"none left, {PROBLEMS_LEFT} otherwise, 1 for an error.",
    )
    verify.add_argument("network_id", metavar="ID", help="name of the network")
    verify.add_argument(
        "--redis", metavar="URL", help="server (RUSHTYPED_REDIS_URL, REDIS_URL, or embedded)"
    )
    verify.add_argument("--repair", action="store_true", help="mend what has one right answer")
    verify.add_argument("--json", action="store_true", help="print one JSON object a line")
    verify.set_defaults(run=_run_verify)


def _run_verify(options: argparse.Namespace) -> int:
    with Network.open(options.network_id, redis=options.redis) as network:
        findings = network.verify(repair=options.repair)
    if options.json:
        sys.stdout.write(findings.write_ndjson())
    else:
        _print(options.network_id, findings)
    return 0 if findings["repaired"].all() else PROBLEMS_LEFT


def _print(network_id: str, findings: pl.DataFrame) -> None:
    for row in findings.iter_rows(named=True):
        known = [f"{name} {row[name]!r}" for name in ("state", "worker_id") if row[name]]
        behind = ", ".join([f"in {row['where']!r}", *known])
        outcome = "repaired" if row["repaired"] else "left"
        print(f"{row['problem']}: {row['key']!r} {behind}: {outcome}")
    n_repaired = findings["repaired"].sum()
    print(f"network {network_id!r}: {findings.height} problems, {n_repaired} of them repaired")
