"""Calls of a Worker, and of the processes that run one."""

from __future__ import annotations

import pickle

from loguru import logger

from rushtyped import Worker
from rushtyped.keys import new_token
from rushtyped.lease_store import LeaseStore
from rushtyped.log_store import LogStore
from rushtyped.logs.records import pack_note
from rushtyped.logs.sink import LogSink
from tests.faults.call import Call, read
from tests.faults.scene import NAME, NEWCOMER, Scene
from tests.models import Params, ParamWorker, Scores, points

DIGEST = "d" * 64


def make_worker(scene: Scene) -> ParamWorker:
    return Worker[Params, Scores](
        NAME, redis=scene.endpoint, worker_id=NEWCOMER, retry_timeout=scene.patience
    )


def raise_in_task(scene: Scene) -> str:
    try:
        with scene.task:
            raise ValueError("no such point")
    except ValueError as error:
        return str(error)


def write_through_sink(scene: Scene) -> None:
    """Log twice as a worker process does, and end it."""
    sink = LogSink(LogStore(scene.store), "w1", buffer_size=9)
    handler = logger.add(sink, level=0, format="", filter=lambda record: record["name"] == __name__)
    logger.info("one")
    logger.info("two")
    logger.remove(handler)


def push_log(scene: Scene) -> int:
    records = [pack_note(30, "WARNING", message) for message in ("one", "two")]
    return LogStore(scene.store).push("w1", 2, 10, records)


def settle(scene: Scene) -> bool:
    """Settle a worker; by the same token when it is done again."""
    token = scene.kept.setdefault("token", new_token())
    return scene.store.settle_worker(
        "w1", token, b"C", max_attempts=3, fail_pending=False, reason="it has gone"
    )


CALLS: dict[str, Call] = {
    "Worker()": Call(make_worker, contacts=True),
    "Worker(), from a pickle": Call(lambda s: pickle.loads(pickle.dumps(s.worker))),
    "Worker.terminated": read(lambda s: s.worker.terminated, lambda s: s.worker.terminated),
    "Worker.set_terminated": Call(lambda s: s.worker.set_terminated()),
    "Worker.leave": Call(lambda s: s.worker.leave("it has raised", "ValueError: no")),
    "Worker.push_running_tasks": Call(
        lambda s: s.worker.push_running_tasks(points(3)), gives_tasks=True
    ),
    "Worker.running_task": Call(lambda s: s.worker.running_task(points(1)[0]), gives_tasks=True),
    "Worker.running_task, with a new extra": Call(
        lambda s: s.worker.running_task(points(1)[0], xs_extra={"fresh": 1}), gives_tasks=True
    ),
    "Worker.pop_task": Call(lambda s: s.worker.pop_task(timeout=1.0), gives_tasks=True),
    "Worker.pop_task, at once": Call(lambda s: s.worker.pop_task(timeout=0.0), gives_tasks=True),
    "Worker.pop_task, from an empty queue": Call(
        lambda s: s.worker.pop_task(timeout=0.0), lambda s: s.network.empty_queue()
    ),
    "Worker.queue": Call(lambda s: next(s.worker.queue()), gives_tasks=True),
    "Worker.finish_tasks": Call(
        lambda s: s.worker.finish_tasks(s.running, [Scores(y=3.0), Scores(y=4.0)])
    ),
    "Worker.fail_tasks": Call(lambda s: s.worker.fail_tasks(s.running, "diverged")),
    "Worker.settle_finished": Call(lambda s: s.worker.settle_finished(s.task.key, Scores(y=1.0))),
    "Worker.settle_failed": Call(lambda s: s.worker.settle_failed(s.task.key, "diverged")),
    "leaving the block of a task": Call(raise_in_task),
    "renewing a lease": Call(
        lambda s: LeaseStore(s.store).renew({"w1": 1000.0}), once=("renew_leases",)
    ),
    "ending a lease": Call(
        lambda s: LeaseStore(s.store).renew({"w1": 0.0}), once=("renew_leases",)
    ),
    "asking a worker to end before it registers": Call(
        lambda s: LeaseStore(s.store).dismiss(["new"], "terminate")
    ),
    "looking whether a worker was asked so": read(
        lambda s: LeaseStore(s.store).is_dismissed("new"),
        lambda s: LeaseStore(s.store).dismiss(["new"], "terminate"),
    ),
    "sending records of a log": Call(push_log, once=("push_log",)),
    "logging to the end": Call(write_through_sink, warns=True),
    "storing a loop": Call(lambda s: s.store.store_loop(DIGEST, b"signed")),
    "reading a loop": read(
        lambda s: s.store.read_loop(DIGEST), lambda s: s.store.store_loop(DIGEST, b"signed")
    ),
    "settling a worker": Call(settle),
}
