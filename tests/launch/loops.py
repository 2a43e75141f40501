"""Worker loops that the tests of real processes run there."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Sequence

from loguru import logger

from tests.models import Params, ParamWorker, Scores

POINT = Params(x1=0.0, x2=0.0)


def sleep_in_task(worker: ParamWorker) -> None:
    """Start one task and sleep in it."""
    worker.running_task(POINT)
    time.sleep(3600)


def sleep_in_block(worker: ParamWorker) -> None:
    """Start one task as a block and sleep in it."""
    with worker.running_task(POINT):
        time.sleep(3600)


def sleep_unless_first(worker: ParamWorker, *, scale: float = 1.0) -> None:
    """Sleep in the very first task; evaluate all later ones."""
    while not worker.terminated:
        with worker.running_task(POINT) as task:
            if worker.tasks[0] == task.key:
                time.sleep(3600)
            task.finish(Scores(y=scale))


def finish_one(worker: ParamWorker, y: float = 1.0) -> None:
    """Evaluate one task."""
    with worker.running_task(POINT) as task:
        task.finish(Scores(y=y))


def exit_with(worker: ParamWorker, *, code: int | str | None) -> None:
    """Leave the loop by sys.exit."""
    worker.running_task(POINT)
    sys.exit(code)


def die(worker: ParamWorker) -> None:
    """End the process as a crash does."""
    worker.running_task(POINT)
    os.kill(os.getpid(), signal.SIGSEGV)


def count_seconds(worker: ParamWorker) -> None:
    """Run one task that ends when a SIGTERM has come."""
    with worker.running_task(POINT) as task:
        while not worker._stopping:
            time.sleep(0.01)
        task.finish(Scores(y=7.0))
    while not worker.terminated:
        worker.running_task(POINT)


def talk(worker: ParamWorker) -> None:
    """Write a megabyte to standard output and error, then finish a task."""
    for _ in range(1000):
        sys.stderr.write("e" * 999 + "\n")
        sys.stdout.write("o" * 999 + "\n")
    finish_one(worker)


def tell_modules(worker: ParamWorker, *, names: Sequence[str], fetch: bool) -> None:
    """Record as a condition which of some modules this process has imported."""
    if fetch:
        worker.fetch_finished_tasks()
    worker.push_failed_tasks(
        [POINT], conditions=" ".join(name for name in names if name in sys.modules) or "none"
    )


def tell_process(worker: ParamWorker) -> None:
    """Record as a condition what this process was started with."""
    arguments = " ".join(sys.orig_argv)
    secrets = [value for name, value in os.environ.items() if name.startswith("RUSHTYPED")]
    worker.push_failed_tasks([POINT], conditions=f"{arguments} {secrets}")


class Sweep:
    """A loop that is an object with a state."""

    def __init__(self, xs: Sequence[float]) -> None:
        self.xs = xs

    def __call__(self, worker: ParamWorker) -> None:
        for x in self.xs:
            with worker.running_task(Params(x1=x, x2=0.0)) as task:
                task.finish(Scores(y=x))

    def run(self, worker: ParamWorker) -> None:
        self(worker)


def log_something(worker: ParamWorker, *, n: int = 1) -> None:
    """Log through loguru and the standard library, then fail a task."""
    for i in range(n):
        logger.info("loguru says {}", i)
        logging.getLogger("some.library").warning("the library says %d", i)
        logging.getLogger("some.library").debug("nobody hears that")
    worker.push_failed_tasks([POINT])


def log_and_wait(worker: ParamWorker) -> None:
    """Log less than the buffer takes, then an error on request, then wait."""
    logger.info("held back")
    worker.pop_task(timeout=20.0)
    logger.error("sent at once")
    worker.pop_task(timeout=20.0)
    time.sleep(3600)


def end_a_child(worker: ParamWorker) -> None:
    """Fork, send SIGTERM to the child, and record how it ended."""
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    os.kill(child, signal.SIGTERM)
    _, status = os.waitpid(child, 0)
    with worker.running_task(POINT) as task:
        task.finish(Scores(y=float(os.waitstatus_to_exitcode(status))))
