"""A line on standard error that tells how far a network is."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from rushtyped.store import Progress

_EVERY = 0.2
_EVERY_WITHOUT_TERMINAL = 10.0


class ProgressLine:
    """Shows progress: in a terminal one line that is written over, else a line now and then."""

    def __init__(self, network_id: str, stream: TextIO | None = None) -> None:
        self._network_id = network_id
        self._stream = stream or sys.stderr
        self._in_place = self._stream.isatty()
        self._began = time.monotonic()
        self._shown_at = float("-inf")
        self._width = 0

    def show(self, progress: Progress, *, last: bool = False) -> None:
        """Show the state of affairs, unless something was shown just before."""
        now = time.monotonic()
        pause = _EVERY if self._in_place else _EVERY_WITHOUT_TERMINAL
        if not last and now - self._shown_at < pause:
            return
        self._shown_at = now
        text = self._text(progress, now - self._began)
        if self._in_place:
            self._stream.write("\r" + text.ljust(self._width))
            self._width = len(text)
        if last or not self._in_place:
            self._stream.write("\n" if self._in_place else text + "\n")
        self._stream.flush()

    def _text(self, progress: Progress, seconds: float) -> str:
        of = "" if progress.max_tasks is None else f"/{progress.max_tasks}"
        parts = [
            f"{progress.finished}{of} finished",
            f"{progress.running} running",
            f"{progress.queued} queued",
            f"{progress.failed} failed",
            f"{progress.running_workers} workers",
            f"{seconds:.0f} s",
        ]
        return f"{self._network_id}: {', '.join(parts)}"
