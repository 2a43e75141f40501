"""Tasks of queues: ten floats in, nothing evaluated; each notes when it began."""

from __future__ import annotations

import time

XS = {f"x{i}": i + 0.5 for i in range(10)}
VALUE = 1.5
BEGINNINGS: list[float] = []
"""Times at which tasks of this process began, of the clock that all processes share."""


def noop(**xs: float) -> float:
    """Evaluate nothing."""
    BEGINNINGS.append(time.monotonic())
    return VALUE


async def noop_in_loop(context: object, **xs: float) -> float:
    """Evaluate nothing, in an event loop."""
    return noop(**xs)
