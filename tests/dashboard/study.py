"""A network with tasks of all states, columns of all kinds, and markup wherever text may stand."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from loguru import logger
from pydantic import AwareDatetime, BaseModel

from rushtyped import AnyExtra, Network, Task, Worker, Xs, Ys

SCRIPT = "<script>window.hacked = 1; alert(1)</script>"
IMAGE = '"><img src=x onerror="window.hacked = 1">'
TEMPLATE = "{{7*7}} ${7*7} [[7*7]]"
MARKUP = f"{SCRIPT}{IMAGE}{TEMPLATE}"
HUGE = 2**60
ODD_NAME = 'a.b[0]: "it\'s"\\<b>'

N_FINISHED, N_FAILED, N_QUEUED, N_RUNNING = 40, 6, 3, 2


class Place(BaseModel):
    """A nested model."""

    name: str
    position: tuple[float, float]
    mark: bytes = b"\xff"


class Params(Xs):
    """Of each kind of column one."""

    x: float
    n: int
    kernel: Literal["linear", "radial", "<b>bold</b>"]
    is_big: bool
    note: str
    day: date
    moment: AwareDatetime
    pause: timedelta
    blob: bytes
    weights: list[float]
    place: Place
    maybe: float | None = None


class Scores(Ys):
    """Two numbers and a text."""

    loss: float
    accuracy: float
    remark: str


StudyNetwork = Network[Params, Scores]
StudyWorker = Worker[Params, Scores]


def params(i: int) -> Params:
    """Make the i-th point."""
    return Params(
        x=math.sin(i),
        n=HUGE + i if i % 10 == 0 else i,
        kernel=("linear", "radial", "<b>bold</b>")[i % 3],
        is_big=i > 20,
        note=f"{i} {MARKUP}",
        day=date(2026, 1, 1) + timedelta(days=i),
        moment=datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(hours=i),
        pause=timedelta(seconds=i),
        blob=bytes([i % 256]) * 40,
        weights=[float(k) for k in range(i % 40)],
        place=Place(name=MARKUP, position=(float(i), math.nan)),
        maybe=None if i % 2 else i / 2,
    )


def scores(i: int) -> Scores:
    """Score the i-th point; some scores are no finite numbers."""
    loss = {7: math.nan, 8: math.inf, 9: -math.inf}.get(i, 1.0 + (i - 20) ** 2 / 100)
    return Scores(loss=loss, accuracy=i / N_FINISHED, remark=MARKUP)


def odd_extra(i: int) -> AnyExtra:
    """Make free-form values under a name that every language has its trouble with."""
    return AnyExtra.model_validate({ODD_NAME: float(i), "tag": MARKUP})


def fail_loudly(worker: Worker[Params, Scores]) -> None:
    """Log markup, and fail with it."""
    logger.info("Starting {}", MARKUP)
    logger.warning("A warning with {}", MARKUP)
    task = worker.running_task(params(100))
    with task:
        raise ValueError(MARKUP)


def search(worker: Worker[Params, Scores]) -> None:
    """Evaluate points of a line until told to stop, hundreds a second at the most."""
    rng = random.Random(0)
    i = 0
    while not worker.terminated:
        i += 1
        with worker.running_task(params(i)) as task:
            worker.pop_task(timeout=rng.uniform(0.002, 0.02))
            task.finish(scores(i))


@contextmanager
def study(url: str, network_id: str) -> Iterator[StudyNetwork]:
    """Fill a network; as long as the block lasts, two of its tasks run."""
    with StudyNetwork(network_id, redis=url, max_tasks=1000, max_seconds=3600) as network:
        network.start_local_workers(fail_loudly, n_workers=1, log_levels={"": "INFO"})
        worker = StudyWorker(network_id, redis=url, worker_id="worker-1")
        for i in range(1, N_FINISHED + 1):
            settle(worker.running_task(params(i), xs_extra=odd_extra(i)), i)
        for i in range(N_FAILED - 1):
            task = worker.running_task(params(i), xs_extra={"tag": i})  # text elsewhere
            task.fail(f"diverged {i} {MARKUP}")
        network.push_tasks([params(i) for i in range(N_QUEUED)])
        worker.push_running_tasks([params(i) for i in range(N_RUNNING)])
        network.wait_for_workers(2)
        while network.n_failed_tasks < N_FAILED or network.n_running_workers > 1:
            network.wait_for_change(timeout=0.2)
            network.detect_lost_workers()
        yield network
        worker.set_terminated()


def settle(task: Task[Params, Scores], i: int) -> None:
    """Finish a task with its score."""
    task.finish(scores(i), ys_extra={"seconds": 0.5})
