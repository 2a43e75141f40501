"""Recording the schemas of a network."""

from __future__ import annotations

import pytest

from rushtyped.store import Joined
from tests.store.stored import StoredNetwork


@pytest.fixture(autouse=True)
def nobody_has_joined(net: StoredNetwork) -> None:
    """Begin with a network that is not there yet."""
    net.client.delete(net.keys.meta)


def test_the_first_user_records_its_schemas(net: StoredNetwork) -> None:
    seen = net.watch()
    assert net.store.join("1", "e1", b"mine") == Joined(b"1", b"e1", b"mine")
    assert net.reply == [b"1", b"e1", b"mine"]
    assert seen.changes() == {"meta": {"version": "1", "epoch": "e1", "schemas": "mine"}}


def test_a_later_user_is_told_what_is_there(net: StoredNetwork) -> None:
    net.store.join("1", "e1", b"theirs")
    seen = net.watch()
    assert net.store.join("2", "e2", b"mine") == Joined(b"1", b"e1", b"theirs")
    assert seen.changes() == {}


def test_the_repeat_changes_nothing(net: StoredNetwork) -> None:
    net.store.join("1", "e1", b"mine")
    assert net.repeat() == ([b"1", b"e1", b"mine"], {})


def test_known_schemas_may_be_replaced(net: StoredNetwork) -> None:
    net.store.join("1", "e1", b"old")
    seen = net.watch()
    assert net.store.join("1", "e2", b"new", known=b"old") == Joined(b"1", b"e1", b"new")
    assert seen.changes() == {"meta": {"version": "1", "epoch": "e1", "schemas": "new"}}
    assert net.repeat() == ([b"1", b"e1", b"new"], {})


def test_schemas_that_somebody_else_replaced_meanwhile_stay(net: StoredNetwork) -> None:
    net.store.join("1", "e1", b"old")
    net.store.join("1", "e2", b"theirs", known=b"old")
    seen = net.watch()
    assert net.store.join("1", "e3", b"mine", known=b"old") == Joined(b"1", b"e1", b"theirs")
    assert seen.changes() == {}


def test_a_reset_network_is_joined_with_its_new_epoch(net: StoredNetwork) -> None:
    net.store.join("1", "e1", b"old")
    net.store.reset("e2", workers=True)
    assert net.store.join("1", "e3", b"new") == Joined(b"1", b"e2", b"new")
