"""Servers with many tasks: twenty thousand by default, a million where slow tests run, too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.load.traffic import BOUND, Traffic, recorded
from tests.models import ParamNetwork, ParamWorker
from tests.servers.binaries import redis_of_debian, valkey
from tests.servers.process import SAVE_NOTHING, ServerProcess

FEW, MANY = 20_000, 1_000_000
SLOW = (pytest.mark.slow, pytest.mark.timeout(1800))


class Load(NamedTuple):
    """A server that runs, and how many tasks it is to bear."""

    server: ServerProcess
    n: int


@pytest.fixture(
    params=[
        pytest.param(("valkey", FEW), id="valkey-20000"),
        pytest.param(("valkey", MANY), id="valkey-1000000", marks=SLOW),
        pytest.param(("redis", MANY), id="redis-1000000", marks=SLOW),
    ]
)
def load(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Load]:
    """A server, and a number of tasks."""
    which, n = request.param
    binary = valkey() if which == "valkey" else redis_of_debian()
    with ServerProcess(tmp_path, binary=binary, options=SAVE_NOTHING) as server:
        yield Load(server, n)


@pytest.fixture
def network(load: Load) -> Iterator[ParamNetwork]:
    """A network on that server."""
    with ParamNetwork("load", redis=load.server.url) as network:
        yield network


@pytest.fixture
def worker(network: ParamNetwork, load: Load) -> ParamWorker:
    """A worker of the network, in this process."""
    return ParamWorker(network.network_id, redis=load.server.url)


@pytest.fixture
def traffic(load: Load) -> Iterator[Traffic]:
    """What this process sends during the test; each command has to be bounded.

    How long one takes is looked at where there are many tasks, in tests that are run by themselves.
    """
    with recorded(load.server) as traffic:
        yield traffic
    traffic.check()
    typical = traffic.typical()
    print({name: round(each, 1) for name, each in typical.items() if each > 1.0})
    if load.n == MANY:
        assert {name: each for name, each in typical.items() if each > BOUND} == {}
