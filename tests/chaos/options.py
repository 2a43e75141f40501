"""How large a chaos run is, and on what."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

Program = Literal["valkey", "redis", "embedded"]
Fsync = Literal["always", "everysec", "no"]


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is asked for."""

    tasks: int
    seed: int
    program: Program
    fsync: Fsync
    """The embedded server has its own, "everysec"."""
    faults: float
    """Share of the faults that belong to so many tasks."""
    limit: float
    """Seconds after which the run has failed."""
    n_producers: int
    n_managers: int
    n_workers: int
    """Of each manager."""
    json: Path | None
    directory: Path | None
    """Where all files go, and stay; None for a temporary one, which stays after a violation."""


def read_options(words: Sequence[str] | None = None) -> Options:
    """Read a command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.run", description=__doc__)
    add = parser.add_argument
    add("--tasks", type=int, default=100_000, help="tasks to create (100000)")
    add("--seed", type=int, default=1, help="decides which faults come when (1)")
    add("--program", choices=get_args(Program), default="valkey", help="the server (valkey)")
    add("--fsync", choices=get_args(Fsync), default="always", help="the server's appendfsync")
    add("--faults", type=float, default=1.0, help="more or fewer faults than 1.0")
    add("--limit", type=float, default=1200.0, help="seconds until the run has failed (1200)")
    add("--producers", type=int, default=3, dest="n_producers")
    add("--managers", type=int, default=3, dest="n_managers")
    add("--workers", type=int, default=2, dest="n_workers", help="of each manager (2)")
    add("--json", type=Path, default=None, help="file that gets the figures")
    add("--directory", type=Path, default=None, help="where journals and data go, and stay")
    return Options(**vars(parser.parse_args(words)))
