"""What a process that renews leases is told."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from rushtyped.connect import Endpoint


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker that is to be kept alive as long as its process is."""

    network_id: str
    worker_id: str
    pid: int
    period: float
    """Seconds between two renewals."""
    expire: float
    """Seconds that the lease lasts without a renewal."""
    killable: bool = False
    """Whether the process is nothing but this worker, thus may be killed on command."""
    supervised: bool = False
    """Whether the process is to be killed when its manager has gone."""
    ends: bool = True
    """Whether it ends at once with the process; that of a worker's copy only runs out."""
    since: float = field(default_factory=time.monotonic)
    """When it began, by the clock that all processes of the host share."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Hold a lease from now on."""

    token: str
    lease: Lease


@dataclass(frozen=True, slots=True)
class Drop:
    """End a lease: its worker is no longer in use."""

    token: str


@dataclass(frozen=True, slots=True)
class Orphans:
    """Settle the tasks of supervised workers: their manager has gone."""


Command = Hold | Drop | Orphans


@dataclass(frozen=True, slots=True)
class Setting:
    """Where the leases are, and what to do when the manager has gone."""

    endpoint: Endpoint
    supervisor: int | None
    """Pipe whose end tells that the manager has gone; None where that is standard input."""
    orphaned: bytes
    """Condition of tasks whose worker is killed since its manager has left, packed; empty where
    they are left to be found lost."""
    orphaned_reason: str
