"""The files that the standard error and output of worker processes are appended to."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import IO

from rushtyped.errors import InvalidArgumentError
from rushtyped.launch.order import Order
from rushtyped.printable import printable_lines

_TAIL_BYTES = 2000


def open_messages(order: Order) -> IO[bytes]:
    """Open the file that takes a worker's standard error: a temporary one where none is named."""
    directory = order.options.message_log
    if directory is None:
        return tempfile.TemporaryFile()
    return _open(directory, f"message_{order.worker_id}.log")


def open_output(order: Order) -> IO[bytes]:
    """Open the file that takes a worker's standard output: none is kept where none is named."""
    directory = order.options.output_log
    if directory is None:
        return Path(os.devnull).open("wb")
    return _open(directory, f"output_{order.worker_id}.log")


def tail(messages: IO[bytes]) -> str:
    """Read the end of what a worker has written."""
    with contextlib.suppress(OSError, ValueError):
        size = messages.seek(0, 2)
        messages.seek(max(0, size - _TAIL_BYTES))
        return printable_lines(messages.read().decode(errors="replace").strip())
    return ""


def _open(directory: str, name: str) -> IO[bytes]:
    """Open a file to be appended to; what is there stays."""
    try:
        Path(directory).mkdir(parents=True, exist_ok=True)
        return Path(directory, name).open("a+b")
    except OSError as error:
        raise InvalidArgumentError(
            f"the log file {name!r} cannot be written in {directory!r}: {error}. Choose another "
            "directory as message_log or output_log"
        ) from error
