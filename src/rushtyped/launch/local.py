"""Worker processes on this machine."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from rushtyped.errors import WorkerStartError
from rushtyped.heartbeat.holder import SECRET_VARIABLES
from rushtyped.launch.log_files import open_messages, open_output, tail
from rushtyped.launch.nursery import Birth, Ended, Started
from rushtyped.launch.order import Order, Surroundings, ending_of
from rushtyped.pipes import Frames, frame

if TYPE_CHECKING:  # workers import this module too, but watch no process
    from rushtyped.launch.watched import WatchedProcess

_CHUNK = 1 << 16
_DEATH = 5.0
"""Seconds within which a killed process is gone."""
_SPARE = 16
"""Files that starting workers takes, beside one for each."""
_NEWS = 0.05
"""Seconds for which one wait for news lasts."""


class LocalWorker:
    """A worker process, and where its messages go."""

    def __init__(self, worker_id: str, messages: IO[bytes]) -> None:
        self.worker_id = worker_id
        self.code: int | None = None
        """Exit code, or minus the signal that ended it, where that is known."""
        self.problem: str = ""
        """Why its process could not be started."""
        self.is_ordered: bool = True
        """Whether nothing has been heard of its process yet."""
        self._messages = messages
        self._process: WatchedProcess | None = None
        weakref.finalize(self, messages.close)

    def note(self, news: Started | Ended) -> None:
        """Note what is heard of the process that runs this worker."""
        self.is_ordered = False
        if isinstance(news, Ended):
            self.code = news.code
        elif news.problem:
            self.problem = news.problem
        else:
            from rushtyped.launch.watched import WatchedProcess  # noqa: PLC0415 - see above

            self._process = WatchedProcess(news.pid)

    @property
    def is_alive(self) -> bool:
        """Whether the process lives, by what is known of it without asking its parent."""
        return self.code is None and self._process is not None and self._process.is_alive

    @property
    def ending(self) -> str:
        """Say how the process ended."""
        if self.code is None:
            return "it still runs" if self.is_alive else "its process is gone"
        return ending_of(self.code)

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has gone."""
        if self._process is not None and self.code is None:
            self._process.send(number)

    def last_messages(self) -> str:
        """Read the end of what the process wrote to standard error."""
        return tail(self._messages)

    def close(self) -> None:
        """Let go of the messages."""
        self._messages.close()


class NurseryProcess:
    """The process that forks the workers of one manager; it ends with the manager."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        self._frames = Frames()
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "rushtyped.launch"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=self._messages,
                start_new_session=True,  # Ctrl-C in a terminal is the manager's to handle
                env={k: v for k, v in os.environ.items() if k not in SECRET_VARIABLES},
            )
        self._end = weakref.finalize(self, _end, self._socket, self._messages, self._process)

    def send(self, birth: Birth, descriptors: Sequence[int]) -> None:
        """Order a worker, with descriptors of what its standard error and output go to."""
        framed = frame(birth)
        try:
            sent = socket.send_fds(self._socket, [framed], list(descriptors))
            self._socket.sendall(framed[sent:])
        except OSError as error:
            raise self._failure() from error

    def receive(self, seconds: float) -> list[Started | Ended]:
        """Wait until there is news of workers, but no longer than this."""
        poll = select.poll()  # select() itself takes no descriptor above 1023
        poll.register(self._socket, select.POLLIN)
        if not poll.poll(max(0.0, seconds) * 1000):
            return []
        received = b""
        with contextlib.suppress(ConnectionError):
            received = self._socket.recv(_CHUNK)
        if not received:
            raise self._failure()
        return self._frames.feed(received)

    def close(self) -> None:
        """Let go of it, whereupon it ends."""
        self._end()

    def _failure(self) -> WorkerStartError:
        said = tail(self._messages)
        return WorkerStartError(
            "the process that starts local workers has died"
            + (f"; its last messages:\n{said}" if said else ": start workers anew")
        )


class LocalWorkers:
    """The worker processes that one manager has started."""

    def __init__(self) -> None:
        self._workers: dict[str, LocalWorker] = {}
        self._nursery: NurseryProcess | None = None
        self._lock = threading.RLock()
        self.ever_started: set[str] = set()
        _all_workers.add(self)

    def start(self, orders: Sequence[Order]) -> None:
        """Start a process for each order.

        Standard error and output are appended to files, so that a talkative worker never blocks.
        Raises WorkerStartError before anything is started where there cannot be so many files.
        """
        with self._lock, contextlib.ExitStack() as opened:
            logs = _open_all(orders, opened)
            self._hear(0.0)
            nursery = self._nursery = self._nursery or NurseryProcess()
            surroundings = Surroundings.here()
            try:
                for order, messages in zip(orders, logs, strict=True):
                    self._send(nursery, Birth(order, surroundings), messages)
                    self._note_all(nursery.receive(0.0))  # so that neither side's buffer is full
                while any(self._workers[order.worker_id].is_ordered for order in orders):
                    self._note_all(nursery.receive(_DEATH))
            except WorkerStartError:
                self.close()
                raise
            opened.pop_all()  # each is its worker's now
            self._raise_problems(orders)

    def _raise_problems(self, orders: Sequence[Order]) -> None:
        """Raise WorkerStartError where processes could not be started; the others run."""
        failed = [self._workers[order.worker_id] for order in orders]
        failed = [worker for worker in failed if worker.problem]
        for worker in failed:
            self.forget(worker)
        if failed:
            raise WorkerStartError(
                f"{len(failed)} of {len(orders)} worker processes cannot be started: "
                f"{failed[0].problem}"
            )

    def _send(self, nursery: NurseryProcess, birth: Birth, messages: IO[bytes]) -> None:
        order = birth.order
        with open_output(order) as output:
            nursery.send(birth, (messages.fileno(), output.fileno()))
        self._workers[order.worker_id] = LocalWorker(order.worker_id, messages)
        self.ever_started.add(order.worker_id)

    def __iter__(self) -> Iterator[LocalWorker]:
        return iter(list(self._workers.values()))

    def alive(self) -> list[LocalWorker]:
        """List the workers whose process lives."""
        self._hear(0.0)
        return [worker for worker in self if worker.is_alive]

    def dead(self) -> list[LocalWorker]:
        """List the workers whose process has ended, with how it ended."""
        with self._lock:  # those that are just being started in another thread do not count
            self._hear(0.0)
            ended = [worker for worker in self if not worker.is_alive]
        deadline = time.monotonic() + _DEATH
        while any(worker.code is None for worker in ended) and self._nursery is not None:
            self._hear(max(0.0, min(_NEWS, deadline - time.monotonic())))
            if time.monotonic() >= deadline:
                break
        return ended

    def wait(self, worker: LocalWorker, seconds: float) -> None:
        """Wait until a worker's process has ended, but no longer than this."""
        deadline = time.monotonic() + seconds
        while worker.code is None and time.monotonic() < deadline:
            if self._nursery is None and not worker.is_alive:
                return
            self._hear(max(0.0, min(_NEWS, deadline - time.monotonic())))

    def forget(self, worker: LocalWorker) -> None:
        """Let go of a worker whose end has been seen to."""
        self._workers.pop(worker.worker_id, None)  # another thread may have seen to it, too
        worker.close()

    def close(self) -> None:
        """Let go of the process that started the workers, which ends then."""
        with self._lock:
            nursery, self._nursery = self._nursery, None
        if nursery is not None:
            nursery.close()

    def disown(self) -> None:
        """Let go of all workers, as a child of fork has to: they are its parent's."""
        self._lock = threading.RLock()
        for worker in self:
            self.forget(worker)
        self.close()

    def _hear(self, seconds: float) -> None:
        """Take in what there is to hear of the workers."""
        with self._lock:
            if self._nursery is None:
                return
            try:
                while news := self._nursery.receive(seconds):
                    self._note_all(news)
                    seconds = 0.0
            except WorkerStartError:  # it has died: the workers' own processes tell of them now
                self.close()

    def _note_all(self, news: Sequence[Started | Ended]) -> None:
        for each in news:
            worker = self._workers.get(each.worker_id)
            if worker is not None:
                worker.note(each)


def _open_all(orders: Sequence[Order], opened: contextlib.ExitStack) -> list[IO[bytes]]:
    """Open the files that take the workers' standard error, all or none."""
    try:
        with contextlib.ExitStack() as spare:  # what starting them takes besides
            for _ in range(_SPARE):
                spare.enter_context(Path(os.devnull).open("rb"))
            return [opened.enter_context(open_messages(order)) for order in orders]
    except OSError as error:
        raise WorkerStartError(
            f"{len(orders)} worker processes need as many files for their messages: {error}. None "
            "was started: start fewer, or allow this process more open files (ulimit -n)"
        ) from error


def _end(connection: socket.socket, messages: IO[bytes], process: subprocess.Popen[bytes]) -> None:
    """Close the connection of a nursery, and wait until it and its workers have ended."""
    connection.close()
    messages.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_DEATH)


_all_workers: weakref.WeakSet[LocalWorkers] = weakref.WeakSet()


def _disown_all() -> None:
    """Keep nothing open whose end tells a nursery that its manager is gone."""
    for workers in list(_all_workers):
        workers.disown()


os.register_at_fork(after_in_child=_disown_all)


def n_cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
