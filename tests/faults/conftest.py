"""A server whose tests share it, and a way to it on which things go wrong."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rushtyped.keys import new_network_id
from rushtyped.lua import load_script, script_names
from tests.faults.damage import Damaged
from tests.faults.proxy import FaultProxy
from tests.faults.scene import MANAGER_SECRET, Stage
from tests.servers.process import SAVE_NOTHING, ServerProcess


@pytest.fixture(scope="session")
def quick_server() -> Iterator[ServerProcess]:
    """A server of these tests only, which knows all scripts."""
    with (
        tempfile.TemporaryDirectory(prefix="rushtyped-") as directory,
        ServerProcess(Path(directory), options=SAVE_NOTHING) as server,
        server.client() as client,
    ):
        for name in script_names():
            client.script_load(load_script(name).source)
        yield server


@pytest.fixture(scope="session")
def shared_stage(quick_server: ServerProcess) -> Iterator[Stage]:
    """The server, with a proxy before it."""
    place = quick_server.socket.with_name("proxy.sock")
    with (
        quick_server.client() as client,
        FaultProxy(quick_server.socket, place) as proxy,
    ):
        yield Stage(client, proxy)


@pytest.fixture
def stage(shared_stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """The server, emptied, with a proxy before it that breaks nothing yet."""
    monkeypatch.setenv("RUSHTYPED_SECRET", MANAGER_SECRET)
    shared_stage.clear()
    yield shared_stage
    shared_stage.clear()


@pytest.fixture(scope="module")
def damaged_network(redis_url: str) -> Damaged:
    """The network that the tests of a module damage."""
    return Damaged(redis_url, new_network_id())


@pytest.fixture
def damaged(damaged_network: Damaged) -> Damaged:
    """A network to be damaged, whole."""
    damaged_network.mend()
    return damaged_network
