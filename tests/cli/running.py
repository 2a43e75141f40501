"""The command line as its users run it: processes, in a pipe or in a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import pyte

COMMAND = (sys.executable, "-m", "rushtyped")
ROWS, COLUMNS = 40, 120
_ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}
}


def rushtyped(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class Terminal:
    """A command in a terminal, and what that shows."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={**_ENVIRONMENT, "TERM": "xterm-256color", **environment},
        )
        os.close(theirs)
        self.raw = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    @property
    def text(self) -> str:
        """What can be read on the screen."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def interrupt(self) -> None:
        """Do what Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)

    def wait_until(self, predicate: Callable[[str], object], *, description: str) -> None:
        """Read on until the screen shows what is waited for."""
        deadline = time.monotonic() + 30.0
        while not predicate(self.text):
            if time.monotonic() > deadline or not self._read():
                raise AssertionError(f"not seen: {description}\n{self.text}")

    def wait(self) -> int:
        """Read to the end; return the exit code."""
        while self._read():
            pass
        return self._process.wait(30)

    def _read(self) -> bool:
        select.select([self._ours], [], [], 30.0)
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # the command has ended
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)
