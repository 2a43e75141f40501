"""Use the embedded server until told to stop, so that it runs on: what `server start` leaves.

`rushtyped.cli.server` runs this file as a detached script, with nothing but the standard library.
It locks `users.lock` as every user does, and `hold.lock`, which holds its process id, alone.
"""

# pathlib would add a tenth to the memory that this takes.
# ruff: noqa: PTH116, PTH118
from __future__ import annotations

import fcntl
import os
import select
import signal
import sys

CHECK_PERIOD = 2.0  # seconds
STOPS = (signal.SIGTERM, signal.SIGINT)


def main(directory: str) -> int:
    """Hold the locks in the background until a signal comes or the directory is gone."""
    stopped = _stops()
    users = os.path.join(directory, "users.lock")
    use = os.open(users, os.O_RDWR)
    hold = os.open(os.path.join(directory, "hold.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:  # another process was faster
        return 0
    fcntl.flock(use, fcntl.LOCK_SH)
    os.ftruncate(hold, 0)
    if pid := os.fork():
        os.pwrite(hold, str(pid).encode(), 0)
        os._exit(0)  # an orphan is reaped by init, not by the process that started it
    while _is_file(use, users):
        if select.select([stopped], [], [], CHECK_PERIOD)[0]:
            break
    return 0


def _stops() -> int:
    """Return a descriptor that can be read once a signal has come that ends this."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for number in STOPS:
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(writer)
    return reader


def _is_file(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
