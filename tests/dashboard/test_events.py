"""Events of the live page: what is new comes by itself."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from rushtyped import Network
from rushtyped.dashboard.watched import PERIOD
from tests.dashboard.serving import Event, Served, served
from tests.models import ParamNetwork, Params, Scores, points
from tests.servers.process import ServerProcess
from tests.waiting import wait_until


@pytest.fixture
def mine(redis_url: str, network_id: str) -> ParamNetwork:
    """A network that may be changed."""
    return ParamNetwork(network_id, redis=redis_url, max_tasks=1000)


@pytest.fixture(autouse=True)
def in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let refreshes follow each other sooner than they do for users."""
    monkeypatch.setattr("rushtyped.dashboard.watched.PERIOD", 0.1)
    monkeypatch.setattr("rushtyped.dashboard.events._AGAIN", 0.1)


def finish(network: ParamNetwork, n: int = 1) -> None:
    """Add finished tasks."""
    network.push_finished_tasks(points(n), [Scores(y=1.0)] * n)


def first(events: Iterator[Event], wanted: Callable[[Event], bool]) -> Event:
    """Read on to an event."""
    return next(event for event in events if wanted(event))


def n_finished(event: Event) -> int:
    """How many tasks an event says have finished; -1 where it says nothing of it."""
    return int(event.data["progress"]["finished"]) if event.name == "progress" else -1


def watching(network: ParamNetwork) -> int:
    """Count the threads that look at a network."""
    return sum(network.network_id in thread.name for thread in threading.enumerate())


def test_the_progress_comes_at_once_and_after_each_change(
    dashboard: Served, mine: ParamNetwork
) -> None:
    with dashboard.events(mine.network_id) as events:
        event = next(events)
        assert event.name == "progress"
        assert event.data["progress"] == {
            "queued": 0,
            "running": 0,
            "finished": 0,
            "failed": 0,
            "running_workers": 0,
            "max_tasks": 1000,
            "seconds_left": None,
            "spent": False,
        }
        assert event.data["rate"] == 0.0
        finish(mine, 3)
        event = first(events, lambda event: n_finished(event) == 3)
        assert event.data["rate"] > 0.0
        mine.push_tasks(points(2))
        event = first(events, lambda event: event.data["progress"]["queued"] > 0)
        assert event.data["progress"]["queued"] == 2
        mine.reset(workers=False)
        assert first(events, lambda event: n_finished(event) == 0)


def test_events_come_at_most_once_a_second(
    dashboard: Served, mine: ParamNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rushtyped.dashboard.watched.PERIOD", PERIOD)
    n = 0
    with dashboard.events(mine.network_id) as events:
        began = time.monotonic()
        next(events)
        while n < 2:
            finish(mine)
            n += 1
            first(events, lambda event, n=n: n_finished(event) == n)  # type: ignore[misc]
    assert time.monotonic() - began >= (n - 1) * PERIOD


def test_many_pages_share_one_watcher(dashboard: Served, mine: ParamNetwork) -> None:
    with (
        dashboard.events(mine.network_id) as one,
        dashboard.events(mine.network_id) as other,
        dashboard.client() as client,
    ):
        assert next(one) == next(other)
        client.get(f"/api/networks/{mine.network_id}/summary.json")
        assert watching(mine) == 1
        finish(mine, 2)
        for events in (one, other):
            assert first(events, lambda event: n_finished(event) == 2)


def test_a_network_is_opened_once_for_all_who_ask_at_once(
    dashboard: Served, mine: ParamNetwork
) -> None:
    finish(mine, 1000)
    url = f"/api/networks/{mine.network_id}/summary.json"
    with dashboard.client() as client, ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: client.get(url), range(40)))
        assert [reply.json()["progress"]["finished"] for reply in replies] == [1000] * 40
        assert watching(mine) == 1


def test_a_page_that_does_not_read_holds_up_nobody(dashboard: Served, mine: ParamNetwork) -> None:
    parts = urlsplit(dashboard.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        for _ in range(200):  # requests whose replies nobody reads
            slow.send(f"GET /events/{mine.network_id} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        with dashboard.events(mine.network_id) as events, dashboard.client() as client:
            next(events)
            finish(mine, 4)
            assert first(events, lambda event: n_finished(event) == 4)
            assert client.get("/api/networks.json").status_code == 200


def test_a_network_that_vanishes_is_gone(dashboard: Served, mine: ParamNetwork) -> None:
    with dashboard.events(mine.network_id) as events, dashboard.client() as client:
        next(events)
        mine.expire(0)
        event = first(events, lambda event: event.name == "gone")
        assert mine.network_id in event.data["error"]
        assert list(events) == []
        reply = client.get(f"/api/networks/{mine.network_id}/summary.json")
        assert reply.status_code == 404


def test_a_network_that_is_made_anew_with_other_models_shows_as_it_is(
    dashboard: Served, mine: ParamNetwork, redis_url: str
) -> None:
    class Others(Scores):
        z: float

    finish(mine, 3)
    with dashboard.client() as client:
        url = f"/api/networks/{mine.network_id}/summary.json"
        assert client.get(url).json()["ys"] == ["y"]
        mine.expire(0)
        other = Network[Params, Others](mine.network_id, redis=redis_url)
        other.push_finished_tasks(points(1), [Others(y=1.0, z=2.0)])

        def is_new() -> bool:
            reply = client.get(url).json()
            columns: list[str] | None = reply.get("ys")
            return columns == ["y", "z"] and [row["z"] for row in reply["best"]] == [2.0]

        wait_until(is_new, description="the page shows the new columns")


def test_a_server_that_goes_away_and_comes_back(
    own_server: ServerProcess, network_id: str, warnings_seen: list[str]
) -> None:
    network = ParamNetwork(network_id, redis=own_server.url)
    finish(network, 2)
    with served(own_server.url) as page, page.events(network_id) as events, page.client() as client:
        assert n_finished(next(events)) == 2
        own_server.kill()
        event = first(events, lambda event: event.name == "away")
        assert "did not answer" in event.data["error"]
        for route in ("summary.json", "tasks.json", "workers.json", "charts/states.json"):
            assert client.get(f"/api/networks/{network_id}/{route}").status_code == 503
        with page.events(network_id) as late:
            assert next(late).name == "away"
        assert client.get("/").status_code == 200
        own_server.start()
        assert first(events, lambda event: n_finished(event) == 2)
        own_server.wait()
        finish(network)
        assert first(events, lambda event: n_finished(event) == 3)
        assert client.get(f"/api/networks/{network_id}/summary.json").status_code == 200


def test_a_page_may_be_opened_before_the_server_is_there(
    own_server: ServerProcess, network_id: str
) -> None:
    finish(ParamNetwork(network_id, redis=own_server.url), 2)
    own_server.kill()
    with served(own_server.url) as page, page.events(network_id) as events:
        assert next(events).name == "away"
        own_server.start()
        assert first(events, lambda event: n_finished(event) == 2)


def test_nobody_looks_at_a_network_whose_pages_are_closed(
    dashboard: Served, mine: ParamNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rushtyped.dashboard.watched.LINGER", 0.1)
    with dashboard.events(mine.network_id) as events:
        next(events)
        finish(mine)
        assert first(events, lambda event: n_finished(event) == 1)
        assert watching(mine) == 1
    wait_until(lambda: watching(mine) == 0, description="the thread has ended")
    with dashboard.events(mine.network_id) as events:
        assert n_finished(next(events)) == 1


def test_a_comment_keeps_a_quiet_stream_open(
    dashboard: Served, mine: ParamNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rushtyped.dashboard.events.KEEP_OPEN", 0.05)
    with dashboard.events(mine.network_id) as events:
        assert [next(events).name for _ in range(3)] == ["progress", ":", ":"]


def test_a_dashboard_ends_while_pages_are_open(redis_url: str, mine: ParamNetwork) -> None:
    with served(redis_url) as page:
        stream = page.events(mine.network_id)
        events = stream.__enter__()
        assert next(events).name == "progress"
    assert [event.name for event in events if event.name != "progress"] == []
    stream.__exit__(None, None, None)
    wait_until(lambda: watching(mine) == 0, description="the thread has ended")
