"""A terminal that tests look at while a program runs in it."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pyte

_LINES, _COLUMNS = 80, 80


class Terminal:
    """What a Python program has written to its terminal, as a user sees it."""

    def __init__(self, code: str, *arguments: str) -> None:
        self._screen = pyte.Screen(_COLUMNS, _LINES)
        self._stream = pyte.ByteStream(self._screen)
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, _COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm-256color"},
        )
        os.close(theirs)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def text(self) -> str:
        """The screen as it is now."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    def shows_cursor(self) -> bool:
        """Tell whether the cursor is visible."""
        return not self._screen.cursor.hidden

    def wait(self) -> int:
        """Wait for the end of the program, and for all that it has written."""
        code = self.process.wait(30.0)
        self._reader.join(30.0)
        return code

    def close(self) -> None:
        """End the program if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        os.close(self._ours)

    def _read(self) -> None:
        try:
            while written := os.read(self._ours, 65536):
                self._stream.feed(written)
        except OSError:  # the program has ended
            return


@contextmanager
def running_in_terminal(code: str, *arguments: str) -> Iterator[Terminal]:
    """Run a program for as long as the block does."""
    terminal = Terminal(code, *arguments)
    try:
        yield terminal
    finally:
        terminal.close()
