"""What real runs leave in Redis are the records that the JSON Schemas describe."""

from __future__ import annotations

import contextlib
from typing import Any

import redis

from rushtyped import Network, Worker
from rushtyped.wire import EventEntry, MetaHash, TaskHash, WorkerHash
from tests.models import Params, Scores


def leave_traces(url: str, network_id: str) -> None:
    """Take tasks and workers through all that can happen to them."""
    xs, ys = Params(x1=1.0, x2=2.0), Scores(y=3.0)
    network = Network[Params, Scores](network_id, redis=url, max_tasks=10, max_seconds=60.0)
    worker = Worker[Params, Scores](network_id, redis=url)
    network.push_tasks([xs] * 4, xss_extra=[{"batch": 1}])
    network.push_failed_tasks([xs], conditions=["bad"])
    for task in worker.queue(timeout=0.0):
        with contextlib.suppress(ValueError), task:
            task.finish(ys, ys_extra={"seconds": 1.0})
            raise ValueError
    network.retry_tasks(network.failed_tasks)
    network.push_tasks([xs])
    network.empty_queue()
    with contextlib.suppress(KeyError), worker.running_task(xs):
        raise KeyError
    worker.running_task(xs)
    worker.set_terminated()
    Worker[Params, Scores](network_id, redis=url).running_task(xs)


def test_stored_records_fit_their_schemas(redis_url: str, network_id: str) -> None:
    leave_traces(redis_url, network_id)
    client: Any = redis.Redis.from_url(redis_url, decode_responses=True)
    plain: Any = redis.Redis.from_url(redis_url)
    prefix = f"rush:{{{network_id}}}:"
    tasks = client.lrange(f"{prefix}all", 0, -1)
    workers = client.smembers(f"{prefix}workers")
    for key in tasks:
        raw = plain.hgetall(f"{prefix}task:{key}")
        TaskHash.model_validate(
            {name.decode(): value.decode(errors="replace") for name, value in raw.items()}
        )
    for worker_id in workers:
        WorkerHash.model_validate(client.hgetall(f"{prefix}worker:{worker_id}"))
    meta = client.hgetall(f"{prefix}meta")
    assert meta.pop("column:batch") == "xs_extra"
    assert meta.pop("column:seconds") == "ys_extra"
    assert set(meta) == set(MetaHash.model_fields)
    MetaHash.model_validate(meta)
    for _, entry in client.xrange(f"{prefix}events"):
        EventEntry.model_validate(entry)
    assert (len(tasks), len(workers)) == (9, 2)
