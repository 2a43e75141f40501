"""The embedded server between the runs of its users."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from rushtyped import Network
from rushtyped.embedded import release_embedded_server
from tests.cli.conftest import Run
from tests.models import Params, Scores, points
from tests.servers.process import ServerProcess
from tests.waiting import wait_until, wait_until_ended

USER = "from rushtyped.embedded import use_embedded_server as use; use(); open(0).read()"


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Iterator[Path]:
    """Where the embedded server of the test is; it ends with the test."""
    monkeypatch.setenv("RUSHTYPED_EMBEDDED_DIR", str(tmp_path / "own"))
    yield tmp_path / "own"
    release_embedded_server()
    run("server", "stop")


def start(run: Run) -> str:
    """Run `server start`, as a process that ends then; return what it prints."""
    done = run("server", "start")
    release_embedded_server()
    assert done.code == 0
    return done.out.strip()


def status(run: Run, *options: str) -> dict[str, Any]:
    """Ask as a process that ends then."""
    facts: dict[str, Any] = json.loads(run("server", "status", "--json", *options).out)
    release_embedded_server()
    return facts


def test_a_started_server_outlives_its_users_until_stopped(directory: Path, run: Run) -> None:
    url = start(run)
    assert url == f"unix://{directory}/valkey.sock"
    Network[Params, Scores]("kept", redis=url).push_tasks(points(1))
    facts = status(run)
    assert facts["running"] is True
    assert facts["networks"] == ["kept"]
    assert facts["address"] == url
    assert facts["memory_bytes"] > 100_000
    assert start(run) == url
    assert status(run)["kept_by"] == facts["kept_by"]

    stopped = run("server", "stop")
    assert (stopped.code, stopped.out) == (0, "")
    assert stopped.err == "rushtyped: the embedded server has ended\n"
    wait_until(lambda: not psutil.pid_exists(facts["kept_by"]), description="its holder has ended")
    assert status(run) == {
        "directory": str(directory),
        "running": False,
        "kept_by": None,
        "users": [],
    }


def test_a_stopped_server_runs_on_for_those_who_use_it(directory: Path, run: Run) -> None:
    start(run)
    user = subprocess.Popen([sys.executable, "-c", USER], stdin=subprocess.PIPE)
    with user:
        wait_until(lambda: status(run)["users"], description="a process uses the server")
        assert [each["pid"] for each in status(run)["users"]] == [user.pid]
        assert f"the server runs on for process {user.pid} (" in run("server", "stop").err
        facts = status(run)
        assert (facts["running"], facts["kept_by"]) == (True, None)
        assert user.stdin is not None
        user.stdin.close()
    wait_until(lambda: not status(run)["running"], description="the server has ended")


def test_stop_ends_a_server_whose_keeper_was_killed(directory: Path, run: Run) -> None:
    start(run)
    keeper = psutil.Process(int((directory / "keeper.lock").read_text().split()[1]))
    keeper.kill()
    wait_until_ended(keeper)
    assert run("server", "stop").err == "rushtyped: the embedded server has ended\n"


def test_without_a_server_stop_and_status_start_none(directory: Path, run: Run) -> None:
    stopped = run("server", "stop")
    assert stopped.code == 0
    assert "no `rushtyped server start` keeps" in stopped.err
    shown = run("server", "status").out
    assert ["running", "False"] in [line.split() for line in shown.splitlines()]
    assert not directory.exists()


def test_the_process_that_holds_the_server_ends_with_its_directory(
    directory: Path, run: Run
) -> None:
    start(run)
    holding = psutil.Process(status(run)["kept_by"])
    directory.rename(directory.with_name("gone"))
    wait_until(lambda: not holding.is_running(), description="the process has ended")


def test_the_status_of_another_server_is_shown(own_server: ServerProcess, run: Run) -> None:
    Network[Params, Scores]("other", redis=own_server.url)
    facts = status(run, "--redis", own_server.url)
    assert facts["networks"] == ["other"]
    assert set(facts) == {"address", "version", "memory_bytes", "connections", "networks"}
