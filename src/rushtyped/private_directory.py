"""A directory that its user alone can read and write, whoever else has an account here."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_OTHERS = 0o077
_OTHERS_MAY_WRITE = 0o022


def make_private(directory: Path, *, known_by: str) -> Path:
    """Make the directory, or check that it is the user's and close it to others; return its path.

    One that is open to others, and holds anything, is closed only where it holds `known_by` too.
    Raise ValueError with what is wrong where others may have put something in its place or into
    it, and the OSError of what cannot be made.
    """
    for missing in reversed([each for each in directory.parents if not each.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    _check_parents(directory)
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        _check_owner(directory)
        _close_to_others(directory, known_by)
    return Path(os.path.realpath(directory))


def _check_parents(directory: Path) -> None:
    for parent in Path(os.path.realpath(directory)).parents:
        if parent.stat().st_mode & (stat.S_IWOTH | stat.S_ISVTX) == stat.S_IWOTH:
            raise ValueError(f"lies in {str(parent)!r}, in which all users may replace it")


def _check_owner(directory: Path) -> None:
    for status in (directory.lstat(), directory.stat()):
        if status.st_uid != os.geteuid():
            raise ValueError(f"belongs to user {status.st_uid}, not to {os.geteuid()}")
    if not directory.is_dir():
        raise ValueError("is not a directory")


def _close_to_others(directory: Path, known_by: str) -> None:
    mode = stat.S_IMODE(directory.stat().st_mode)
    if not mode & _OTHERS:
        return
    if any(directory.iterdir()) and not (directory / known_by).exists():
        raise ValueError(f"holds other files and has mode {mode:03o}, expected an empty one or 700")
    directory.chmod(0o700)
    if mode & _OTHERS_MAY_WRITE:
        _check_entries(directory, mode)


def _check_entries(directory: Path, mode: int) -> None:
    """Refuse what others may have put there: it would be read or written as the user's own."""
    for entry in directory.iterdir():
        status = entry.lstat()
        linked = stat.S_ISREG(status.st_mode) and status.st_nlink > 1
        if status.st_uid != os.geteuid() or stat.S_ISLNK(status.st_mode) or linked:
            raise ValueError(
                f"had mode {mode:03o} and holds {entry.name!r}, which others may have put there"
            )
