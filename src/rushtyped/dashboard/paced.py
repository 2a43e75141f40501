"""Values that take time to make: kept, and made anew only so often."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")

OWN_SHARE = 0.05
"""Share of this process's time that making one value anew may take."""
LONGEST_WAIT = 5.0
"""Seconds after which a changed value of this process is made anew, whatever share that takes."""
MOST_KEPT = 64
"""Values that are kept, those that were asked for last."""
LONGEST_KEPT = 60.0
"""Seconds for which a value is kept that nobody asks for."""


@dataclass(slots=True)
class _Kept:
    version: Hashable = None
    value: Any = None
    used_at: float = 0.0
    made_at: float = float("-inf")
    seconds: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Pacer:
    """Keeps values by key; each is made once however many ask for it at the same time.

    A value is made anew when its version has changed, but not before so much time has passed that
    the making takes no more than its share of it. One whose version is None is as old as that.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    async def get(
        self,
        key: Hashable,
        version: Hashable,
        make: Callable[[], Awaitable[T]],
        *,
        share: float = OWN_SHARE,
        least: float = 0.0,
    ) -> T:
        """Return the value of a key, at least `least` seconds long the same one."""
        kept = self._used(key)
        async with kept.lock:
            age = time.monotonic() - kept.made_at
            pause = kept.seconds / share
            if share == OWN_SHARE:  # what is the server's share is kept to
                pause = min(pause, LONGEST_WAIT)
            if age >= max(least, pause) and (version is None or version != kept.version):
                began = time.monotonic()
                kept.value = await make()
                kept.made_at = time.monotonic()
                kept.seconds, kept.version = kept.made_at - began, version
            value: T = kept.value
            return value

    def _used(self, key: Hashable) -> _Kept:
        """Put a value at the end of those that are kept, and let go of the first ones."""
        kept = self._kept.setdefault(key, _Kept())
        kept.used_at = now = time.monotonic()
        self._kept.move_to_end(key)
        while len(self._kept) > MOST_KEPT or self._first_used_at() < now - LONGEST_KEPT:
            self._kept.popitem(last=False)
        return kept

    def _first_used_at(self) -> float:
        return next(iter(self._kept.values())).used_at
