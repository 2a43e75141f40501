"""The life of a worker process: it gets its order, registers, runs its loop and leaves."""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import signal
import struct
import sys
import threading
from dataclasses import dataclass
from typing import IO, Any

from loguru import logger

from rushtyped.channel import Channel
from rushtyped.connect import Endpoint
from rushtyped.errors import (
    BudgetSpentError,
    UntrustedLoopError,
    WorkerStartError,
    WorkerStoppedError,
)
from rushtyped.keys import NetworkKeys
from rushtyped.loops import Loop, unpack_loop
from rushtyped.models import Condition
from rushtyped.specialisation import specialise
from rushtyped.store import Store
from rushtyped.worker import Worker

_LENGTH = struct.Struct(">Q")
_ORPHANED = Condition(type="ManagerLost", message="The manager of this worker has died")

AnyWorker = Worker[Any, Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """What a manager tells a worker process through its standard input, and nobody else."""

    network_id: str
    worker_id: str
    endpoint: Endpoint
    retry_timeout: float
    digest: str
    secret: bytes
    imports: tuple[str, ...]
    supervise: bool


def send_order(order: Order, stream: IO[bytes]) -> None:
    """Write an order; the path to import from goes first, since the order may need it."""
    for part in (pickle.dumps(sys.path), pickle.dumps(order)):
        stream.write(_LENGTH.pack(len(part)) + part)
    stream.flush()


def receive_order(order_input: int) -> Order:
    """Read an order from a file descriptor, and take over the path to import from."""
    known = set(sys.path)
    sys.path.extend(path for path in _receive(order_input) if path not in known)
    order: Order = _receive(order_input)
    return order


def _receive(order_input: int) -> Any:
    (length,) = _LENGTH.unpack(_read(order_input, _LENGTH.size))
    return pickle.loads(_read(order_input, length))  # noqa: S301 - its own manager wrote it


def _read(order_input: int, length: int) -> bytes:
    """Read without a buffer, which a thread that waits for the end would hold at exit."""
    parts = b""
    while len(parts) < length:
        part = os.read(order_input, length - len(parts))
        if not part:
            raise WorkerStartError("the order of this worker ended early: its manager has died")
        parts += part
    return parts


def run_order(order: Order, order_input: int) -> int:
    """Run the ordered loop in this process; return its exit code."""
    logger.remove()
    logger.add(sys.stderr, diagnose=False)  # values of variables may be secret
    for module in order.imports:
        importlib.import_module(module)
    worker, loop = _prepare(order)
    with contextlib.suppress(ValueError):  # not in the main thread: whoever is, handles signals
        signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    if order.supervise:
        watch = threading.Thread(target=_die_with_manager, args=(worker, order_input), daemon=True)
        watch.start()
    return 0 if run_loop(worker, loop) else 1


def _prepare(order: Order) -> tuple[AnyWorker, Loop]:
    """Fetch and verify the loop, and register a worker of its models."""
    keys = NetworkKeys(order.network_id)
    channel = Channel(order.endpoint, keys.meta, order.retry_timeout)
    signed = Store(channel, keys).read_loop(order.digest)
    channel.close()
    if signed is None:
        raise UntrustedLoopError(
            f"network {order.network_id!r} holds no loop {order.digest}: it was reset since "
            "this worker was ordered, so order it again"
        )
    models, loop = unpack_loop(signed, order.secret)
    worker_type: Any = specialise(Worker, models)
    worker = worker_type(
        order.network_id,
        redis=order.endpoint,
        worker_id=order.worker_id,
        retry_timeout=order.retry_timeout,
    )
    return worker, loop


def run_loop(worker: AnyWorker, loop: Loop) -> bool:
    """Run a loop to its end and leave the network; True where it ended as it should.

    A loop that raises fails its running tasks with the exception. The errors that tell of a
    spent budget or a stop are a normal end.
    """
    condition: Condition | None = None
    try:
        loop(worker)
    except (BudgetSpentError, WorkerStoppedError) as end:
        logger.trace("Worker {} ends: {}", worker.worker_id, end)
    except SystemExit as end:
        if end.code:
            condition = Condition.from_exception(end)
    except BaseException as error:  # noqa: BLE001 - whatever ends a loop is recorded
        logger.exception("The loop of worker {} failed", worker.worker_id)
        condition = Condition.from_exception(error)
    if condition is None:
        worker.set_terminated()
    else:
        worker.leave(condition, _reason(condition))
    return condition is None


def _reason(condition: Condition) -> str:
    if condition.message == condition.type:
        return condition.type
    return f"{condition.type}: {condition.message}"


def _die_with_manager(worker: AnyWorker, order_input: int) -> None:
    """Wait until the manager's end of the pipe closes, which a kill does too; then end at once."""
    while os.read(order_input, 1):
        pass
    try:
        worker.leave(_ORPHANED, _ORPHANED.message)
    finally:
        os._exit(1)
