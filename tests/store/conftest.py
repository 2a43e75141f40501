"""A fresh network for each test, on an emptied embedded server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from rushtyped.connect import Endpoint
from rushtyped.keys import NetworkKeys
from rushtyped.store import Store
from tests.store.stored import RecordingChannel, StoredNetwork, joined


@pytest.fixture
def endpoint(server_directory: Path) -> Endpoint:
    """The session's embedded server, as a channel wants it."""
    return Endpoint(address="the server of the tests", directory=server_directory)


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """A plain client of the emptied server."""
    client = redis.Redis.from_url(redis_url, protocol=2)
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
