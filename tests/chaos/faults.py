"""Which faults there are, how many, and in which order a seed has them come."""

from __future__ import annotations

import random
from collections.abc import Mapping
from enum import StrEnum

FULL_SIZE = 100_000
"""Tasks for which the numbers below are meant."""


class Fault(StrEnum):
    """What is done to a process or a connection."""

    KILL_WORKER = "worker killed"
    KILL_IN_POP = "worker killed between the halves of a pop"
    """Done by workers to themselves, since a kill from outside hardly ever comes just then."""
    KILL_PRODUCER = "producer killed"
    KILL_MANAGER = "manager killed"
    KILL_LEASES = "lease process killed"
    KILL_NURSERY = "parent of workers killed"
    KILL_KEEPER = "keeper of the embedded server killed"
    STOP_WORKER = "worker stopped for longer than its lease"
    STOP_LEASES = "lease process stopped for longer than its leases"
    STOP_MANAGER = "manager stopped"
    STOP_SERVER = "server stopped"
    END_SERVER = "server restarted"
    KILL_SERVER = "server killed and restarted"
    FORGET_SCRIPTS = "scripts forgotten by the server"
    UNBLOCK = "blocked call broken off by the server"
    CUT = "connection cut by the server"
    CUT_BYTES = "connection cut within a request or reply"
    """Done by a proxy, by itself."""


AT_FULL_SIZE: Mapping[Fault, int] = {
    Fault.KILL_WORKER: 340,
    Fault.KILL_PRODUCER: 35,
    Fault.KILL_MANAGER: 35,
    Fault.KILL_LEASES: 30,
    Fault.KILL_NURSERY: 15,
    Fault.KILL_KEEPER: 15,
    Fault.STOP_WORKER: 60,
    Fault.STOP_LEASES: 10,
    Fault.STOP_MANAGER: 10,
    Fault.STOP_SERVER: 10,
    Fault.END_SERVER: 18,
    Fault.KILL_SERVER: 18,
    Fault.FORGET_SCRIPTS: 20,
    Fault.UNBLOCK: 40,
    Fault.CUT: 220,
}
"""Rounds of each kind; a round of cuts takes several connections."""


def kinds(*, embedded: bool) -> list[Fault]:
    """List the faults that there are with a server; only the embedded one has a keeper."""
    return [fault for fault in Fault if embedded or fault is not Fault.KILL_KEEPER]


def schedule(tasks: int, share: float, rng: random.Random, *, embedded: bool) -> list[Fault]:
    """List faults in proportion to the tasks, each kind at least once, in a random order."""
    factor = share * tasks / FULL_SIZE
    numbers = {fault: AT_FULL_SIZE.get(fault, 0) for fault in kinds(embedded=embedded)}
    faults = [fault for fault, n in numbers.items() if n for _ in range(max(1, round(n * factor)))]
    rng.shuffle(faults)
    return faults
