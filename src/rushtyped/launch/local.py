"""Worker processes on this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rushtyped.errors import InvalidArgumentError
from rushtyped.launch.running import Order, send_order

_TAIL_BYTES = 2000


@dataclass(frozen=True, slots=True)
class LocalWorker:
    """A worker process, and where its messages go."""

    worker_id: str
    process: subprocess.Popen[bytes]
    messages: IO[bytes]

    @property
    def is_alive(self) -> bool:
        """Whether the process lives."""
        return self.process.poll() is None

    @property
    def ending(self) -> str:
        """Say how the process ended."""
        code = self.process.poll()
        if code is None:
            return "it still runs"
        if code >= 0:
            return f"exit code {code}"
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
        return f"signal {-code}"

    def wait(self, seconds: float) -> None:
        """Wait until the process has ended, but no longer than this."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, seconds))

    def kill(self) -> None:
        """End the process at once, and wait until it has gone."""
        self.process.kill()
        self.process.wait()

    def last_messages(self) -> str:
        """Read the end of what the process wrote to standard error."""
        with contextlib.suppress(OSError, ValueError):
            size = self.messages.seek(0, 2)
            self.messages.seek(max(0, size - _TAIL_BYTES))
            return self.messages.read().decode(errors="replace").strip()
        return ""


def n_cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_log_directory(name: str, directory: str | Path | None) -> Path | None:
    """Return a directory for logs, made where it is missing; None passes."""
    if directory is None:
        return None
    try:
        path = Path(directory)
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, TypeError) as error:
        raise InvalidArgumentError(
            f"{name} must be a directory, or the path of one that can be made, but is "
            f"{str(directory)!r}: {error}"
        ) from error
    return path


def start_local_worker(
    order: Order, *, message_log: Path | None, output_log: Path | None
) -> LocalWorker:
    """Start a process and hand it its order by standard input.

    Standard error and output are appended to files, so that a talkative worker never blocks.
    """
    messages = _open_log(message_log, f"message_{order.worker_id}.log")
    with contextlib.ExitStack() as stack:
        output: IO[bytes] | int = subprocess.DEVNULL
        if output_log is not None:
            output = stack.enter_context(_open_log(output_log, f"output_{order.worker_id}.log"))
        process = subprocess.Popen(
            [sys.executable, "-m", "rushtyped", "worker"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=messages,
            start_new_session=True,  # Ctrl-C in the manager's terminal is the manager's to handle
        )
    with contextlib.suppress(BrokenPipeError):  # it has died: its exit code will tell
        send_order(order, _input_of(process))
    return LocalWorker(order.worker_id, process, messages)


class LocalWorkers:
    """The worker processes that one manager has started."""

    def __init__(self) -> None:
        self._workers: dict[str, LocalWorker] = {}
        self.ever_started: set[str] = set()
        _all_workers.add(self)

    def add(self, worker: LocalWorker) -> None:
        """Take a worker in."""
        self._workers[worker.worker_id] = worker
        self.ever_started.add(worker.worker_id)

    def __iter__(self) -> Iterator[LocalWorker]:
        return iter(list(self._workers.values()))

    def __contains__(self, worker_id: str) -> bool:
        return worker_id in self._workers

    def __getitem__(self, worker_id: str) -> LocalWorker:
        return self._workers[worker_id]

    def dead(self) -> list[LocalWorker]:
        """List the workers whose process has ended."""
        return [worker for worker in self if not worker.is_alive]

    def forget(self, worker: LocalWorker) -> None:
        """Let go of a worker whose end has been seen to, and of its pipe and messages."""
        del self._workers[worker.worker_id]
        with contextlib.suppress(OSError):
            _input_of(worker.process).close()
        worker.messages.close()

    def disown(self) -> None:
        """Let go of all workers, as a child of fork has to: they are its parent's."""
        for worker in self:
            self.forget(worker)


_all_workers: weakref.WeakSet[LocalWorkers] = weakref.WeakSet()


def _disown_all() -> None:
    """Keep no pipe open whose end tells a worker that its manager is gone."""
    for workers in list(_all_workers):
        workers.disown()


os.register_at_fork(after_in_child=_disown_all)


def _open_log(directory: Path | None, name: str) -> IO[bytes]:
    if directory is None:
        return tempfile.TemporaryFile()
    return (directory / name).open("a+b")


def _input_of(process: subprocess.Popen[bytes]) -> IO[bytes]:
    if process.stdin is None:
        raise InvalidArgumentError("the process was started without a pipe to its standard input")
    return process.stdin
