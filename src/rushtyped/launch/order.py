"""What a manager tells a worker process, and nobody else."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from dataclasses import dataclass, field

from rushtyped.connect import Endpoint
from rushtyped.launch.options import WorkerOptions


@dataclass(frozen=True, slots=True)
class Order:
    """One worker that is to run a loop; shows no secret."""

    network_id: str
    worker_id: str
    endpoint: Endpoint
    retry_timeout: float
    digest: str
    """Name of the loop in Redis."""
    secret: str = field(repr=False)
    """What the loop is signed with; empty where the worker's environment has it."""
    options: WorkerOptions
    supervise: bool
    """Whether the worker is to be killed when its manager has gone."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a manager runs, so that its worker runs there too."""

    directory: str
    path: list[str]
    """Where modules are imported from."""
    environment: dict[str, str] = field(repr=False)

    @classmethod
    def here(cls) -> Surroundings:
        """Take down those of this process."""
        try:
            directory = os.getcwd()  # noqa: PTH109 - a str
        except FileNotFoundError:
            directory = ""  # it was deleted
        return cls(directory, list(sys.path), dict(os.environ))

    def take_over(self) -> None:
        """Make them those of this process."""
        os.environ.clear()
        os.environ.update(self.environment)
        sys.path[:] = self.path
        if self.directory:
            os.chdir(self.directory)

    def extend_path(self) -> None:
        """Import also from where the manager does, where this process would find nothing."""
        known = set(sys.path)
        sys.path.extend(path for path in self.path if path not in known)


def ending_of(code: int) -> str:
    """Say how a process ended, from its exit code or minus the signal that killed it."""
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"
