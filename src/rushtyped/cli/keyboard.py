"""Keys that are pressed while a command shows something."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from types import TracebackType
from typing import Any, Self


class Keyboard:
    """The terminal's keys, one by one and without echo while the block lasts."""

    def __init__(self) -> None:
        self._terminal: int | None = None
        self._before: list[Any] = []

    def __enter__(self) -> Self:
        if sys.stdin.isatty():
            self._terminal = terminal = sys.stdin.fileno()
            self._before = termios.tcgetattr(terminal)
            tty.setcbreak(terminal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._terminal is not None:
            termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._before)

    def wait_for(self, key: str, seconds: float) -> bool:
        """Wait for a key; False after so many seconds, or as soon as others were pressed."""
        watched = [] if self._terminal is None else [self._terminal]
        pressed, _, _ = select.select(watched, [], [], seconds)
        return bool(pressed) and key.encode() in os.read(pressed[0], 1024).lower()
