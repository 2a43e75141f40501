"""A dashboard that runs in a thread, as `rushtyped dashboard` runs it in a process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any, NamedTuple

import httpx

from rushtyped.dashboard import make_app
from rushtyped.dashboard.lookout import Lookout
from rushtyped.dashboard.server import listen, new_server


class Event(NamedTuple):
    """A server-sent event."""

    name: str
    data: Any


class Served(NamedTuple):
    """Where a dashboard answers."""

    url: str
    """As in http://127.0.0.1:8700, without a slash at the end."""
    token: str | None
    lookout: Lookout
    """What it looks at."""

    @property
    def entry(self) -> str:
        """The URL that a user opens first."""
        return f"{self.url}/?token={self.token}" if self.token else f"{self.url}/"

    def client(self) -> httpx.Client:
        """Make a client that has the token."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30.0)

    @contextmanager
    def events(self, network_id: str) -> Iterator[Iterator[Event]]:
        """Open the stream of a network's events."""
        with (
            self.client() as client,
            client.stream("GET", f"/events/{network_id}", timeout=60.0) as reply,
        ):
            assert reply.status_code == 200, reply.read()
            yield _events(reply.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[Event]:
    """Read server-sent events; a comment is one of the name ":"."""
    name = ""
    for line in lines:
        if line.startswith(":"):
            yield Event(":", line[1:].strip())
        elif line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield Event(name, json.loads(line.removeprefix("data: ")))


@contextmanager
def served(
    redis_url: str, *, token: str | None = None, allow_control: bool = False, port: int = 0
) -> Iterator[Served]:
    """Serve the networks of a server as long as the block lasts."""
    app = make_app(redis=redis_url, token=token, allow_control=allow_control)
    server = new_server(app)
    with listen("127.0.0.1", port) as listening:
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        lookout: Lookout = app.state.lookout
        try:
            yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}", token, lookout)
        finally:
            server.should_exit = True
            thread.join(30.0)
            assert not thread.is_alive(), "the dashboard does not end"


def strictly(text: str) -> Any:
    """Read JSON, in which numbers are finite."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)
