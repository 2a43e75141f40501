"""Reserving the names of free-form extras."""

from __future__ import annotations

from tests.store.stored import JOINED, StoredNetwork


def test_free_names_are_reserved(net: StoredNetwork) -> None:
    seen = net.watch()
    assert net.store.claim_columns("xs_extra", ["a", "b"]) == []
    assert seen.changes() == {"meta": {**JOINED, "column:a": "xs_extra", "column:b": "xs_extra"}}


def test_the_repeat_changes_nothing(net: StoredNetwork) -> None:
    net.store.claim_columns("xs_extra", ["a", "b"])
    assert net.repeat() == ([], {})


def test_names_of_another_field_are_refused_and_none_is_reserved(net: StoredNetwork) -> None:
    net.store.claim_columns("xs_extra", ["a", "b"])
    seen = net.watch()
    assert net.store.claim_columns("ys_extra", ["b", "c", "a"]) == ["b", "a"]
    assert seen.changes() == {}


def test_further_names_are_added(net: StoredNetwork) -> None:
    net.store.claim_columns("xs_extra", ["a"])
    net.store.claim_columns("ys_extra", ["b"])
    seen = net.watch()
    assert net.store.claim_columns("xs_extra", ["a", "c"]) == []
    assert seen.changes() == {
        "meta": {
            **JOINED,
            "column:a": "xs_extra",
            "column:b": "ys_extra",
            "column:c": "xs_extra",
        }
    }


def test_a_reset_frees_the_names(net: StoredNetwork) -> None:
    net.store.claim_columns("xs_extra", ["a"])
    net.store.reset("e2", workers=False)
    assert net.store.claim_columns("ys_extra", ["a"]) == []
