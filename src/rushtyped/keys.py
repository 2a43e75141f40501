"""Names: of networks, workers and tasks, and of every Redis key of a network."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from rushtyped.errors import InvalidArgumentError, InvalidNetworkIdError, InvalidTypeError

_NAME = re.compile(r"[A-Za-z0-9._-]{1,128}")
LONGEST_NAME = 128
NAME_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
_TASK_KEY_BYTES = 12  # 96 random bits: a clash among a billion tasks has odds of 1 to 10^11
_WORKER_ID_BYTES = 5


def new_task_keys(n: int) -> list[str]:
    """Make n random task keys of 24 hexadecimal digits."""
    digits = os.urandom(n * _TASK_KEY_BYTES).hex()
    if n == 1:
        return [digits]
    width = 2 * _TASK_KEY_BYTES
    return [digits[start : start + width] for start in range(0, n * width, width)]


def new_network_id() -> str:
    """Make a random network id."""
    return f"network-{os.urandom(_WORKER_ID_BYTES).hex()}"


def new_worker_id() -> str:
    """Make a random worker id; short, since every task of the worker holds it."""
    return os.urandom(_WORKER_ID_BYTES).hex()


def new_token() -> str:
    """Make a random token that marks a request, so that the server knows its repeat."""
    return os.urandom(8).hex()


def check_network_id(network_id: object) -> str:
    """Return the id, or raise InvalidNetworkIdError."""
    return _checked("network_id", network_id, InvalidNetworkIdError)


def check_worker_id(worker_id: object) -> str:
    """Return the id, or raise InvalidArgumentError."""
    return _checked("worker_id", worker_id, InvalidArgumentError)


def _checked(what: str, name: object, error: type[InvalidArgumentError]) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise error(
            f"{what} must be 1 to 128 of A-Z a-z 0-9 . _ - but is {name!r}: "
            "choose another name, or leave it out to have one made"
        )
    return name


def check_task_key(key: object) -> str:
    """Return the key, or raise InvalidTypeError or InvalidArgumentError."""
    if not isinstance(key, str):
        raise InvalidTypeError(f"a task key must be a str but is {key!r} ({type(key).__name__})")
    if not _NAME.fullmatch(key):
        raise InvalidArgumentError(
            f"a task key must be 1 to 128 of A-Z a-z 0-9 . _ - but is {key!r}"
        )
    return key


def is_name(name: bytes) -> bool:
    """Say whether a task, worker or network may have this name."""
    return 0 < len(name) <= LONGEST_NAME and not name.translate(None, NAME_BYTES)


@dataclass(frozen=True, slots=True)
class WorkerKeys:
    """The Redis keys of one worker."""

    record: str
    tasks: str
    pending: str
    heartbeat: str
    terminate: str
    kill: str
    log: str


class NetworkKeys:
    """The Redis keys of one network; they share one hash tag, thus one slot of a Redis Cluster."""

    __slots__ = (
        "all",
        "events",
        "failed",
        "finished",
        "hashes",
        "logs",
        "loops",
        "meta",
        "network_id",
        "prefix",
        "queue",
        "running",
        "running_workers",
        "terminated_workers",
        "trash",
        "trash_hashes",
        "workers",
    )

    def __init__(self, network_id: str) -> None:
        self.network_id: str = check_network_id(network_id)
        self.prefix: str = f"rush:{{{network_id}}}:"
        self.meta: str = self.prefix + "meta"
        self.all: str = self.prefix + "all"
        self.queue: str = self.prefix + "queue"
        self.running: str = self.prefix + "running"
        self.finished: str = self.prefix + "finished"
        self.failed: str = self.prefix + "failed"
        self.workers: str = self.prefix + "workers"
        self.running_workers: str = self.prefix + "running_workers"
        self.terminated_workers: str = self.prefix + "terminated_workers"
        self.events: str = self.prefix + "events"
        self.hashes: str = self.prefix + "hashes"
        self.loops: str = self.prefix + "loops"
        self.logs: str = self.prefix + "logs"
        self.trash: str = self.prefix + "trash"
        self.trash_hashes: str = self.prefix + "trash_hashes"

    def task(self, key: str) -> str:
        """Name the hash of a task."""
        return f"{self.prefix}task:{key}"

    def task_field(self, field: str) -> str:
        """Name a field of all task hashes, as the GET pattern of SORT wants it."""
        return f"{self.prefix}task:*->{field}"

    def loop(self, digest: str) -> str:
        """Name the string that holds a worker loop."""
        return f"{self.prefix}loop:{digest}"

    def worker(self, worker_id: str) -> WorkerKeys:
        """Name the keys of a worker."""
        record = f"{self.prefix}worker:{worker_id}"
        return WorkerKeys(
            record=record,
            tasks=f"{record}:tasks",
            pending=f"{record}:pending",
            heartbeat=f"{record}:heartbeat",
            terminate=f"{record}:terminate",
            kill=f"{record}:kill",
            log=f"{record}:log",
        )
