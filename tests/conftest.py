"""What every test shares."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, settings
from loguru import logger
from xdist.remote import Producer

from rushtyped.embedded import release_embedded_server, use_embedded_server
from rushtyped.keys import new_network_id
from tests.servers.forms import Form, open_form
from tests.servers.process import ServerProcess, running_servers
from tests.sharing import SharingScheduling
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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the tests be run against servers of another form."""
    parser.addoption(
        "--server",
        choices=[form.value for form in Form],
        default=Form.VALKEY.value,
        help="what `redis_url` names (the embedded Valkey)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make known how a test says on which forms of servers it cannot hold."""
    config.addinivalue_line(
        "markers", "not_on(*forms, reason): what the test is about is not so on these servers"
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SharingScheduling:
    """Keep tests together that share what takes long to make."""
    return SharingScheduling(config, log)


def pytest_report_header(config: pytest.Config) -> str:
    """Say what the tests run against."""
    return f"server: {config.getoption('--server')}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what does not hold on the servers of this run."""
    for marker in item.iter_markers("not_on"):
        if item.config.getoption("--server") in marker.args:
            pytest.skip(marker.kwargs["reason"])


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
    assert running_servers() == []
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
def server_form(pytestconfig: pytest.Config) -> Form:
    """What the tests run against."""
    return Form(pytestconfig.getoption("--server"))


@pytest.fixture(scope="session")
def redis_url(
    server_form: Form, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """URL of the session's server: the embedded one, unless `--server` names another form."""
    if server_form is Form.VALKEY:
        yield f"unix://{use_embedded_server(request.getfixturevalue('server_directory'))}"
        return
    with open_form(server_form, tmp_path_factory.mktemp("form")) as url:
        yield url


@pytest.fixture
def own_server() -> Iterator[ServerProcess]:
    """A running server that the test may kill; it writes each command down before it replies."""
    with (
        tempfile.TemporaryDirectory(prefix="rushtyped-") as directory,
        ServerProcess(Path(directory)) as server,
    ):
        yield server


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
