"""What a worker keeps of its tasks: what runs, what it has settled lately, within bounds."""

from __future__ import annotations

import pytest

from rushtyped import journal as module
from rushtyped.journal import Entry, Journal


def entries(journal: Journal) -> list[tuple[str, str]]:
    return [(entry.key, entry.state) for entry in journal.entries()]


def test_settled_tasks_come_in_their_order_before_those_that_run() -> None:
    journal = Journal()
    for key in "abc":
        journal.begin(key, 1, b"X", b"E")
    journal.begin("d", 3, b"X", b"")
    journal.settle("d", "failed", b"C", b"")
    journal.settle("b", "finished", b"Y", b"F")
    assert journal.entries() == [
        Entry("d", "failed", "3", b"X", b"", b"C", b""),
        Entry("b", "finished", "1", b"X", b"E", b"Y", b"F"),
        Entry("a", "running", "1", b"X", b"E", b"", b""),
        Entry("c", "running", "1", b"X", b"E", b"", b""),
    ]


def test_a_task_that_another_process_has_begun_has_no_xs() -> None:
    journal = Journal()
    journal.settle("a", "finished", b"Y", b"")
    assert journal.entries() == [Entry("a", "finished", "1", b"", b"", b"Y", b"")]


def test_a_task_that_was_dropped_is_not_held() -> None:
    journal = Journal()
    journal.begin("a", 1, b"X", b"")
    assert journal.holds(["z", "a"])
    journal.drop("a")
    journal.drop("a")
    assert not journal.holds(["z", "a"])
    assert journal.entries() == []


def test_the_oldest_of_too_many_settled_tasks_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_SETTLED", 2)
    journal = Journal()
    for key in "abc":
        journal.settle(key, "finished", b"Y", b"")
    assert entries(journal) == [("b", "finished"), ("c", "finished")]
    assert journal.is_complete


def test_the_oldest_of_too_large_settled_tasks_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    journal = Journal()
    for key in "abc":
        journal.settle(key, "finished", b"1234", b"5")
    assert entries(journal) == [("b", "finished"), ("c", "finished")]
    journal.settle("d", "finished", b"12345678901", b"")
    assert entries(journal) == [("d", "finished")]


def test_what_was_settled_long_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal()
    now = [100.0]
    monkeypatch.setattr("rushtyped.journal.time.monotonic", lambda: now[0])
    journal.settle("a", "finished", b"Y", b"")
    now[0] += 59.0
    journal.settle("b", "finished", b"Y", b"")
    now[0] += 59.0
    assert entries(journal) == [("a", "finished"), ("b", "finished")]
    journal.settle("c", "finished", b"Y", b"")
    assert entries(journal) == [("b", "finished"), ("c", "finished")]


def test_the_oldest_of_too_large_running_tasks_is_forgotten_and_that_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    journal = Journal()
    for key in "abc":
        journal.begin(key, 1, b"1234", b"")
        journal.drop("a")
    journal.begin("d", 1, b"123", b"")
    assert entries(journal) == [("c", "running"), ("d", "running")]
    assert not journal.is_complete


def test_what_is_forgotten_leaves_the_others_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    journal = Journal()
    for key in "abcd":
        journal.begin(key, 1, b"12345", b"")
        if key in "ab":
            journal.settle(key, "finished", b"", b"")
    journal.forget({"a", "c", "unknown"})
    assert entries(journal) == [("b", "finished"), ("d", "running")]
    assert journal.is_complete
    journal.begin("e", 1, b"12345", b"")
    journal.settle("f", "finished", b"12345", b"")
    assert entries(journal) == [
        *(("b", "finished"), ("f", "finished")),
        *(("d", "running"), ("e", "running")),
    ]
