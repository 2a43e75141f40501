"""Worker loops that write down each result that they were told is stored."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

from rushtyped.task import Task
from tests.models import Params, ParamWorker, Scores

SUFFIX = ".results"


def search_and_note(worker: ParamWorker, *, directory: str) -> None:
    """Evaluate points of the worker's own."""
    _finish(worker, _own(worker), directory)


def serve_and_note(worker: ParamWorker, *, directory: str) -> None:
    """Evaluate the points of the queue, and wait for more."""
    _finish(worker, _queued(worker), directory)


def read_notes(directory: Path) -> dict[str, dict[str, float]]:
    """Read by the task's key which workers were told of which result."""
    notes: dict[str, dict[str, float]] = {}
    for path in directory.glob(f"*{SUFFIX}"):
        for line in path.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                key, y = line.split()
                notes.setdefault(key, {})[path.name.removesuffix(SUFFIX)] = float(y)
    return notes


def _own(worker: ParamWorker) -> Iterator[Task[Params, Scores]]:
    while not worker.terminated:
        yield worker.running_task(Params(x1=random.random(), x2=0.0))


def _queued(worker: ParamWorker) -> Iterator[Task[Params, Scores]]:
    while not worker.terminated:
        task = worker.pop_task(timeout=0.2)
        if task is not None:
            yield task


def _finish(worker: ParamWorker, tasks: Iterator[Task[Params, Scores]], directory: str) -> None:
    path = Path(directory, worker.worker_id + SUFFIX)
    with path.open("w", buffering=1) as notes:
        for task in tasks:
            time.sleep(0.001)
            y = random.random()
            if task.finish(Scores(y=y)):
                notes.write(f"{task.key} {y!r}\n")
