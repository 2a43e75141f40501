"""A network as a file: what every type of key holds, so that a later version can be held to it.

`python -c 'from tests.wire_dump import main; main()'` writes `tests/data/wire/<version>.json` of a
network that has come to every state. It is written once for each version of the wire
format, and never again.
"""

from __future__ import annotations

import json
import os
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal
from uuid import UUID

import redis
from loguru import logger
from pydantic import AwareDatetime, BaseModel, Field, HttpUrl

from rushtyped import Extra, Network, Worker, Xs, Ys
from rushtyped.embedded import use_embedded_server
from rushtyped.logs import LogSink, capture_logs
from rushtyped.plan import SECRET_VARIABLE
from rushtyped.wire import WIRE_VERSION
from tests.network.logging_worker import log_store

FOLDER = Path(__file__).parent / "data" / "wire"
NETWORK_ID = "recorded"
SECRET = "the secret of the recorded network"


class Kernel(StrEnum):
    RBF = "rbf"
    LINEAR = "linear"


class Point(BaseModel):
    x: float
    label: str | None = None


class Rbf(BaseModel):
    kind: Literal["rbf"] = "rbf"
    gamma: float


class Poly(BaseModel):
    kind: Literal["poly"] = "poly"
    degree: int


class Params(Xs):
    """A field of every kind that has a column type of its own."""

    count: int
    rate: float
    flag: bool
    name: str
    data: bytes
    at: datetime
    seen: AwareDatetime
    day: date
    clock: time
    lasts: timedelta
    price: Annotated[Decimal, Field(max_digits=6, decimal_places=2)]
    kernel: Kernel
    mode: Literal["fast", "slow"]
    id: UUID
    place: PurePosixPath
    link: HttpUrl
    sizes: list[int]
    path: tuple[float, ...]
    tags: set[str]
    pair: tuple[int, int]
    origin: Point
    weights: dict[str, float]
    choice: Annotated[Rbf | Poly, Field(discriminator="kind")]
    maybe: int | None = None


class Scores(Ys):
    y: float


class Start(Extra):
    batch: int


FIRST = Params(
    count=-(2**63),
    rate=float("inf"),
    flag=True,
    name="na\u00efve \U0001f600",
    data=b"\x00\xff",
    at=datetime(1969, 12, 31, 23, 59, 59, 999999),  # noqa: DTZ001 - without a zone on purpose
    seen=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    day=date(1, 1, 1),
    clock=time(23, 59, 59, 999999),
    lasts=timedelta(days=-1, microseconds=1),
    price=Decimal("-1234.56"),
    kernel=Kernel.RBF,
    mode="slow",
    id=UUID(int=1),
    place=PurePosixPath("/a/b"),
    link=HttpUrl("https://example.org/a?b=c"),
    sizes=[1, 2, 3],
    path=(0.5, -0.0),
    tags={"b", "a"},
    pair=(1, 2),
    origin=Point(x=1.5),
    weights={"w": 0.25},
    choice=Rbf(gamma=0.1),
)
SECOND = FIRST.model_copy(update={"count": 2, "choice": Poly(degree=3), "maybe": 7})

DumpedKey = dict[str, Any]
_READ: dict[str, Callable[[Any, bytes], Any]] = {
    "string": lambda client, key: client.get(key),
    "hash": lambda client, key: client.hgetall(key),
    "list": lambda client, key: client.lrange(key, 0, -1),
    "set": lambda client, key: sorted(client.smembers(key)),
    "zset": lambda client, key: client.zrange(key, 0, -1, withscores=True),
    "stream": lambda client, key: client.xrange(key),
}


def dump(client: Any, network_id: str) -> dict[str, DumpedKey]:
    """Read every key of a network, by its name without the prefix; leases are left out."""
    prefix = f"rush:{{{network_id}}}:"
    dumped = {}
    for key in sorted(client.scan_iter(match=f"{prefix}*", count=1000)):
        name, kind = key.decode().removeprefix(prefix), client.type(key).decode()
        if not name.endswith(":heartbeat"):
            dumped[name] = {"type": kind, "value": _as_json(_READ[kind](client, key))}
    return dumped


def restore(client: Any, network_id: str, dumped: dict[str, DumpedKey]) -> None:
    """Write a dumped network by plain commands, under another name."""
    for name, entry in dumped.items():
        key, value = f"rush:{{{network_id}}}:{name}", _from_json(entry["value"])
        match entry["type"]:
            case "string":
                client.set(key, value)
            case "hash":
                client.hset(key, mapping=dict(value))
            case "list":
                client.rpush(key, *value)
            case "set":
                client.sadd(key, *value)
            case "zset":
                client.zadd(key, dict(value))
            case _:
                for entry_id, fields in value:
                    client.xadd(key, dict(fields), id=entry_id)


def _as_json(value: Any) -> Any:
    if isinstance(value, bytes):
        try:
            text = value.decode("ascii")
        except UnicodeDecodeError:
            text = ""
        is_plain = text.isprintable() and bool(text or not value)
        return text if is_plain else {"base64": b64encode(value).decode()}
    if isinstance(value, dict):
        return [[_as_json(name), _as_json(each)] for name, each in sorted(value.items())]
    if isinstance(value, list | tuple):
        return [_as_json(each) for each in value]
    return value


def _from_json(value: Any) -> Any:
    if isinstance(value, dict):
        return b64decode(value["base64"])
    if isinstance(value, list):
        return [_from_json(each) for each in value]
    return value


def loop_of_nobody(worker: Worker[Params, Scores, Start]) -> None:
    """Stand for a stored loop."""
    raise NotImplementedError


def leave_network(url: str, network_id: str) -> Worker[Params, Scores, Start]:
    """Leave tasks in every state, a worker that has ended, a log, a loop, and one that runs.

    That one is returned, since its lease ends when nobody holds it.
    """
    network = Network[Params, Scores, Start](network_id, redis=url, max_tasks=100, max_seconds=1e9)
    ended, runs = (
        Worker[Params, Scores, Start](
            network_id, redis=url, worker_id=name, heartbeat_period=60, heartbeat_expire=3600
        )
        for name in ("ended", "runs")
    )
    network.push_tasks([FIRST, SECOND], xss_extra=[Start(batch=1), Start(batch=2)])
    popped = ended.pop_task(timeout=0.0)
    assert popped is not None
    popped.finish(Scores(y=0.5), ys_extra={"seconds": 1.5, "note": None})
    network.push_finished_tasks([SECOND], [Scores(y=float("nan"))])
    with runs.running_task(SECOND, xs_extra=Start(batch=3)) as task:
        task.fail(ValueError("diverged"))
    network.push_failed_tasks([FIRST], conditions="not tried")
    ended.pop_task(timeout=0.0)
    ended.set_terminated()
    runs.running_task(FIRST)
    network.push_tasks([SECOND])
    network.retry_tasks(network.failed_tasks[:1])
    network.write_hashes(keys=["settings"], step=[3])
    with closing(capture_logs(LogSink(log_store(url, network_id), "runs"))):
        logger.warning("the step is small")
    network.worker_script(loop_of_nobody)
    return runs


def main() -> None:
    """Write the file."""
    os.environ[SECRET_VARIABLE] = SECRET
    logger.remove()
    with tempfile.TemporaryDirectory() as directory:
        socket = use_embedded_server(Path(directory))
        leave_network(f"unix://{socket}", NETWORK_ID)
        client: Any = redis.Redis(unix_socket_path=str(socket))
        for worker_id in ("ended", "runs"):
            of_this_host = {"hostname": "host", "pid": 1}
            client.hset(f"rush:{{{NETWORK_ID}}}:worker:{worker_id}", mapping=of_this_host)
        dumped = dump(client, NETWORK_ID)
    lines = (f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in dumped.items())
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{WIRE_VERSION}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
