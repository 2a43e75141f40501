"""The life of a worker process: it gets its order, registers, runs its loop and leaves."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from dataclasses import replace
from typing import Any

import loguru
from loguru import logger

from rushtyped.channel import Channel
from rushtyped.errors import (
    BudgetSpentError,
    RushTypedError,
    UntrustedLoopError,
    WorkerStoppedError,
)
from rushtyped.heartbeat.holder import LEASES
from rushtyped.keys import NetworkKeys, new_worker_id
from rushtyped.launch.order import Order
from rushtyped.lease_store import LeaseStore
from rushtyped.log_store import LogStore
from rushtyped.logs import LogSink, capture_logs
from rushtyped.loops import Loop, unpack_loop
from rushtyped.models import Condition
from rushtyped.plan import SECRET_VARIABLE, secret
from rushtyped.printable import one_entry
from rushtyped.specialisation import specialise
from rushtyped.store import Store
from rushtyped.worker import Worker

AnyWorker = Worker[Any, Any, Any, Any]


class StopSignal:
    """SIGTERM, which lets the loop end after its current task, whenever it comes."""

    def __init__(self) -> None:
        self.received: bool = False
        self._worker: AnyWorker | None = None
        signal.signal(signal.SIGTERM, self._receive)
        self._forking = threading.local()
        os.register_at_fork(
            before=self._hold_back,
            after_in_parent=self._let_through,
            after_in_child=self._leave_child_alone,
        )

    def pass_on_to(self, worker: AnyWorker) -> None:
        """Name the worker that is to stop."""
        self._worker = worker
        if self.received:
            worker.stop()

    def _leave_child_alone(self) -> None:
        """Let SIGTERM end a process that the loop forks: a pool ends its own so, and waits."""
        if signal.getsignal(signal.SIGTERM) == self._receive:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._let_through()

    def _hold_back(self) -> None:
        """Have one that comes while the loop forks wait until it is clear whom it means."""
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        self._forking.let_through = signal.SIGTERM not in blocked

    def _let_through(self) -> None:
        if self._forking.let_through:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    def _receive(self, *_: object) -> None:
        self.received = True
        if self._worker is not None:
            self._worker.stop()


def run_order(order: Order) -> int:
    """Run the ordered loop in this process; return its exit code."""
    stop = StopSignal()
    logger.remove()
    logger.add(_write_entry, diagnose=False)  # values of variables may be secret
    keys = NetworkKeys(order.network_id)
    store = Store(Channel(order.endpoint, keys.meta, order.retry_timeout), keys)
    if LeaseStore(store).is_dismissed(order.worker_id):
        return 0
    order = _with_free_id(order, store)
    options = order.options
    sink = LogSink(
        LogStore(store),
        order.worker_id,
        buffer_size=options.log_buffer_size,
        limit=options.log_limit,
    )
    captured = capture_logs(sink, options.log_levels)
    try:
        return _run(order, store, stop)
    finally:
        captured.close()


def _write_entry(entry: loguru.Message) -> None:
    """Write an entry of the log so that no text in it passes for another one."""
    sys.stderr.write(f"{one_entry(entry.removesuffix(chr(10)))}\n")
    sys.stderr.flush()


def _with_free_id(order: Order, store: Store) -> Order:
    """Take another id where an engine starts a worker again that it had lost."""
    if order.worker_id in store.registered()[0]:
        return replace(order, worker_id=new_worker_id())
    return order


def _run(order: Order, store: Store, stop: StopSignal) -> int:
    if stop.received:
        return 0
    try:
        worker, loop = _prepare(order, store)
    except RushTypedError as error:
        logger.error("Worker {} cannot start: {}", order.worker_id, error)
        return 1
    except Exception:  # noqa: BLE001 - whatever a module does when it is imported
        logger.exception("Worker {} cannot start", order.worker_id)
        return 1
    stop.pass_on_to(worker)
    return 0 if run_loop(worker, loop) is None else 1


def _prepare(order: Order, store: Store) -> tuple[AnyWorker, Loop]:
    """Fetch and verify the loop, and register a worker of its models."""
    for module in order.options.imports:
        importlib.import_module(module)
    signed = store.read_loop(order.digest)
    if signed is None:
        raise UntrustedLoopError(
            f"network {order.network_id!r} holds no loop {order.digest}: it was reset since "
            "this worker was ordered, so order it again"
        )
    models, loop = unpack_loop(signed, _key(order), digest=order.digest)
    worker_type: Any = specialise(Worker, models)
    worker = worker_type(
        order.network_id,
        redis=order.endpoint,
        worker_id=order.worker_id,
        heartbeat_period=order.options.heartbeat_period,
        heartbeat_expire=order.options.heartbeat_expire,
        retry_timeout=order.retry_timeout,
    )
    return worker, loop


def _key(order: Order) -> bytes:
    """Return what the loop has to be signed with."""
    key = order.secret or secret()
    if not key:
        raise UntrustedLoopError(
            f"{SECRET_VARIABLE} is not set where worker {order.worker_id!r} was started: set it to "
            "the same text as for the manager, whose loop is not run otherwise"
        )
    return key.encode()


def run_alone(order: Order, supervisor: int | None) -> int:
    """Run the ordered loop in this process, which has nobody else to hold its lease.

    With a pipe, the worker is killed when the other end of that has gone.
    """
    LEASES.give_process_to_worker(supervisor)
    return run_order(order)


def run_loop(worker: AnyWorker, loop: Loop) -> BaseException | None:
    """Run a loop to its end and leave the network; return what it has failed with.

    A loop that raises fails its running tasks with the exception. The errors that tell of a
    spent budget or a stop are a normal end.
    """
    failure: BaseException | None = None
    try:
        loop(worker)
    except (BudgetSpentError, WorkerStoppedError) as end:
        logger.trace("Worker {} ends: {}", worker.worker_id, end)
    except SystemExit as end:
        if end.code:
            failure = end
    except BaseException as error:  # noqa: BLE001 - whatever ends a loop is recorded
        logger.exception("The loop of worker {} failed", worker.worker_id)
        failure = error
    if failure is None:
        worker.set_terminated()
    else:
        condition = Condition.from_exception(failure)
        worker.leave(condition, _reason(condition))
    return failure


def _reason(condition: Condition) -> str:
    if condition.message == condition.type:
        return condition.type
    return f"{condition.type}: {condition.message}"
