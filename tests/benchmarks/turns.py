"""Calls timed in turns, so that whatever slows the machine down slows all of them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median

Call = Callable[[], object]
Figures = dict[str, list[float]]
"""Figures by contestant, one a round."""


def timed(call: Call) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - began) / 1e9


def typical(call: Call, n: int) -> float:
    """Median seconds of n calls."""
    return median(timed(call) for _ in range(n))


def in_turns(
    calls: Mapping[str, Call], *, rounds: int, n: int = 1, into: Figures | None = None
) -> Figures:
    """Time each call n times a round, after once for nothing; add to figures of earlier rounds."""
    figures = Figures() if into is None else into
    with without_collection():
        for _ in range(rounds):
            for name, call in calls.items():
                call()
                figures.setdefault(name, []).append(typical(call, n))
            gc.collect()
    return figures


@contextmanager
def without_collection() -> Iterator[None]:
    """Keep the garbage collector from running in the middle of somebody's call."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
