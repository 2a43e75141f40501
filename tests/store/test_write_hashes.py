"""Writing fields of hashes that no transition of a task writes."""

from __future__ import annotations

from tests.store.contents import EARLIER
from tests.store.stored import StoredNetwork


def test_hashes_are_written_and_remembered_for_a_reset(net: StoredNetwork) -> None:
    seen = net.watch()
    rows = [("a", b"1", b"2"), ("b", b"3", b"4")]
    assert net.store.write_hashes(["note", "mark"], rows, guarded=False) == []
    assert seen.changes() == {
        "task:a": {"note": "1", "mark": "2"},
        "task:b": {"note": "3", "mark": "4"},
        "hashes": {"a", "b"},
    }


def test_the_repeat_changes_nothing(net: StoredNetwork) -> None:
    net.store.write_hashes(["note"], [("a", b"1")], guarded=False)
    assert net.repeat() == ([], {})


def test_a_field_is_written_over_and_others_stay(net: StoredNetwork) -> None:
    net.store.write_hashes(["note", "mark"], [("a", b"1", b"2")], guarded=False)
    seen = net.watch()
    net.store.write_hashes(["note"], [("a", b"9")], guarded=False)
    assert seen.changes() == {"task:a": {"note": "9", "mark": "2"}}


def test_a_task_may_get_fields_of_its_users(net: StoredNetwork) -> None:
    net.push("a")
    seen = net.watch()
    assert net.store.write_hashes(["note"], [("a", b"1")], guarded=False) == []
    assert seen.changes() == {
        "task:a": {
            "state": "queued",
            "xs": "A",
            "attempt": "1",
            "created_at": EARLIER,
            "note": "1",
        }
    }


def test_guarded_fields_of_a_task_are_refused_and_nothing_is_written(net: StoredNetwork) -> None:
    net.push("a", "b")
    seen = net.watch()
    rows = [("free", b"1"), ("b", b"1"), ("a", b"1")]
    assert net.store.write_hashes(["ys"], rows, guarded=True) == ["b", "a"]
    assert seen.changes() == {}


def test_guarded_fields_of_other_hashes_are_written(net: StoredNetwork) -> None:
    seen = net.watch()
    assert net.store.write_hashes(["ys"], [("free", b"1")], guarded=True) == []
    assert seen.changes() == {"task:free": {"ys": "1"}, "hashes": {"free"}}


def test_any_bytes_may_be_stored(net: StoredNetwork) -> None:
    every = bytes(range(256))
    net.store.write_hashes(["note"], [("a", every)], guarded=False)
    assert net.store.indexes.read_hashes(["a"], ["note"]) == {"note": [every]}
