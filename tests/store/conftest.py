"""A fresh network for each test, on an emptied server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from rushtyped.connect import Endpoint, resolve_endpoint
from rushtyped.keys import NetworkKeys
from rushtyped.store import Store
from tests.servers.behind import client_of
from tests.servers.forms import Form
from tests.store.stored import RecordingChannel, StoredNetwork, joined


@pytest.fixture
def endpoint(server_form: Form, redis_url: str, request: pytest.FixtureRequest) -> Endpoint:
    """The session's server, as a channel wants it."""
    name = "the server of the tests"
    if server_form is not Form.VALKEY:
        return replace(resolve_endpoint(redis_url), address=name)
    directory: Path = request.getfixturevalue("server_directory")
    return Endpoint(address=name, directory=directory)


@pytest.fixture
def client(redis_url: str, network_id: str) -> Iterator[redis.Redis]:
    """A plain client of the emptied server."""
    client: redis.Redis = client_of(redis_url, network_id)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def channel(client: redis.Redis, endpoint: Endpoint, network_id: str) -> Iterator[RecordingChannel]:
    """A channel to the emptied server."""
    channel = RecordingChannel(endpoint, NetworkKeys(network_id).meta, retry_timeout=10.0)
    yield channel
    channel.close()


@pytest.fixture
def store(channel: RecordingChannel, network_id: str) -> Store:
    """The store of a fresh network that somebody has joined."""
    store = joined(Store(channel, NetworkKeys(network_id)))
    channel.history.clear()
    return store


@pytest.fixture
def net(client: redis.Redis, channel: RecordingChannel, store: Store) -> StoredNetwork:
    """A fresh network, to be looked at from all sides."""
    return StoredNetwork(client, channel, store)
