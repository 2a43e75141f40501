"""The producers and managers of a phase: those that are lost are replaced."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tests.chaos.part import Part
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
LIFE = (15.0, 60.0)
"""Seconds for which a manager works until another takes its place."""

_ORDINARY = (0, -signal.SIGKILL, -signal.SIGTERM)
"""Exit codes of processes that were killed, or asked to end, maybe before they could listen."""


class Cast:
    """Keeps so many producers and managers alive."""

    def __init__(
        self,
        part: Part,
        rng: random.Random,
        *,
        n_producers: int,
        n_managers: int,
        urls: Mapping[str, Sequence[str]],
    ) -> None:
        self._part = part
        self._rng = rng
        self._wanted = {"producer": n_producers, "manager": n_managers}
        self._urls = urls
        self._alive: dict[str, list[subprocess.Popen[bytes]]] = {role: [] for role in self._wanted}
        self._n_started = dict.fromkeys(self._wanted, 0)
        self.failures: list[str] = []
        """Names of processes that have ended by an error of their own."""

    @property
    def errors(self) -> Path:
        """File that gets what the processes write to standard error."""
        return self._part.directory / "errors.log"

    def replace(self) -> None:
        """Start processes in place of those that have ended."""
        for role, processes in self._alive.items():
            for process in processes:
                code = process.poll()
                if code is not None and code not in _ORDINARY:
                    self.failures.append(f"{role} {process.pid} ended with exit code {code}")
            alive = [process for process in processes if process.poll() is None]
            missing = self._wanted[role] - len(alive)
            self._alive[role] = [*alive, *(self._start(role) for _ in range(missing))]

    def end(self) -> None:
        """Ask all to end, and wait until they have."""
        self._wanted = dict.fromkeys(self._wanted, 0)
        for process in self._all():
            process.terminate()
        wait_until(
            lambda: all(process.poll() is not None for process in self._all()),
            description="producers and managers have ended",
            timeout=120.0,
        )
        self.replace()

    def kill(self) -> None:
        """Kill all that are left."""
        for process in self._all():
            process.kill()
            process.wait()

    def _all(self) -> list[subprocess.Popen[bytes]]:
        return [process for processes in self._alive.values() for process in processes]

    def _start(self, role: str) -> subprocess.Popen[bytes]:
        urls = self._urls[role]
        url = urls[self._n_started[role] % len(urls)]
        self._n_started[role] += 1
        part = replace(
            self._part,
            name=f"{role}-{self._n_started[role]}",
            seed=self._rng.randrange(1 << 30),
            url=url,
            seconds=self._rng.uniform(*LIFE),
            requeues=self._rng.random() < 0.5,
            supervises=self._rng.random() < 0.75,
        )
        with self.errors.open("ab") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", f"tests.chaos.{role}", part.as_word()],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
