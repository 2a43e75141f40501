"""Reading fields of hashes."""

from __future__ import annotations

import pytest

from rushtyped import index_store
from tests.store.stored import StoredNetwork


def test_values_come_field_by_field_in_the_order_of_the_keys(net: StoredNetwork) -> None:
    net.store.push_tasks([("a", b"A", b"EA"), ("b", b"B", b"")])
    seen = net.watch()
    columns = net.store.indexes.read_hashes(["b", "a"], ["xs_extra", "xs"])
    assert net.reply == [None, b"B", b"EA", b"A"]
    assert columns == {"xs_extra": [None, b"EA"], "xs": [b"B", b"A"]}
    assert seen.changes() == {}


def test_an_unknown_hash_has_no_values(net: StoredNetwork) -> None:
    net.push("a")
    columns = net.store.indexes.read_hashes(["nobody", "a"], ["xs", "state"])
    assert columns == {"xs": [None, b"A"], "state": [None, b"queued"]}


def test_a_key_may_be_asked_for_twice(net: StoredNetwork) -> None:
    net.push("a")
    assert net.store.indexes.read_hashes(["a", "a"], ["xs"]) == {"xs": [b"A", b"A"]}


def test_no_keys_give_empty_columns(net: StoredNetwork) -> None:
    assert net.store.indexes.read_hashes([], ["xs", "ys"]) == {"xs": [], "ys": []}


def test_no_fields_give_no_columns(net: StoredNetwork) -> None:
    net.push("a")
    assert net.store.indexes.read_hashes(["a"], []) == {}


def test_many_keys_are_read_in_chunks(net: StoredNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    net.push(*"abcde")
    net.store.indexes.read_hashes(["a"], ["xs"])
    monkeypatch.setattr(index_store, "CHUNK", 2)
    before = net.channel.n_round_trips
    assert net.store.indexes.read_hashes(list("edcba"), ["xs"]) == {
        "xs": [b"E", b"D", b"C", b"B", b"A"]
    }
    assert net.channel.n_round_trips - before == 3
