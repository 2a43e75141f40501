"""The servers that a chaos run can break: one of its own, or the embedded one."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, Self

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from rushtyped.embedded import (
    DIRECTORY_VARIABLE,
    release_embedded_server,
    use_embedded_server,
)
from tests.chaos.options import Options
from tests.servers.binaries import redis_of_debian, valkey
from tests.servers.process import ServerProcess
from tests.waiting import wait_until


class AnyServer(Protocol):
    """What is asked of a server, beside its start and end as a context manager."""

    socket: Path

    @property
    def url(self) -> str: ...

    @property
    def pid(self) -> int: ...

    def start(self) -> None: ...

    def wait(self) -> Self: ...

    def stop(self) -> None: ...

    def kill(self) -> None: ...

    def client(self) -> contextlib.AbstractContextManager[Any]: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class EmbeddedServer:
    """The embedded server of a directory, which those who use it start when it is gone."""

    def __init__(self, directory: Path) -> None:
        self.socket = directory / "valkey.sock"
        self._directory = directory

    @property
    def url(self) -> str:
        """How all processes of the run reach it, by a variable that they are given."""
        return "embedded"

    @property
    def pid(self) -> int:
        """Id of the process that runs."""
        return int((self._directory / "server.pid").read_text())

    def start(self) -> None:
        """Leave the start to its keeper, and to those who use it."""

    def wait(self) -> Self:
        """Wait until it answers."""
        self.socket = use_embedded_server(self._directory)
        return self

    def stop(self) -> None:
        """Have the process save its data and end."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the process."""
        self._end(signal.SIGKILL)

    @contextlib.contextmanager
    def client(self) -> Iterator[Any]:
        """Give a plain client, as an Any: redis-py leaves open what its calls return."""
        path = str(self.socket)
        client = redis.Redis(unix_socket_path=path, protocol=2, retry=Retry(NoBackoff(), 0))
        try:
            yield client
        finally:
            client.close()

    def __enter__(self) -> Self:
        os.environ[DIRECTORY_VARIABLE] = str(self._directory)
        return self.wait()

    def __exit__(self, *_: object) -> None:
        server = psutil.Process(self.pid)
        release_embedded_server(self._directory)
        wait_until(lambda: not _is_alive(server), description="the embedded server has ended")

    def _end(self, how: signal.Signals) -> None:
        server = psutil.Process(self.pid)
        server.send_signal(how)
        wait_until(lambda: not _is_alive(server), description="the embedded server has ended")


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def make_server(options: Options, directory: Path) -> AnyServer:
    """Make the server that is asked for, with its data in a directory."""
    if options.program == "embedded":
        return EmbeddedServer(directory)
    return ServerProcess(
        directory,
        binary=valkey() if options.program == "valkey" else redis_of_debian(),
        options={
            "save": "",
            "appendonly": "yes",
            "appendfsync": options.fsync,
            "auto-aof-rewrite-min-size": "16mb",
            "maxclients": "2000",
        },
    )
