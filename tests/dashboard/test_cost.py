"""What an open page costs the server: so much a second, however many tasks and pages there are."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rushtyped import Worker
from rushtyped.dashboard.watched import PERIOD, Watched
from tests.dashboard.serving import Served, served
from tests.models import ParamNetwork, Params, Scores, points
from tests.servers.process import SAVE_NOTHING, ServerProcess
from tests.waiting import wait_until

A_REFRESH = 6
"""Round trips: schemas, progress, new tasks, and a wait or two for a change."""
MANY = 10_000


@pytest.fixture(scope="module")
def own_server() -> Iterator[ServerProcess]:
    """A server that nobody else uses, and that writes nothing down."""
    with (
        tempfile.TemporaryDirectory(prefix="rushtyped-") as directory,
        ServerProcess(Path(directory), options=SAVE_NOTHING) as server,
    ):
        yield server


@pytest.fixture
def page(own_server: ServerProcess) -> Iterator[Served]:
    """A dashboard of that server."""
    with served(own_server.url) as page:
        yield page


@pytest.fixture
def mine(own_server: ServerProcess, network_id: str) -> ParamNetwork:
    """A network on that server."""
    return ParamNetwork(network_id, redis=own_server.url)


def watched(page: Served) -> Watched:
    """Return the one network that is looked at."""
    ((found, _),) = page.lookout._watched.values()
    return found


def round_trips(page: Served) -> int:
    """Count what was sent for that network."""
    return watched(page).network._channel.n_round_trips


def shown(page: Served) -> int:
    """Count the finished tasks that the page has."""
    view = watched(page).view
    return view.finished.height if view else 0


@pytest.mark.parametrize(("n_tasks", "n_pages"), [(50, 1), (500, 1), (500, 20)])
def test_round_trips_are_counted_by_seconds_and_not_by_tasks_or_pages(
    page: Served, mine: ParamNetwork, own_server: ServerProcess, n_tasks: int, n_pages: int
) -> None:
    worker = Worker[Params, Scores](mine.network_id, redis=own_server.url)
    with contextlib.ExitStack() as pages:
        for _ in range(n_pages):
            next(pages.enter_context(page.events(mine.network_id)))
        began, before = time.monotonic(), round_trips(page)
        for xs in points(n_tasks):
            worker.running_task(xs).finish(Scores(y=xs.x1))
        wait_until(lambda: shown(page) == n_tasks, description="the page has all tasks")
        slices = (time.monotonic() - began) / PERIOD + 2
        assert round_trips(page) - before <= A_REFRESH * slices
        assert round_trips(page) - before < n_tasks
    worker.set_terminated()


def test_a_refresh_reads_what_is_new_and_windows_what_is_shown(
    page: Served, mine: ParamNetwork, own_server: ServerProcess
) -> None:
    mine.push_finished_tasks(points(MANY), [Scores(y=0.0)] * MANY)
    mine.push_failed_tasks(points(MANY), conditions=["diverged"])
    mine.push_tasks(points(MANY))
    root = f"/api/networks/{mine.network_id}"
    with page.client() as client, own_server.client() as server:
        assert client.get(f"{root}/summary.json").json()["progress"]["finished"] == MANY

        def sent() -> tuple[int, int]:
            info: Any = server.info("stats")
            return info["total_net_output_bytes"], info["total_commands_processed"]

        def refresh() -> None:
            n = shown(page)
            mine.push_finished_tasks(points(1), [Scores(y=0.0)])
            wait_until(lambda: shown(page) == n + 1, description="the page has the new task")
            summary = client.get(f"{root}/summary.json").json()
            assert len(summary["errors"]) == 5
            for state in ("finished", "queued", "failed", "running"):
                parameters = {"state": state, "offset": MANY - 50, "limit": 50}
                reply = client.get(f"{root}/tasks.json", params=parameters).json()
                assert len(reply["rows"]) == (0 if state == "running" else 50)
                assert reply["total"] >= (0 if state == "running" else MANY)

        n_bytes, n_commands = sent()
        refresh()
        more_bytes, more_commands = sent()
        assert more_bytes - n_bytes < 200_000  # of some 10 MB
        assert more_commands - n_commands < 150


def test_networks_that_nobody_looks_at_cost_nothing(
    page: Served, mine: ParamNetwork, own_server: ServerProcess
) -> None:
    with own_server.client() as server:
        server.flushall()
    others = [ParamNetwork(f"other-{i}", redis=own_server.url) for i in range(5)]
    for other in others:
        other.push_finished_tasks(points(10), [Scores(y=0.0)] * 10)
        other._channel.close()
    mine._channel.close()
    with page.client() as client, own_server.client() as server:
        before = server.info("clients")["connected_clients"]
        assert len(client.get("/api/networks.json").json()["networks"]) == 5
        assert server.info("clients")["connected_clients"] <= before
        with page.events(others[0].network_id) as events:
            next(events)
            assert list(page.lookout._watched) == [others[0].network_id]


def test_a_chart_is_made_once_for_all_pages(page: Served, mine: ParamNetwork) -> None:
    mine.push_finished_tasks(points(100), [Scores(y=0.0)] * 100)
    url = f"/api/networks/{mine.network_id}/charts/progress.json"
    with page.client() as client:
        first = client.get(url)
        _, pacer = page.lookout._watched[mine.network_id]
        (chart,) = [kept for key, kept in pacer._kept.items() if "chart" in str(key)]
        made = chart.made_at
        assert [client.get(url).content == first.content for _ in range(5)] == [True] * 5
        assert chart.made_at == made
