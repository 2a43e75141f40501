"""The leases of workers: each says that its worker is alive, until it runs out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import IntEnum

from rushtyped.lua import load_script
from rushtyped.store import Store

_UPTIME = re.compile(rb"uptime_in_seconds:(\d+)")
_RUN_ID = re.compile(rb"run_id:(\w+)")
_DAY = 86400
_LONGEST = 1e9
"""Seconds beyond which no lease lasts; a record that says so is damaged."""
_DRAWN = 100
"""Ended workers that one search looks at: a hundredth of a millisecond of the server's time."""


class Renewal(IntEnum):
    """What the server says to a lease that was to be renewed."""

    GONE = 0
    """Its worker does not run any more, as far as the network knows."""
    DONE = 1
    """Its worker runs: the lease is as it was asked to be."""
    KILL = 2
    """Its worker is to be killed."""


def run_id_of(info: bytes) -> bytes:
    """Find the id of a server process in what it tells of itself; empty where it hides it."""
    found = _RUN_ID.search(info)
    return found[1] if found else b""


class LeaseStore:
    """The leases of one network's workers."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def renew(self, leases: Mapping[str, float]) -> list[Renewal]:
        """Let the leases of workers last so many seconds from now; 0 ends one, -1 leaves it alone.

        Asks the server only once, since the next renewal is near.
        """
        keys = self.store.keys
        pairs = ((worker_id, int(seconds * 1000)) for worker_id, seconds in leases.items())
        arguments = (part for pair in pairs for part in pair)
        names = (keys.meta, keys.running_workers, keys.events)
        script = load_script("renew_leases")
        replies = self.store.channel.run_once(script, len(names), *names, keys.prefix, *arguments)
        return [Renewal(reply) for reply in replies]

    def lost(self) -> dict[str, float]:
        """Find the running workers whose lease has run out, with the seconds that it lasts.

        And workers that were lost, came back and died, where they hold a task of the queue back.
        """
        keys = self.store.keys
        names = (keys.running_workers, keys.terminated_workers)
        found = self.store.run("find_lost_workers", names, keys.prefix, _DRAWN)
        return {
            worker_id.decode(errors="backslashreplace"): _seconds(seconds)
            for worker_id, seconds in zip(found[::2], found[1::2], strict=True)
        }

    def wait_for_kill(self, worker_ids: Sequence[str], seconds: float) -> bool:
        """Wait on the server until one of these workers is to be killed; False after a time."""
        names = [self.store.keys.worker(worker_id).kill for worker_id in worker_ids]
        return self.store.channel.call("BLPOP", *names, seconds) is not None

    def uptime(self) -> float:
        """Seconds for which the server has been running."""
        found = _UPTIME.search(self.store.channel.call("INFO", "server"))
        return float(found[1]) if found else float("inf")

    def served_for(self, worker_id: str) -> float:
        """Seconds for which this server has run, and been known to serve this worker's network.

        One that a failover has made the primary has often run for long before that. It is known
        since it was first asked about a worker that has registered on another server.
        """
        info = self.store.channel.call("INFO", "server")
        uptime, run_id = _UPTIME.search(info), run_id_of(info)
        seconds = float(uptime[1]) if uptime else float("inf")
        keys = self.store.keys
        noted = self.store.run("note_server", (keys.meta, keys.worker(worker_id).record), run_id)
        return min(seconds, noted / 1e6) if noted >= 0 and run_id else seconds

    def dismiss(self, worker_ids: Sequence[str], how: str) -> None:
        """Ask workers to end that have not registered yet; the request is kept for a day."""
        names = [self.store.keys.worker(worker_id).terminate for worker_id in worker_ids]
        if names:
            self.store.channel.pipeline([("SET", name, how, "EX", _DAY) for name in names])

    def is_dismissed(self, worker_id: str) -> bool:
        """Tell whether a worker was asked to end."""
        return bool(self.store.channel.call("EXISTS", self.store.keys.worker(worker_id).terminate))


def _seconds(stored: bytes) -> float:
    """Read how long a lease lasts; what is no such number counts as nothing."""
    try:
        seconds = float(stored)
    except ValueError:
        return 0.0
    return seconds if 0 <= seconds < _LONGEST else 0.0
