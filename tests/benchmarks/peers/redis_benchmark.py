"""redis-benchmark, which sends one command from several clients in one process written in C."""

from __future__ import annotations

import csv
import shutil
import subprocess
from pathlib import Path

NAMES = ("redis-benchmark", "valkey-benchmark")
PROGRAM = next(filter(None, map(shutil.which, NAMES)), None)
RANDOM = "__rand_int__"
"""Twelve digits, other ones at each place and in each command."""


def seconds_per_command(socket: Path, command: list[str], *, n: int, n_clients: int) -> float:
    """Send a command n times; its random numbers are below n, so that most keys are fresh.

    The same numbers come up again in a later call, so a command that follows another finds most
    of what that one wrote.
    """
    assert PROGRAM is not None
    options = ["-s", str(socket), "-c", str(n_clients), "-n", str(n), "-r", str(n), "--csv"]
    done = subprocess.run([PROGRAM, *options, *command], capture_output=True, text=True, check=True)
    (row,) = csv.DictReader(done.stdout.splitlines())
    return 1 / float(row["rps"])
