"""Who runs and who uses the embedded server, as its locks and the processes tell."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import NamedTuple

import psutil

HOLD = Path(__file__).with_name("hold.py")
HOLD_LOCK = "hold.lock"


class User(NamedTuple):
    """A process that uses the embedded server."""

    pid: int
    name: str
    """Beginning of its command line."""


def is_running(directory: Path) -> bool:
    """Whether a server is kept in this directory; it is neither started nor used."""
    return _is_locked(directory / "keeper.lock")


def holding_process(directory: Path) -> psutil.Process | None:
    """Find the process of `server start`; None where the server ends with its last user."""
    lock = directory / HOLD_LOCK
    if not _is_locked(lock):
        return None
    try:
        return psutil.Process(int(lock.read_text()))
    except (OSError, ValueError, psutil.NoSuchProcess):  # it is just ending
        return None


def users_of(directory: Path) -> list[User]:
    """List the processes of this user that use the server, but this one and the keeper."""
    lock = os.path.realpath(directory / "users.lock")
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            uses = any(os.path.realpath(file.path) == lock for file in process.open_files())
        except (psutil.Error, OSError):  # another user's, or it has ended
            continue
        if uses and process.pid != os.getpid() and not _keeps(words):
            found.append(User(process.pid, " ".join(words)))
    return found


def _keeps(words: list[str]) -> bool:
    """Whether a command line is that of a keeper or of the process of `server start`."""
    return any(word.endswith(("/rushtyped/keeper.py", str(HOLD))) for word in words[:4])


def _is_locked(path: Path) -> bool:
    """Whether a process holds a lock alone."""
    try:
        lock = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
