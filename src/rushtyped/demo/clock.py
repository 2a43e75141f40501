"""Where a worker's time goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from rushtyped.demo.problem import Seconds

Part = Literal["evaluation", "surrogate", "rushtyped", "waiting"]


class Clock:
    """Adds up the seconds of each part of a worker's work, from one result to the next."""

    def __init__(self) -> None:
        self._seconds: dict[Part, float] = {}

    @contextmanager
    def measure(self, part: Part) -> Iterator[None]:
        """Add what the block takes, also when it raises."""
        began = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - began
            self._seconds[part] = self._seconds.get(part, 0.0) + took

    def lap(self) -> Seconds:
        """Return what has added up, and start anew."""
        seconds, self._seconds = self._seconds, {}
        return Seconds(
            evaluation_seconds=seconds.get("evaluation", 0.0),
            surrogate_seconds=seconds.get("surrogate", 0.0),
            rushtyped_seconds=seconds.get("rushtyped", 0.0),
            waiting_seconds=seconds.get("waiting", 0.0),
        )
