"""A process that forks worker processes as its manager orders, with all imports made once.

It is the parent of the workers, tells its manager of their ends, and kills the supervised ones when
the manager has gone. It has one thread and no connection, so that forking it is safe.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import selectors
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from rushtyped.errors import WorkerStartError
from rushtyped.heartbeat.holder import LEASES, LeaseHolder
from rushtyped.heartbeat.lease import Lease
from rushtyped.launch.order import Order, Surroundings
from rushtyped.models import Condition
from rushtyped.pipes import Frames, frame

_CHUNK = 1 << 16
_DESCRIPTORS = 2  # standard error and output of a worker
_NOT_STARTED = -1
_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux
_ORPHANED = Condition(type="ManagerLost", message="The manager of this worker has died")


@dataclass(frozen=True, slots=True)
class Birth:
    """A worker that the nursery is to start."""

    order: Order
    surroundings: Surroundings


@dataclass(frozen=True, slots=True)
class Started:
    """A worker process was started, or could not be."""

    worker_id: str
    pid: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """A worker process has ended, with this exit code, or minus the signal that killed it."""

    worker_id: str
    code: int


class Nursery:
    """The workers of one manager, started and reaped."""

    def __init__(self, manager: socket.socket) -> None:
        self._manager = manager
        self._frames = Frames()
        self._descriptors: list[int] = []
        self._children: dict[int, Order] = {}
        self._leases: dict[int, str] = {}
        self._holder: LeaseHolder | None = None
        self._wake, wake = os.pipe()
        os.set_blocking(wake, False)
        self._wake_writer = wake
        self._pid = os.getpid()

    def run(self) -> Order | None:
        """Serve the manager until it has gone; in a forked worker, return its order."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._manager, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in selector.select()]
                if self._wake in ready:
                    os.read(self._wake, _CHUNK)
                    self._reap()
                if self._manager in ready:
                    births = self._receive()
                    if births is None:
                        self._leave()
                        return None
                    for birth in births:
                        if self._bear(birth):
                            return birth.order

    def _receive(self) -> list[Birth] | None:
        """Read what the manager has sent; None where it has gone."""
        try:
            received, descriptors, _, _ = socket.recv_fds(self._manager, _CHUNK, _DESCRIPTORS)
        except ConnectionError:
            return None
        self._descriptors += descriptors
        return self._frames.feed(received) if received else None

    def _bear(self, birth: Birth) -> bool:
        """Fork a worker; True in the worker itself."""
        order = birth.order
        messages, output = self._descriptors[:_DESCRIPTORS]
        del self._descriptors[:_DESCRIPTORS]
        gc.freeze()  # so that the workers share what is in memory now
        try:
            pid = os.fork()
        except OSError as error:
            pid, problem = _NOT_STARTED, str(error)
        else:
            problem = ""
        if pid == 0:
            self._become_worker(birth, messages, output)
            return True
        os.close(messages)
        os.close(output)
        if pid != _NOT_STARTED:
            self._children[pid] = order
            self._hold_lease(pid, order)
        self._tell(Started(order.worker_id, pid, problem))
        return False

    def _become_worker(self, birth: Birth, messages: int, output: int) -> None:
        """Let go of all that is the nursery's."""
        if birth.order.supervise:
            self._die_with_nursery()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.setsid()  # Ctrl-C in the manager's terminal is the manager's to handle
        self._manager.close()
        for descriptor in (self._wake, self._wake_writer):
            os.close(descriptor)
        if self._holder is not None:
            self._holder.close()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (output, 1), (messages, 2)):
            os.dup2(source, target)
            os.close(source)
        birth.surroundings.take_over()
        LEASES.leave_to_parent(birth.order.worker_id)

    def _die_with_nursery(self) -> None:
        """Have this process killed with its parent, even if that takes its lease process along."""
        library = ctypes.CDLL(None)
        if hasattr(library, "prctl"):
            library.prctl(_SET_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0)
            if os.getppid() != self._pid:  # it died before that
                os.kill(os.getpid(), signal.SIGKILL)

    def _hold_lease(self, pid: int, order: Order) -> None:
        if self._holder is None:
            self._holder = LeaseHolder(order.endpoint, orphaned=_ORPHANED)
        lease = Lease(
            order.network_id,
            order.worker_id,
            pid,
            order.options.heartbeat_period,
            order.options.heartbeat_expire,
            killable=True,
            supervised=order.supervise,
        )
        self._leases[pid] = self._holder.hold(lease)

    def _reap(self) -> None:
        for pid, status in _ended_children():
            order = self._children.pop(pid, None)
            if order is not None:
                self._tell(Ended(order.worker_id, os.waitstatus_to_exitcode(status)))
                self._drop_lease(pid)
            elif self._holder is not None and pid == self._holder.pid:
                self._holder.revive()

    def _drop_lease(self, pid: int) -> None:
        token = self._leases.pop(pid, None)
        if self._holder is not None and token is not None:
            self._holder.drop(token)

    def _leave(self) -> None:
        """Kill the supervised workers, and have their tasks settled: the manager has gone."""
        if self._holder is not None:
            self._holder.revive()
            self._holder.settle_orphans()
        for pid, order in self._children.items():
            if order.supervise:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _tell(self, record: Started | Ended) -> None:
        with contextlib.suppress(OSError):  # the manager has gone: the next read will tell
            self._manager.sendall(frame(record))


def _ended_children() -> Iterator[tuple[int, int]]:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            yield pid, status


def serve_manager(descriptor: int) -> Order | None:
    """Be a nursery for the manager at the other end of a socket; return in each worker."""
    try:
        manager = socket.socket(fileno=os.dup(descriptor))
    except OSError as error:
        raise WorkerStartError(
            "standard input must be a socket of a manager: this command is for rushtyped itself"
        ) from error
    os.close(descriptor)
    os.open(os.devnull, os.O_RDONLY)  # takes the lowest number, that of standard input
    return Nursery(manager).run()
