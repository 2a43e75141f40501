"""Keeping worker loops."""

from __future__ import annotations

from tests.store.stored import StoredNetwork


def test_a_loop_is_kept_under_its_digest(net: StoredNetwork) -> None:
    seen = net.watch()
    net.store.store_loop("abc", b"signed")
    assert net.reply == 1
    assert seen.changes() == {"loop:abc": "signed", "loops": {"abc"}}
    assert net.store.read_loop("abc") == b"signed"


def test_loops_lie_side_by_side(net: StoredNetwork) -> None:
    net.store.store_loop("abc", b"one")
    seen = net.watch()
    net.store.store_loop("def", b"\x00\xff")
    assert net.store.read_loop("def") == b"\x00\xff"
    assert net.store.read_loop("abc") == b"one"
    assert net.client.smembers(net.keys.loops) == {b"abc", b"def"}
    net.client.delete(net.keys.loop("def"))
    assert seen.changes() == {"loops": {"abc", "def"}}


def test_the_repeat_changes_nothing(net: StoredNetwork) -> None:
    net.store.store_loop("abc", b"signed")
    assert net.repeat() == (1, {})


def test_an_unknown_loop_is_none(net: StoredNetwork) -> None:
    assert net.store.read_loop("abc") is None
