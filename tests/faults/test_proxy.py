"""The proxy does what it is told to, and nothing else."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from rushtyped.embedded import use_embedded_server
from rushtyped.lua import load_script
from tests.faults.proxy import FaultProxy, Passed
from tests.faults.proxy_faults import (
    At,
    CutReply,
    CutRequest,
    Delay,
    Fault,
    HalfOpen,
    RandomCuts,
    Refuse,
)
from tests.faults.proxy_frames import Frames
from tests.faults.proxy_process import proxy_process
from tests.waiting import wait_until


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="rushtyped-") as directory:
        yield Path(directory)


@pytest.fixture
def server(redis_url: str, server_directory: Path) -> Path:
    """The socket of the session's server."""
    return use_embedded_server(server_directory)


@pytest.fixture
def proxy(server: Path, directory: Path) -> Iterator[FaultProxy]:
    with FaultProxy(server, directory / "proxy.sock") as proxy:
        yield proxy


def client_of(proxy: FaultProxy, **options: Any) -> redis.Redis:
    """Connect a client that tries each command once."""
    client = redis.Redis.from_url(proxy.url, retry=Retry(NoBackoff(), 0), protocol=2, **options)
    client.ping()
    return client


@pytest.fixture
def client(proxy: FaultProxy) -> Iterator[redis.Redis]:
    with client_of(proxy) as client:
        yield client


def test_commands_pass_and_are_named(proxy: FaultProxy, client: redis.Redis) -> None:
    script = load_script("check_budget")
    client.script_load(script.source)
    proxy.begin()
    with client.pipeline(transaction=False) as pipeline:
        pipeline.set("proxied", b"a" * 3_000_000)
        pipeline.get("proxied")
        pipeline.evalsha(script.sha, 7, *"abcdefg")
        replies = pipeline.execute()
    assert replies[1] == b"a" * 3_000_000
    assert client.delete("proxied") == 1
    assert proxy.names == ["SET", "GET", "check_budget", "DEL"]
    request = b"*2\r\n$3\r\nGET\r\n$7\r\nproxied\r\n"
    assert proxy.passed[1] == Passed("GET", len(request), connection=1, reply=3_000_012)
    assert proxy.n_injected == 0


def test_a_host_and_port_serve_as_well(server: Path, directory: Path) -> None:
    with (
        FaultProxy(server, ("127.0.0.1", 0)) as near,
        FaultProxy(near.address, directory / "far.sock") as far,
        client_of(far) as client,
    ):
        assert client.echo("a") == b"a"
        assert near.url.startswith("redis://127.0.0.1:")
        assert near.names == far.names
        near.begin(Refuse(0.01))
        with pytest.raises(redis.ConnectionError):
            client.ping()
        wait_until(lambda: _answers(far), description="it listens again")


def _answers(proxy: FaultProxy) -> bool:
    try:
        client_of(proxy).close()
    except redis.ConnectionError:
        return False
    return True


@pytest.mark.parametrize(
    ("fault", "stored"),
    [
        (CutRequest(At(1)), [b"1"]),
        (CutRequest(At(1), 1), [b"1"]),
        (CutRequest(At(1), -1), [b"1"]),
        (CutRequest(At(1), 1_000_000), [b"1"]),
        (CutRequest(At(0, "LPUSH")), [b"1"]),
        (CutRequest(At(1, "RPUSH")), [b"2", b"1"]),
        (CutReply(At(1)), [b"2", b"1"]),
        (CutReply(At(1), 2), [b"2", b"1"]),
        (CutReply(At(1), 1_000_000), [b"2", b"1"]),
    ],
)
def test_a_cut_loses_one_request_or_one_reply(
    proxy: FaultProxy, client: redis.Redis, network_id: str, fault: Fault, stored: list[bytes]
) -> None:
    def push() -> None:
        client.rpush(network_id, "1")
        client.lpush(network_id, "2")
        client.rpush(network_id, "3")

    proxy.begin(fault)
    with pytest.raises(redis.ConnectionError):
        push()
    assert proxy.n_injected == 1
    assert client.lrange(network_id, 0, -1) == stored
    push()
    assert proxy.n_injected == 1


def test_what_follows_a_lost_reply_in_a_pipeline_is_done(
    proxy: FaultProxy, client: redis.Redis, network_id: str
) -> None:
    proxy.begin(CutReply(At(0)))
    with client.pipeline(transaction=False) as pipeline:
        pipeline.rpush(network_id, "1")
        pipeline.rpush(network_id, "2")
        with pytest.raises(redis.ConnectionError):
            pipeline.execute()
    assert client.lrange(network_id, 0, -1) == [b"1", b"2"]


@pytest.mark.parametrize(("reaches_server", "value"), [(False, b"1"), (True, b"2")])
def test_a_proxy_that_refuses_does_so_until_it_begins_anew(
    proxy: FaultProxy, client: redis.Redis, network_id: str, reaches_server: bool, value: bytes
) -> None:
    proxy.begin(Refuse(60.0, At(1), reaches_server))
    client.incr(network_id)
    for _ in range(2):
        with pytest.raises(redis.ConnectionError):
            client.incr(network_id)
    assert proxy.n_injected == 1
    proxy.begin()
    assert client.get(network_id) == value


@pytest.mark.parametrize(("reaches_server", "value"), [(False, b"1"), (True, b"2")])
def test_a_half_open_connection_says_nothing_any_more(
    proxy: FaultProxy, network_id: str, reaches_server: bool, value: bytes
) -> None:
    with client_of(proxy, socket_timeout=0.1) as client:
        proxy.begin(HalfOpen(At(1), reaches_server))
        client.incr(network_id)
        with pytest.raises(redis.TimeoutError):
            client.incr(network_id)
        assert client.get(network_id) == value


def test_commands_wait_for_a_delay(proxy: FaultProxy, client: redis.Redis) -> None:
    with client_of(proxy, socket_timeout=0.05) as hasty:
        proxy.begin(Delay(replies=0.2, at=At(1)))
        hasty.ping()
        with pytest.raises(redis.TimeoutError):
            hasty.ping()
        proxy.begin(Delay(requests=0.01, replies=0.01))
        assert [client.ping() for _ in range(3)] == [True] * 3
        assert proxy.n_injected == 0


def test_random_cuts_are_those_of_the_seed(server: Path, directory: Path, network_id: str) -> None:
    outcomes = []
    for seed in (1, 1, 2):
        cuts = RandomCuts(seed, 0.3, frozenset({"PING", "CLIENT SETINFO"}))
        with FaultProxy(server, directory / "cuts.sock", random_cuts=cuts) as proxy:
            client = client_of(proxy)
            proxy.begin()
            for _ in range(30):
                try:
                    client.get(network_id)
                    outcomes.append("replied")
                except redis.ConnectionError:
                    outcomes.append("lost")
            client.close()
            assert 0 < proxy.n_injected == outcomes[-30:].count("lost") < 30
    assert outcomes[:30] == outcomes[30:60] != outcomes[60:]


def test_a_proxy_is_a_process_too(server: Path, directory: Path) -> None:
    place = directory / "process.sock"
    with proxy_process(server, place, seed=1, rate=1.0, spared=["CLIENT SETINFO", "PING"]) as (
        url,
        process,
    ):
        assert url == f"unix://{place}"
        client = redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), protocol=2)
        assert client.ping()
        with pytest.raises(redis.ConnectionError):
            client.get("a")
        client.close()
    assert process.returncode == 0


def test_whole_commands_and_replies_are_found_wherever_the_bytes_are_cut() -> None:
    frames = [
        b"*2\r\n$3\r\nGET\r\n$2\r\n\r\n\r\n",
        b"*0\r\n",
        b"*-1\r\n",
        b"$-1\r\n",
        b"*2\r\n*1\r\n:1\r\n%1\r\n+a\r\n_\r\n",
        b"-ERR no\r\n",
        b"PING\r\n",
    ]
    stream = b"".join(frames)
    for size in range(1, len(stream) + 1):
        parser = Frames()
        chunks = [stream[i : i + size] for i in range(0, len(stream), size)]
        assert [frame for chunk in chunks for frame in parser.feed(chunk)] == frames
