"""Noting which server a network is on, where one of its workers has registered on another."""

from __future__ import annotations

from typing import Any

import pytest

from rushtyped.lua import load_script
from rushtyped.worker_store import WorkerStore
from tests.store.contents import NOW
from tests.store.stored import LEASE, StoredNetwork


def note(net: StoredNetwork, server: str) -> Any:
    """Say which server this is, and ask about the worker w1."""
    names = (net.keys.meta, net.keys.worker("w1").record)
    return net.channel.run(load_script("note_server"), len(names), *names, server)


def register(net: StoredNetwork, record: dict[str, str | bytes | int | float]) -> None:
    assert WorkerStore(net.store, "w1").register(record, LEASE)


@pytest.mark.parametrize("record", [{"pid": 1, "server": "first"}, {"pid": 1}])
def test_the_server_that_a_worker_has_registered_on_is_not_noted(
    net: StoredNetwork, record: dict[str, str | bytes | int | float]
) -> None:
    register(net, record)
    seen = net.watch()
    assert note(net, "first") == -1
    assert seen.changes() == {}


def test_the_time_on_another_server_counts_from_when_it_was_seen(net: StoredNetwork) -> None:
    register(net, {"server": "first"})
    for server in ("second", "first"):
        seen = net.watch()
        assert note(net, server) == 0
        assert seen.changes()["meta"]["server"] == server
        assert seen.changes()["meta"]["server_since"] == NOW
        reply, changes = net.repeat()
        assert 0 < reply < 60_000_000
        assert changes == {}


def test_nothing_is_noted_where_there_is_no_network(net: StoredNetwork) -> None:
    register(net, {"server": "first"})
    net.client.delete(net.keys.meta)
    seen = net.watch()
    assert note(net, "second") == -1
    assert seen.changes() == {}
