"""A process that its manager watches without being its parent.

Only managers import this: it takes psutil, which the workers need not bear.
"""

from __future__ import annotations

import contextlib
import signal

import psutil


class WatchedProcess:
    """A process of this machine, known by its number and its start."""

    def __init__(self, pid: int) -> None:
        self._process: psutil.Process | None = None
        with contextlib.suppress(psutil.NoSuchProcess):
            self._process = psutil.Process(pid)

    @property
    def is_alive(self) -> bool:
        """Whether it runs, or could."""
        if self._process is None:
            return False
        try:
            return self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has gone."""
        if self._process is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                self._process.send_signal(number)
