"""Worker loops that the tests of engines, scripts and secrets run in processes of their own."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import sys
import time
from pathlib import Path
from urllib.parse import quote

import redis
from loguru import logger

from rushtyped import Network
from tests.launch import loops
from tests.models import Params, ParamWorker, Scores, serve


def sleep_in_first_attempt(worker: ParamWorker) -> None:
    """Sleep in a task that is tried for the first time; finish it when it is tried again."""
    for task in worker.queue(timeout=60.0):
        if task.attempt == 1:
            time.sleep(3600)
        task.finish(Scores(y=float(task.attempt)))


def touch(worker: ParamWorker, *, marker: str) -> None:
    """Leave a file behind, so that it is seen that this was run."""
    Path(marker).touch()
    serve(worker)


def manage_workers(worker: ParamWorker, *, network_id: str, url: str) -> None:
    """Be the manager of another network, with a worker process of its own."""
    with Network[Params, Scores](network_id, redis=url) as other:
        other.start_local_workers(loops.finish_one, n_workers=1)
        other.wait_until_done(timeout=20.0)
        with worker.running_task(loops.POINT) as task:
            task.finish(Scores(y=float(other.n_finished_tasks)))


def square_in_pools(worker: ParamWorker) -> None:
    """Evaluate a task in process pools of three kinds."""
    results = []
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            results += pool.map(abs, [-1.0])
    with concurrent.futures.ProcessPoolExecutor(1) as executor:
        results.append(executor.submit(abs, -1.0).result())
    with worker.running_task(loops.POINT) as task:
        task.finish(Scores(y=sum(results)))


def read_input(worker: ParamWorker) -> None:
    """Record what standard input gives."""
    worker.push_failed_tasks([loops.POINT], conditions=f"read {sys.stdin.read()!r}")


def tell_secrets(worker: ParamWorker) -> None:
    """Log and connect in vain, leave a failed task behind, and fail at the end of the next."""
    logger.info("This worker runs")
    try:
        with worker.running_task(loops.POINT):
            Network[Params, Scores]("other", redis=wrong_url(worker), retry_timeout=0.0)
    except Exception:  # noqa: BLE001 - it is logged as a user would
        logger.exception("No connection")
    worker.running_task(loops.POINT)
    while not worker.terminated and not worker.queued_tasks:
        time.sleep(0.05)
    raise ValueError("this loop fails")


def wrong_url(worker: ParamWorker) -> str:
    """Make a URL of the worker's server with the right password for a user who is not there."""
    client = worker.connector
    assert isinstance(client, redis.Redis)
    options = client.connection_pool.connection_kwargs
    return f"unix://nobody:{quote(options['password'], safe='')}@{options['path']}"


def set_secret(secret: str) -> None:
    """Give this process a secret of its own."""
    os.environ["RUSHTYPED_SECRET"] = secret


def wait_for(path: str) -> None:
    """Return once there is a file."""
    while not os.path.exists(path):  # noqa: PTH110 - a str
        time.sleep(0.01)
