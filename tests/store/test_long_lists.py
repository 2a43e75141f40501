"""Lists that are too long for one command, read and worked off in steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rushtyped import index_store
from rushtyped import store as store_module
from rushtyped.channel import Argument, Command
from rushtyped.pace import Pace
from rushtyped.store import row_chunks
from tests.store.stored import StoredNetwork

KEYS = [f"k{number:02d}" for number in range(20)]


@pytest.fixture(autouse=True)
def short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each step list six keys, two of them again."""
    monkeypatch.setattr(index_store, "LISTED", 6)
    monkeypatch.setattr(index_store, "OVERLAP", 2)


def between_steps(
    net: StoredNetwork, monkeypatch: pytest.MonkeyPatch, *changes: Callable[[], object]
) -> None:
    """Change something before the second and each later step of a list."""
    call, left = net.channel.call, list(changes)
    seen: list[Command] = []

    def call_and_change(*command: Argument) -> Any:
        if command[0] in ("LRANGE", "ZRANGE"):
            if seen and left:
                left.pop(0)()
            seen.append(command)
        return call(*command)

    monkeypatch.setattr(net.channel, "call", call_and_change)


@pytest.mark.parametrize("n", [0, 1, 5, 6, 7, 10, 11, 20])
def test_a_list_of_any_length_is_read_whole(net: StoredNetwork, n: int) -> None:
    net.push(*KEYS[:n]) if n else None
    net.push_failed(*(key.upper() for key in KEYS[:n])) if n else None
    assert net.store.indexes.task_keys("queue") == KEYS[:n]
    assert net.store.indexes.task_keys("failed") == [key.upper() for key in KEYS[:n]]
    listed = net.store.indexes.snapshot(["failed", "queue", "finished"])
    assert listed == (0, [[key.upper() for key in KEYS[:n]], KEYS[:n], []])


@pytest.mark.parametrize("n_popped", [1, 2, 3, 6, 9, 14, 15])
def test_nothing_that_stays_is_left_out_when_others_go(
    net: StoredNetwork, monkeypatch: pytest.MonkeyPatch, n_popped: int
) -> None:
    net.push(*KEYS)
    between_steps(net, monkeypatch, lambda: net.client.lpop(net.keys.queue, n_popped))
    listed = net.store.indexes.task_keys("queue")
    assert [key for key in listed if key in KEYS[n_popped:]] == KEYS[n_popped:]
    assert len(set(listed)) == len(listed)


def test_nothing_is_listed_twice_when_others_come_in_front(
    net: StoredNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.push(*KEYS)
    between_steps(net, monkeypatch, lambda: net.client.lpush(net.keys.queue, "new1", "new2"))
    listed = net.store.indexes.task_keys("queue")
    assert [key for key in listed if key in KEYS] == KEYS
    assert len(set(listed)) == len(listed)


def test_a_list_that_is_emptied_meanwhile_ends(
    net: StoredNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.push(*KEYS)
    between_steps(net, monkeypatch, lambda: net.client.delete(net.keys.queue))
    assert net.store.indexes.task_keys("queue") == KEYS[:6]


def test_a_task_that_moves_on_meanwhile_is_listed_where_it_was_found_last(
    net: StoredNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = net.worker()
    net.push(*KEYS)
    between_steps(net, monkeypatch, lambda: net.pop(worker, 1))
    _, (running, queued) = net.store.indexes.snapshot(["running", "queue"])
    assert running == [KEYS[0]]
    assert sorted(queued) == KEYS[1:]


def test_what_has_been_settled_is_seen_in_steps(net: StoredNetwork) -> None:
    net.push_finished(*KEYS)
    net.push_failed(*(key.upper() for key in KEYS))
    _, finished, failed, _ = net.store.indexes.settled_since(0, 0.0)
    assert finished == KEYS
    assert sorted({key for key, _ in failed}) == [key.upper() for key in KEYS]
    _, finished, _, _ = net.store.indexes.settled_since(3, 0.0)
    assert finished == KEYS[2:]


def test_tasks_deep_in_a_long_queue_are_failed_by_several_calls(net: StoredNetwork) -> None:
    keys = [f"k{number}" for number in range(20_000)]
    net.push(*keys)
    middle = keys[9_000:9_100]
    net.channel.history.clear()
    assert net.store.fail_tasks("", "t1", [(key, b"C") for key in middle]) == [1] * 100
    calls = [len(sent) - 10 for script, sent in net.channel.history if script.name == "fail_tasks"]
    assert len(calls) > 5
    assert calls[0] == 200
    assert net.store.indexes.count("queue") == 19_900
    assert sorted(net.store.indexes.task_keys("failed")) == sorted(middle)


@pytest.mark.parametrize("part", [slice(0, 1000), slice(-1000, None)])
def test_tasks_at_either_end_of_a_long_queue_are_failed_by_few_calls(
    net: StoredNetwork, part: slice
) -> None:
    keys = [f"k{number}" for number in range(20_000)]
    net.push(*keys)
    net.channel.history.clear()
    assert net.store.fail_tasks("", "t1", [(key, b"C") for key in keys[part]]) == [1] * 1000
    assert len(net.channel.history) < 20


def test_rows_are_cut_by_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "CHUNK_BYTES", 10)
    rows = [("a", b"123"), ("b", b"123"), ("c", b"1234567890"), ("d", b"1"), ("e", b"")]
    assert [list(piece) for piece in row_chunks(rows)] == [rows[:2], rows[2:3], rows[3:]]
    assert [list(piece) for piece in row_chunks(rows[3:], 1)] == [rows[3:4], rows[4:]]
    assert list(row_chunks([])) == []


def test_refused_hashes_beyond_one_call_keep_all_others_from_being_written(
    net: StoredNetwork,
) -> None:
    net.push("task")
    rows = [(f"h{number}", b"1") for number in range(1500)]
    seen = net.watch()
    refused = net.store.write_hashes(["xs"], [*rows, ("task", b"1")], guarded=True)
    assert refused == ["task"]
    assert seen.changes() == {}
    assert net.store.write_hashes(["xs"], rows, guarded=True) == []
    assert net.client.scard(net.keys.hashes) == 1500


def test_the_first_read_is_a_small_one_and_the_next_goes_by_its_size() -> None:
    pace = Pace()
    assert pace.rows(["xs"], 4000) == 100
    pace.note(["xs"], [b"x" * 100_000] * 100, 1)
    assert pace.rows(["xs"], 4000) == 40
    pace.note(["xs"], [b"x" * 10, None] * 40, 2)
    assert pace.rows(["xs"], 4000) == 4000
    assert pace.rows(["ys"], 4000) == 100
    pace.note(["ys"], [b"x" * 9_000_000], 1)
    assert pace.rows(["ys"], 4000) == 1
    pace.note(["ys"], [], 1)
    assert pace.rows(["ys"], 4000) == 1


@pytest.mark.parametrize("place", [0, 1, 2])
def test_large_values_are_weighed_whichever_column_of_many_rows_they_are_in(place: int) -> None:
    pace, row = Pace(), [b"x"] * 3
    row[place] = b"x" * 10_000
    pace.note(["a", "b"], row * 2000, 3)
    assert 300 < pace.rows(["a", "b"], 4000) < 500


def test_many_fields_are_fewer_rows() -> None:
    fields = [f"f{number}" for number in range(400)]
    pace = Pace()
    pace.note(fields, [b"1"] * 40_000, 400)
    assert pace.rows(fields, 4000) == 100
    assert Pace().rows([f"f{number}" for number in range(100_000)], 4000) == 1
