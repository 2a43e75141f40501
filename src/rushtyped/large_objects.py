"""Objects too large for Redis: files in a directory that the manager and its workers share."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple, Protocol

from rushtyped.errors import InvalidArgumentError, LoopLoadError, UntrustedLoopError
from rushtyped.plan.values import check_directory


class StoredObject(NamedTuple):
    """Where an object lies, and what it must hold."""

    file: Path
    sha256: str


class Sink(Protocol):
    """What bytes can be written to."""

    def write(self, data: bytes | memoryview, /) -> int:
        """Write all of the data."""
        ...


def store_object(
    directory: str | Path, sha256: str, write: Callable[[Sink], object]
) -> StoredObject:
    """Have an object written to a file named by its SHA-256, unless it lies there already.

    `sha256` is what is expected of `write`; the name is made from what it does write. The file is
    there as a whole or not at all. Raises InvalidArgumentError where it cannot be written.
    """
    place = check_directory(directory)
    with _explained(place):
        if _holds(place / sha256, sha256):
            return StoredObject(place / sha256, sha256)
        descriptor, name = tempfile.mkstemp(prefix="partial-", dir=place)
        partial = Path(name)
        try:
            written = _write(descriptor, write)
            partial.replace(place / written)
        finally:
            partial.unlink(missing_ok=True)
    return StoredObject(place / written, written)


def read_object(stored: StoredObject, owner: str) -> bytes:
    """Read an object; `owner` says in errors what it belongs to.

    Raises LoopLoadError where the file is missing or cannot be read, UntrustedLoopError where it
    holds something else.
    """
    try:
        data = _read_regular(stored.file)
    except OSError as error:
        raise LoopLoadError(
            f"{owner} lies in the file {str(stored.file)!r}, which cannot be read here: "
            f"{error.strerror}. large_objects_path must be one directory that the manager and all "
            "workers share under the same path, and its files must stay as long as workers start"
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != stored.sha256:
        raise UntrustedLoopError(
            f"{owner} lies in the file {str(stored.file)!r}, which holds something else: expected "
            f"the SHA-256 {stored.sha256}, got {found}. It was damaged or exchanged, and was not "
            "run; start the workers anew from the manager, which writes it again"
        )
    return data


def _read_regular(file: Path) -> bytes:
    """Read a file, but no pipe or device that never ends."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(file))
        return stream.read()


class _DigestingSink:
    """Passes on what is written, and digests it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def write(self, data: bytes | memoryview, /) -> int:
        self.digest.update(data)
        return self._stream.write(data)


def _write(descriptor: int, write: Callable[[Sink], object]) -> str:
    """Write to an open file, down to the disk; return the SHA-256 of it."""
    with os.fdopen(descriptor, "wb") as stream:
        sink = _DigestingSink(stream)
        write(sink)
        stream.flush()
        os.fsync(descriptor)
    return sink.digest.hexdigest()


def _holds(file: Path, sha256: str) -> bool:
    """Whether a file is there and undamaged."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == sha256
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def _explained(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidArgumentError(
            f"a large object cannot be written to large_objects_path {str(directory)!r}: "
            f"{error.strerror}. Nothing of it was kept; make room, or choose another directory"
        ) from error
