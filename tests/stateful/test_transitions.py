"""Any history of transitions leaves a network as a plain model of it says."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from rushtyped.testing.machine import NetworkMachine
from tests.stateful.machines import (
    MACHINES,
    Counted,
    FreeMachine,
    ParamMachine,
    RichMachine,
)
from tests.waiting import wait_until

AnyMachine = type[NetworkMachine[Any, Any, Any, Any]]
LEAST_STEPS = 20_000
LONG: dict[AnyMachine, int] = {ParamMachine: 250, FreeMachine: 80, RichMachine: 120}
"""Examples of up to 80 steps."""


def run(machine: AnyMachine, n_examples: int, n_steps: int) -> None:
    limits = settings(
        machine.TestCase.settings, max_examples=n_examples, stateful_step_count=n_steps
    )
    run_state_machine_as_test(machine, settings=limits)


@pytest.fixture
def on_embedded_server(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the machines on the session's server."""
    monkeypatch.setattr(NetworkMachine, "redis", redis_url)


@pytest.fixture
def on_redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run the machines on a Redis of its own, where one is installed."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no redis-server on PATH: the long histories ran on Valkey only")
    socket = tmp_path / "redis.sock"
    options = ("--port", "0", "--unixsocket", socket, "--dir", tmp_path, "--save", "")
    with subprocess.Popen([program, *options], stdout=subprocess.DEVNULL) as process:
        try:
            wait_until(socket.exists, description="redis-server listens")
            with redis.Redis(unix_socket_path=str(socket)) as client:
                assert client.info("server")["redis_version"] >= "6.2"
            monkeypatch.setattr(NetworkMachine, "redis", f"unix://{socket}")
            yield
        finally:
            process.terminate()


@pytest.mark.timeout(600)  # a failing history takes minutes to shrink
@pytest.mark.usefixtures("on_embedded_server")
@pytest.mark.parametrize(
    ("machine", "n_examples"), [(ParamMachine, 60), (FreeMachine, 25), (RichMachine, 25)]
)
def test_every_history_of_transitions_agrees_with_the_model(
    machine: AnyMachine, n_examples: int
) -> None:
    run(machine, n_examples, 40)


def run_long() -> None:
    """Run long histories, and check that they were as many as meant."""
    Counted.n_steps = 0
    for machine in MACHINES:
        run(machine, LONG[machine], 80)
    assert Counted.n_steps >= LEAST_STEPS


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("on_embedded_server")
def test_long_histories_of_transitions_agree_with_the_model() -> None:
    run_long()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("on_redis")
def test_long_histories_agree_with_the_model_on_redis_too() -> None:
    run_long()
