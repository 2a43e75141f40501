"""What every test shares."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, settings
from loguru import logger

from rushtyped.embedded import release_embedded_server, use_embedded_server
from rushtyped.keys import new_network_id
from tests.waiting import wait_until

# No test asserts how long something takes: the machine may be busy.
settings.register_profile(
    "default",
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("default")

# A server or a secret that this shell is set up for must neither be written to nor decide a test.
for name in [name for name in os.environ if name == "REDIS_URL" or name.startswith("RUSHTYPED_")]:
    del os.environ[name]


def _processes_below(directory: Path) -> list[int]:
    """Find servers and keepers by where they run and what they were told."""
    found = []
    for process in psutil.process_iter():
        try:
            places = (process.cwd(), *process.cmdline())
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        if any(place.startswith(f"{directory}/") for place in places):
            found.append(process.pid)
    return found


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail loudly unless every server and keeper has ended, after the last fixture has.

    Under xdist that is up to the controller, whose directory holds those of all others.
    """
    if not hasattr(session.config, "workerinput"):
        directory = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # pytest's own
        wait_until(
            lambda: not _processes_below(directory),
            description="all servers have ended",
            timeout=10.0,
        )


@pytest.fixture(scope="session")
def server_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Data directory of an embedded server that runs as long as the session does."""
    directory = tmp_path_factory.mktemp("server")
    socket = use_embedded_server(directory)
    yield directory
    release_embedded_server(directory)
    wait_until(lambda: not socket.exists(), description="the embedded server has ended")


@pytest.fixture(scope="session")
def redis_url(server_directory: Path) -> str:
    """URL of the session's embedded server."""
    return f"unix://{use_embedded_server(server_directory)}"


@pytest.fixture
def network_id() -> str:
    """A name that no other test uses."""
    return new_network_id()


@pytest.fixture
def warnings_seen() -> Iterator[list[str]]:
    """Messages that the library logs as warnings or errors while the test runs."""
    seen: list[str] = []
    sink = logger.add(lambda message: seen.append(message.record["message"]), level="WARNING")
    yield seen
    logger.remove(sink)


@pytest.fixture
def count_round_trips() -> Callable[[object, Callable[[], object]], int]:
    """Count the round trips that a call of a Network or Worker takes."""

    def count(tasks: object, call: Callable[[], object]) -> int:
        channel = tasks._channel  # type: ignore[attr-defined]  # the count is for tests only
        before: int = channel.n_round_trips
        call()
        after: int = channel.n_round_trips
        return after - before

    return count
