"""The pytest plugin: a server, a fresh network for each test, and worker loops run to their end.

pytest loads it by its entry point; a test asks for the fixtures by name.
"""

from __future__ import annotations

import inspect
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from rushtyped.embedded import release_embedded_server, use_embedded_server
from rushtyped.network import Network

if TYPE_CHECKING:  # Hypothesis is needed by the extra `testing` only
    from rushtyped.testing.fresh_network import FreshNetwork
    from rushtyped.testing.loop_runner import LoopRunner

AnyNetwork = Network[Any, Any, Any, Any]
_FRESH: pytest.StashKey[FreshNetwork] = pytest.StashKey()
_MARK = "rush_unsettled"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names a server."""
    parser.getgroup("rushtyped").addoption(
        "--rush-redis",
        metavar="URL",
        help="server for the networks of tests (an embedded one for each session)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark."""
    config.addinivalue_line(
        "markers", f"{_MARK}: the test leaves tasks queued or running in its network on purpose"
    )


@pytest.fixture(scope="session")
def rush_server(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """URL of the session's server: that of --rush-redis, else an embedded one."""
    chosen: str | None = pytestconfig.getoption("--rush-redis")
    if chosen is not None:
        yield chosen
        return
    directory = tmp_path_factory.mktemp("rush-server")
    yield f"unix://{use_embedded_server(directory)}"
    release_embedded_server(directory)


@pytest.fixture
def network_type(request: pytest.FixtureRequest) -> type[AnyNetwork]:
    """Type of the test's network: how the test annotates `network`, unless this is overridden."""
    function = request.function
    annotation = inspect.get_annotations(function).get("network")
    if isinstance(annotation, str):
        annotation = _evaluated(annotation, function)
    if not (isinstance(annotation, type) and issubclass(annotation, Network)):
        pytest.fail(
            f"{request.node.name} does not say what its network holds: annotate the argument, as "
            "in `network: Network[Params, Scores]`, or define a fixture `network_type` that "
            "returns such a type",
            pytrace=False,
        )
    return annotation


def _evaluated(annotation: str, function: Any) -> object:
    try:
        found: object = eval(annotation, function.__globals__)  # noqa: S307 - the test's own text
    except NameError as error:
        pytest.fail(
            f"the annotation {annotation!r} of `network` cannot be evaluated ({error}): import "
            "its names outside TYPE_CHECKING",
            pytrace=False,
        )
    return found


@pytest.fixture
def network(
    request: pytest.FixtureRequest, network_type: type[AnyNetwork], rush_server: str
) -> Iterator[AnyNetwork]:
    """Give a test its own network; it fails when it leaves a task or a key behind.

    Keys of other networks count on a server of the session's own only. Tasks that are still
    queued or running are allowed by the mark `rush_unsettled`.
    """
    from rushtyped.testing.fresh_network import fresh_network

    is_shared = request.config.getoption("--rush-redis") is not None
    with fresh_network(network_type, rush_server, is_shared=is_shared) as fresh:
        request.node.stash[_FRESH] = fresh
        yield fresh.network


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that has passed and left something behind."""
    outcome = yield
    fresh = item.stash.get(_FRESH, None)
    if fresh is not None:
        allowed = item.get_closest_marker(_MARK) is not None
        if left := fresh.leftovers(unsettled=not allowed):
            hint = f"settle its tasks, or mark it with {_MARK}; delete its keys"
            pytest.fail("\n  ".join([f"the test has left behind ({hint}):", *left]), pytrace=False)
    return outcome


@pytest.fixture
def run_loop(network: AnyNetwork, rush_server: str) -> LoopRunner:
    """Run a worker loop in the test's network to its end; a call returns the finished tasks."""
    from rushtyped.testing.loop_runner import LoopRunner

    return LoopRunner(network, rush_server)
