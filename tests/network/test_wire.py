"""What real runs leave in Redis are the records that the JSON Schemas describe."""

from __future__ import annotations

import contextlib
from typing import Any

import msgpack
import redis
from loguru import logger

from rushtyped import Network, Worker
from rushtyped.logs import LogSink, capture_logs
from rushtyped.wire import EventEntry, LogRecord, MetaHash, TaskHash, WorkerHash
from tests.models import Params, Scores
from tests.network.logging_worker import log_store


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


def test_stored_log_records_fit_their_schema(redis_url: str, network_id: str) -> None:
    logs = log_store(redis_url, network_id)
    with contextlib.closing(capture_logs(LogSink(logs, "w1"))):
        logger.warning("one")
        logger.opt(exception=ValueError("bad")).error("two")
    client: Any = redis.Redis.from_url(redis_url)
    prefix = f"rush:{{{network_id}}}:"
    packed = client.lrange(f"{prefix}worker:w1:log", 0, -1)
    records = [LogRecord.model_validate(msgpack.unpackb(data), strict=True) for data in packed]
    assert [record.message for record in records] == ["one", "two"]
    assert client.hgetall(f"{prefix}logs") == {b"w1": b"2"}


def types_of(client: Any, network_id: str) -> dict[str, str]:
    """Tell the type of every key of a network, by its name without the prefix."""
    prefix = f"rush:{{{network_id}}}:"
    names = client.scan_iter(match=f"{prefix}*", count=1000)
    return {name.removeprefix(prefix): client.type(name) for name in names}


def test_a_worker_has_a_lease_and_says_how_it_is_renewed(redis_url: str, network_id: str) -> None:
    worker = Worker[Params, Scores](
        network_id, redis=redis_url, heartbeat_period=2, heartbeat_expire=40.5
    )
    client: Any = redis.Redis.from_url(redis_url, decode_responses=True)
    name = f"worker:{worker.worker_id}"
    assert types_of(client, network_id) == {
        **dict.fromkeys(("meta", name), "hash"),
        **dict.fromkeys(("workers", "running_workers"), "set"),
        f"{name}:heartbeat": "string",
        "events": "stream",
    }
    record = WorkerHash.model_validate(client.hgetall(f"rush:{{{network_id}}}:{name}"))
    assert (record.heartbeat_period, record.heartbeat_expire) == ("2.0", "40.5")
    lease = f"rush:{{{network_id}}}:{name}:heartbeat"
    assert client.get(lease) == "1"
    assert 0 < client.pttl(lease) <= 50_500


def test_a_killed_worker_has_no_lease_and_the_request_stays(
    redis_url: str, network_id: str
) -> None:
    worker = Worker[Params, Scores](network_id, redis=redis_url)
    Network[Params, Scores](network_id, redis=redis_url).stop_workers("kill")
    client: Any = redis.Redis.from_url(redis_url, decode_responses=True)
    name = f"worker:{worker.worker_id}"
    assert types_of(client, network_id) == {
        **dict.fromkeys(("meta", name), "hash"),
        **dict.fromkeys(("workers", "terminated_workers"), "set"),
        f"{name}:terminate": "string",
        f"{name}:kill": "list",
        "events": "stream",
    }
    assert client.get(f"rush:{{{network_id}}}:{name}:terminate") == "kill"
    assert client.lrange(f"rush:{{{network_id}}}:{name}:kill", 0, -1) == ["kill"]
