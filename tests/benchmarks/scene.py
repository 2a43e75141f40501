"""The server and the cores that all contestants of a measure share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import redis

from rushtyped.embedded import release_embedded_server, use_embedded_server


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    rounds: int
    calls: int
    """Calls of each contestant a round."""
    sizes: tuple[int, ...]
    """Numbers of tasks that are read at once, or lie on the server."""
    bulk_rounds: int
    seconds: float
    """Length of a run of several workers."""


QUICK = Effort(rounds=5, calls=50, sizes=(1, 1000, 10_000), bulk_rounds=2, seconds=1.0)
FULL = Effort(
    rounds=30, calls=100, sizes=(1, 100, 10_000, 100_000, 1_000_000), bulk_rounds=3, seconds=5.0
)


@dataclass(frozen=True)
class Scene:
    """A server for all contestants, and where they run."""

    socket: Path
    client: Any
    """A redis-py client, as a user makes one."""
    effort: Effort

    @property
    def url(self) -> str:
        """What `redis=` takes."""
        return f"unix://{self.socket}"

    @property
    def version(self) -> str:
        """Name and version of the server."""
        info = self.client.info("server")
        return f"{info.get('server_name', 'redis')} {info.get('valkey_version', '')}".strip()

    @property
    def server(self) -> psutil.Process:
        """The process of the server."""
        return psutil.Process(self.client.info("server")["process_id"])

    @contextmanager
    def on_one_core(self) -> Iterator[None]:
        """Keep client and server on one core: a round trip across two takes three times as long."""
        with self._on({min(_CORES)}, {min(_CORES)}):
            yield

    @contextmanager
    def on_two_cores(self) -> Iterator[None]:
        """Give the server a core of its own, and the client another."""
        with self._on({min(_CORES)}, {max(_CORES)}):
            yield

    @contextmanager
    def on_all_cores(self) -> Iterator[None]:
        """Let server and clients run where they like."""
        with self._on(_CORES, _CORES):
            yield

    @contextmanager
    def _on(self, server: set[int], client: set[int]) -> Iterator[None]:
        if not _CORES:
            yield
            return
        self.server.cpu_affinity(sorted(server))
        os.sched_setaffinity(0, client)
        try:
            yield
        finally:
            os.sched_setaffinity(0, _CORES)
            self.server.cpu_affinity(sorted(_CORES))

    def clear(self) -> None:
        """Empty the server, for the next measure."""
        self.client.flushall(asynchronous=False)


_CORES = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


@contextmanager
def server(effort: Effort) -> Iterator[Scene]:
    """Start an embedded server of these measures only."""
    with tempfile.TemporaryDirectory(prefix="rushtyped-bench-") as directory:
        socket = use_embedded_server(Path(directory))
        try:
            with redis.Redis(unix_socket_path=str(socket)) as client:
                yield Scene(socket, client, effort)
        finally:
            release_embedded_server(Path(directory))
