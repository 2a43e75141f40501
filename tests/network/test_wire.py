"""What real runs leave in Redis are the records that the JSON Schemas describe."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgpack
import pytest
from jsonschema import Draft202012Validator, ValidationError
from loguru import logger

from rushtyped import Network, Worker, plan
from rushtyped.logs import LogSink, capture_logs
from tests.models import Params, Scores
from tests.network.logging_worker import log_store
from tests.servers.behind import client_of

SCHEMAS = Path(__file__).parents[2] / "schemas"


def json_schema(name: str) -> Any:
    return json.loads((SCHEMAS / f"{name}.json").read_text())


def check(name: str, record: object) -> None:
    """Fail unless a record fits the JSON Schema of its kind."""
    Draft202012Validator(json_schema(name)).validate(record)


def texts(values: Iterable[bytes]) -> list[str]:
    return [value.decode() for value in values]


def stored_hash(client: Any, name: str) -> dict[str, str]:
    """Read a hash as text; what is packed in it is not looked into."""
    return {
        field.decode(): value.decode(errors="replace")
        for field, value in client.hgetall(name).items()
    }


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
    network.expire(3600)
    worker.set_terminated()
    Worker[Params, Scores](network_id, redis=url).running_task(xs)


def test_stored_records_fit_their_schemas(redis_url: str, network_id: str) -> None:
    leave_traces(redis_url, network_id)
    client = client_of(redis_url, network_id)
    prefix = f"rush:{{{network_id}}}:"
    tasks = texts(client.lrange(f"{prefix}all", 0, -1))
    workers = texts(client.smembers(f"{prefix}workers"))
    conditions = [
        packed
        for key in tasks
        if (packed := client.hget(f"{prefix}task:{key}", "condition")) is not None
    ]
    for key in tasks:
        check("task", stored_hash(client, f"{prefix}task:{key}"))
    for worker_id in workers:
        check("worker", stored_hash(client, f"{prefix}worker:{worker_id}"))
    for packed in conditions:
        check("condition", msgpack.unpackb(packed))
    for _, entry in client.xrange(f"{prefix}events"):
        check("event", {name.decode(): value.decode() for name, value in entry.items()})
    assert (len(tasks), len(workers), len(conditions)) == (9, 2, 4)


def test_the_stored_description_of_a_network_fits_its_schemas(
    redis_url: str, network_id: str
) -> None:
    leave_traces(redis_url, network_id)
    client = client_of(redis_url, network_id)
    meta = stored_hash(client, f"rush:{{{network_id}}}:meta")
    check("meta", meta)
    assert meta["column:batch"] == "xs_extra"
    assert meta["column:seconds"] == "ys_extra"
    described = set(json_schema("meta")["properties"]) - {"server", "server_since"}  # a failover's
    assert set(meta) == {*described, "column:batch", "column:seconds"}
    check("schemas", json.loads(meta["schemas"]))
    for group in json.loads(meta["schemas"]).values():
        Draft202012Validator.check_schema(group)


def loop_of_nobody(worker: Worker[Params, Scores], *, data: bytes = b"") -> None:
    raise NotImplementedError


def test_a_stored_loop_fits_its_schema(redis_url: str, network_id: str, tmp_path: Path) -> None:
    client = client_of(redis_url, network_id)
    prefix = f"rush:{{{network_id}}}:"
    network = Network[Params, Scores](network_id, redis=redis_url)
    network.worker_script(loop_of_nobody)
    with plan(large_objects_path=tmp_path, max_object_size=1024):
        network.worker_script(functools.partial(loop_of_nobody, data=bytes(2000)))
    digests = texts(client.smembers(f"{prefix}loops"))
    kinds = set()
    for digest in digests:
        envelope = msgpack.unpackb(client.get(f"{prefix}loop:{digest}")[32:])
        kinds.add(envelope.get("payload") is None)
        shown = {
            name: value.decode("latin-1") if isinstance(value, bytes) else value
            for name, value in envelope.items()
        }
        check("loop", shown)
    assert (len(digests), kinds) == (2, {True, False})


def test_stored_log_records_fit_their_schema(redis_url: str, network_id: str) -> None:
    logs = log_store(redis_url, network_id)
    with contextlib.closing(capture_logs(LogSink(logs, "w1"))):
        logger.warning("one")
        logger.opt(exception=ValueError("bad")).error("two")
    client = client_of(redis_url, network_id)
    prefix = f"rush:{{{network_id}}}:"
    records = [msgpack.unpackb(data) for data in client.lrange(f"{prefix}worker:w1:log", 0, -1)]
    for record in records:
        check("log", record)
    assert [record["message"] for record in records] == ["one", "two"]
    assert client.hgetall(f"{prefix}logs") == {b"w1": b"2"}


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("task", {"state": "lost", "xs": "", "attempt": "1", "created_at": "1"}),
        ("task", {"state": "queued", "xs": "", "attempt": "one", "created_at": "1"}),
        ("event", {"type": "queued", "n": "1", "worker": "", "more": ""}),
        ("worker", {"pid": "1"}),
    ],
)
def test_another_record_does_not_fit(name: str, record: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        check(name, record)


def types_of(client: Any, network_id: str) -> dict[str, str]:
    """Tell the type of every key of a network, by its name without the prefix."""
    prefix = f"rush:{{{network_id}}}:"
    names = texts(client.scan_iter(match=f"{prefix}*", count=1000))
    return {name.removeprefix(prefix): client.type(name).decode() for name in names}


def test_a_worker_has_a_lease_and_says_how_it_is_renewed(redis_url: str, network_id: str) -> None:
    worker = Worker[Params, Scores](
        network_id, redis=redis_url, heartbeat_period=2, heartbeat_expire=40.5
    )
    client = client_of(redis_url, network_id)
    name = f"worker:{worker.worker_id}"
    assert types_of(client, network_id) == {
        **dict.fromkeys(("meta", name), "hash"),
        **dict.fromkeys(("workers", "running_workers"), "set"),
        f"{name}:heartbeat": "string",
        "events": "stream",
    }
    record = stored_hash(client, f"rush:{{{network_id}}}:{name}")
    assert (record["heartbeat_period"], record["heartbeat_expire"]) == ("2.0", "40.5")
    lease = f"rush:{{{network_id}}}:{name}:heartbeat"
    assert client.get(lease) == b"1"
    assert 0 < client.pttl(lease) <= 50_500


def test_a_killed_worker_has_no_lease_and_the_request_stays(
    redis_url: str, network_id: str
) -> None:
    worker = Worker[Params, Scores](network_id, redis=redis_url)
    Network[Params, Scores](network_id, redis=redis_url).stop_workers("kill")
    client = client_of(redis_url, network_id)
    name = f"worker:{worker.worker_id}"
    assert types_of(client, network_id) == {
        **dict.fromkeys(("meta", name), "hash"),
        **dict.fromkeys(("workers", "terminated_workers"), "set"),
        f"{name}:terminate": "string",
        f"{name}:kill": "list",
        "events": "stream",
    }
    assert client.get(f"rush:{{{network_id}}}:{name}:terminate") == b"kill"
    assert client.lrange(f"rush:{{{network_id}}}:{name}:kill", 0, -1) == [b"kill"]
