"""A server process of a test's own, which the test may stop, kill and start again."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.servers.binaries import valkey
from tests.servers.certificates import Authority
from tests.waiting import wait_until

Value = str | Iterable[str]
SAVE_NOTHING: Mapping[str, Value] = {"save": "", "appendonly": "no"}
WRITE_BEFORE_REPLY: Mapping[str, Value] = {
    "save": "",
    "appendonly": "yes",
    "appendfsync": "always",
}


_running: list[ServerProcess] = []


def running_servers() -> list[str]:
    """Name the directories of the servers that this process has started and not ended."""
    return [str(server.directory) for server in _running]


class ServerProcess:
    """One server, whose files lie in a directory; it listens on a socket there, or on a port.

    `options` are those of the configuration file; with `tls` it speaks TLS only, which the embedded
    Valkey cannot. The same object can be started again, with the data of the last process.
    """

    def __init__(
        self,
        directory: Path,
        *,
        binary: Path | None = None,
        port: int = 0,
        options: Mapping[str, Value] = WRITE_BEFORE_REPLY,
        sentinel: bool = False,
        tls: Authority | None = None,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.port = port
        self.socket = directory / "own.sock"
        self._binary = binary or valkey()
        self._role = ("--sentinel",) if sentinel else ()
        self._tls = tls
        self._process: subprocess.Popen[bytes] | None = None
        self._configuration = directory / "server.conf"
        listening: dict[str, Value] = {"port": str(port), "bind": "127.0.0.1"}
        if tls is not None:
            listening |= tls.options_of_server(port)
        elif not port:
            listening["unixsocket"] = str(self.socket)
        self._configuration.write_text(_written({**listening, "dir": str(directory), **options}))

    @property
    def url(self) -> str:
        """How a client without a password reaches it."""
        if self._tls is not None:
            return f"rediss://127.0.0.1:{self.port}/0?{self._tls.query_of_client()}"
        return f"redis://127.0.0.1:{self.port}/0" if self.port else f"unix://{self.socket}"

    @property
    def admin_url(self) -> str:
        """How a client reaches it that may do everything."""
        return self.url

    @property
    def pid(self) -> int:
        """Id of the process that runs."""
        assert self._process is not None, f"the server in {self.directory} does not run"
        return self._process.pid

    @property
    def log(self) -> str:
        """What its processes have written."""
        return (self.directory / "server.log").read_text(errors="replace")

    def start(self) -> None:
        """Start a process; `wait` waits until it answers."""
        assert self._process is None, f"the server in {self.directory} runs already"
        with (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binary, self._configuration, *self._role],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
            )
        _running.append(self)

    def wait(self) -> Self:
        """Wait until the server answers; fail with its log where it has ended instead."""
        wait_until(self._answers_or_fails, description=f"the server in {self.directory} answers")
        return self

    def stop(self) -> None:
        """Have the process save its data and end."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the process, if it runs."""
        self._end(signal.SIGKILL)

    def answers(self) -> bool:
        """Whether it takes commands; one that asks for a password does, too."""
        with self.client() as client:
            try:
                client.ping()
            except exceptions.AuthenticationError:
                return True
            except (exceptions.ConnectionError, exceptions.TimeoutError):
                return False
        return True

    @contextlib.contextmanager
    def client(self) -> Iterator[Any]:
        """Give a plain client, as an Any: redis-py leaves open what its calls return."""
        once = Retry(NoBackoff(), 0)
        client = redis.Redis.from_url(self.admin_url, protocol=2, retry=once, socket_timeout=5.0)
        try:
            yield client
        finally:
            client.close()

    def __enter__(self) -> Self:
        self.start()
        try:
            return self.wait()
        except BaseException:
            self.kill()
            raise

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _answers_or_fails(self) -> bool:
        process = self._process
        assert process is not None, f"the server in {self.directory} was not started"
        assert process.poll() is None, f"the server has ended:\n{self.log[-2000:]}"
        return self.answers()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.wait(30.0)
            _running.remove(self)


def _written(options: Mapping[str, Value]) -> str:
    """Write a configuration file; an option with several values takes several lines."""
    lines = []
    for name, value in options.items():
        values = [value] if isinstance(value, str) else value
        lines += [f"{name} {each}\n" if each else f'{name} ""\n' for each in values]
    return "".join(lines)
