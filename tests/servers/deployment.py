"""Several servers that are started and stopped as one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import ExitStack
from typing import Self


class Deployment(ABC):
    """Servers that run while it is entered as a context manager."""

    def __init__(self) -> None:
        self._running = ExitStack()

    @abstractmethod
    def start(self, running: ExitStack) -> None:
        """Start the servers, to be stopped by the stack, and wait until they know each other."""

    def __enter__(self) -> Self:
        with ExitStack() as running:
            self.start(running)
            self._running = running.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()
