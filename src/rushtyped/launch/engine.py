"""Workers on an engine that takes calls and gives futures: a cluster, or a pool of processes.

An engine's process starts the worker as a process of its own. So a worker can be killed without the
engine's other calls, a loop that holds the GIL does not make the engine miss its own heartbeats,
and a crash of the loop does not break the engine's pool. The worker dies with the engine's process.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, Protocol, runtime_checkable

from rushtyped.errors import InvalidTypeError, WorkerEndedError, WorkerStartError
from rushtyped.launch.log_files import open_messages, open_output, tail
from rushtyped.launch.order import Order, Surroundings, ending_of
from rushtyped.pipes import frame
from rushtyped.printable import printable_lines


class AnyFuture(Protocol):
    """What a future has to offer, as those of `concurrent.futures` do."""

    def done(self) -> bool:
        """Whether the call has ended, in whatever way."""
        ...

    def cancel(self) -> object:
        """Try to take the call back."""
        ...


@runtime_checkable
class Executor(Protocol):
    """What an engine has to offer, as the executors of `concurrent.futures` do."""

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> AnyFuture:
        """Have a function called somewhere; return the future of its result."""
        ...


def check_executor(executor: object) -> Executor:
    """Return an executor, or raise InvalidTypeError."""
    if isinstance(executor, type) or not isinstance(executor, Executor):
        raise InvalidTypeError(
            "executor must be an object with submit(), as those of concurrent.futures are, but is "
            f"{executor!r} ({type(executor).__name__})"
        )
    return executor


class EngineWorker:
    """A worker that an engine was asked to run, and the future of that."""

    def __init__(self, worker_id: str, future: AnyFuture) -> None:
        self.worker_id = worker_id
        self.future = future
        self._is_cancelled = False

    @property
    def has_ended(self) -> bool:
        """Whether the engine is through with it, in whatever way."""
        return bool(self.future.done())

    def cancel(self) -> None:
        """Take it back where it has not begun."""
        self._is_cancelled = True
        with contextlib.suppress(Exception):  # an engine may not be able to cancel
            self.future.cancel()

    @property
    def problem(self) -> str:
        """Say what the engine says of its end; empty where it ended well, or still runs."""
        future: Any = self.future
        if not self.has_ended:
            return ""
        if self._is_cancelled:  # an engine may wait for the error of a call that never made one
            return "its future was cancelled"
        try:
            if hasattr(future, "cancelled") and future.cancelled():
                return "its future was cancelled"
            error = future.exception()
        except BaseException as raised:  # noqa: BLE001 - some engines raise what others return
            error = raised
        return "" if error is None else f"{type(error).__name__}: {printable_lines(error)}"


class EngineWorkers:
    """The workers that one manager has started on engines."""

    def __init__(self) -> None:
        self._workers: dict[str, EngineWorker] = {}
        self.ever_started: set[str] = set()

    def start(self, executor: Executor, orders: Sequence[Order]) -> None:
        """Submit a call for each order.

        Raises WorkerStartError where the engine refuses one; those before it stay.
        """
        for n, order in enumerate(orders):
            try:
                future = _submit(executor, order)
            except Exception as error:
                raise WorkerStartError(
                    f"the executor took {n} of {len(orders)} workers, then refused: "
                    f"{type(error).__name__}: {error}. stop_workers() stops those that it took"
                ) from error
            self._workers[order.worker_id] = EngineWorker(order.worker_id, future)
            self.ever_started.add(order.worker_id)

    def __iter__(self) -> Iterator[EngineWorker]:
        return iter(list(self._workers.values()))

    def alive(self) -> list[EngineWorker]:
        """List the workers that run, or wait for a place on their engine."""
        return [worker for worker in self if not worker.has_ended]

    def ended(self) -> list[EngineWorker]:
        """List the workers that their engine is through with."""
        return [worker for worker in self if worker.has_ended]

    def forget(self, worker: EngineWorker) -> None:
        """Let go of a worker whose end has been seen to."""
        self._workers.pop(worker.worker_id, None)


def _submit(executor: Executor, order: Order) -> AnyFuture:
    future = executor.submit(host_worker, order, list(sys.path))
    if not (hasattr(future, "done") and hasattr(future, "cancel")):
        raise InvalidTypeError(
            "submit() must return a future, with done() and cancel(), but returned "
            f"{future!r} ({type(future).__name__})"
        )
    return future


def host_worker(order: Order, path: list[str]) -> None:
    """Run a worker as a process of its own until it has ended; what an engine calls.

    Raises WorkerEndedError, with the worker's last messages, where it ended by an error.
    """
    here = Surroundings.here()
    surroundings = Surroundings(here.directory, [*here.path, *path], here.environment)
    with open_messages(order) as messages:
        with open_output(order) as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "rushtyped", "worker", "--order-from-stdin"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=messages,
                start_new_session=True,
            )
        try:
            if process.stdin is not None:  # it stays open, since its end would end the worker
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.write(frame(surroundings) + frame(order))
                    process.stdin.flush()
            code = process.wait()
        finally:
            process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()
        if code:
            raise WorkerEndedError(_ending(order.worker_id, code, messages))


def _ending(worker_id: str, code: int, messages: IO[bytes]) -> str:
    said = tail(messages)
    ending = f"worker {worker_id!r} ended by {ending_of(code)}"
    return f"{ending}; its last messages:\n{said}" if said else ending
