"""Beginning a network anew, and sweeping up what was left behind."""

from __future__ import annotations

from typing import Any

import pytest

from rushtyped import store as store_module
from rushtyped.log_store import LogStore
from tests.store.contents import contents
from tests.store.stored import JOINED, StoredNetwork, joined


def fill(net: StoredNetwork) -> None:
    """Write something under every key that a network has."""
    store = net.store
    store.join("1", "e1", b"schemas")
    store.set_budget(9, 100.0)
    store.claim_columns("xs_extra", ["note"])
    worker, ended = net.worker("w1"), net.worker("w2")
    net.push_running(worker, "r")
    store.stop_workers("kill", ())
    net.settle(ended)
    net.push("p", "q")
    net.move_to_pending(worker)
    net.push_finished("x")
    net.push_failed("f")
    store.write_hashes(["note"], [("h", b"1")], guarded=False)
    store.store_loop("abc", b"signed")
    for worker_id in ("w1", "w2", "refused"):
        LogStore(store).push(worker_id, 1, 100, [b"line"])


def names(net: StoredNetwork) -> list[str]:
    return [name.removeprefix(net.keys.prefix) for name in contents(net.client)]


WORKERS_OWN = [
    f"worker:{worker}{part}"
    for worker in ("w1", "w2")
    for part in ("", ":heartbeat", ":kill", ":log", ":terminate")
    if (worker, part) != ("w2", ":heartbeat")
]


def test_the_network_to_reset_has_every_key(net: StoredNetwork) -> None:
    fill(net)
    assert names(net) == [
        *("all", "events", "failed", "finished", "hashes", "logs", "loop:abc", "loops", "meta"),
        *("queue", "running", "running_workers"),
        *("task:f", "task:h", "task:p", "task:q", "task:r", "task:x", "terminated_workers"),
        "worker:refused:log",
        *sorted((*WORKERS_OWN, "worker:w1:pending", "worker:w1:tasks")),
        "workers",
    ]


def test_tasks_go_and_workers_stay(net: StoredNetwork) -> None:
    fill(net)
    seen = net.watch()
    net.store.reset("e2", workers=False)
    gone = ("all", "failed", "finished", "hashes", "queue", "running")
    tasks = [f"task:{key}" for key in "fhpqrx"]
    assert seen.changes() == {
        **dict.fromkeys((*gone, *tasks, "worker:w1:pending", "worker:w1:tasks")),
        "meta": {
            "epoch": "e2",
            "max_tasks": "9",
            "max_seconds": "100.0",
            "version": "1",
            "schemas": "schemas",
        },
        "events": ["reset 0"],
    }


def test_workers_loops_and_schemas_go_where_asked_to(net: StoredNetwork) -> None:
    fill(net)
    net.store.reset("e2", workers=True)
    left = contents(net.client)
    assert names(net) == ["events", "meta"]
    assert left[net.keys.meta] == {
        b"epoch": b"e2",
        b"max_tasks": b"9",
        b"max_seconds": b"100.0",
    }


@pytest.mark.parametrize("workers", [False, True])
def test_the_repeat_changes_nothing(net: StoredNetwork, workers: bool) -> None:
    fill(net)
    net.store.reset("e2", workers=workers)
    joined(net.store)
    net.push("new")
    seen = net.watch()
    net.store.reset("e2", workers=workers)
    assert seen.changes() == {}


def test_a_network_without_anything_can_be_reset(net: StoredNetwork) -> None:
    seen = net.watch()
    net.store.reset("e2", workers=True)
    assert seen.changes() == {"meta": {"epoch": "e2"}, "events": ["reset 0"]}


def test_a_budget_that_was_never_set_stays_unset(net: StoredNetwork) -> None:
    net.store.join("1", "e1", b"schemas")
    net.store.reset("e2", workers=False)
    assert contents(net.client)[net.keys.meta] == {
        b"epoch": b"e2",
        b"version": b"1",
        b"schemas": b"schemas",
    }


def test_those_who_wait_are_woken_up(net: StoredNetwork) -> None:
    event = net.store.last_event()
    net.store.reset("e2", workers=True)
    assert net.store.last_event() != event


def reset_once(net: StoredNetwork, epoch: str) -> Any:
    """Send the script alone, as a process does that dies before it sweeps."""
    keys = net.keys
    names = (
        *(keys.meta, keys.all, keys.queue, keys.running, keys.finished, keys.failed),
        *(keys.workers, keys.running_workers, keys.terminated_workers),
        *(keys.hashes, keys.loops, keys.trash, keys.events, keys.logs, keys.trash_hashes),
    )
    return net.store.run("reset", names, keys.prefix, epoch, 0)


def test_the_script_leaves_the_hashes_in_the_trash(net: StoredNetwork) -> None:
    net.push("a", "b")
    seen = net.watch()
    assert reset_once(net, "e2") == 1
    assert seen.changes() == {
        "meta": {**JOINED, "epoch": "e2"},
        "all": None,
        "queue": None,
        "trash": ["a", "b"],
        "events": ["reset 0"],
    }


def test_trash_of_an_earlier_reset_comes_first(net: StoredNetwork) -> None:
    net.push("a")
    assert reset_once(net, "e2") == 1
    net.push("b")
    seen = net.watch()
    assert reset_once(net, "e3") == 0
    assert seen.changes() == {}
    net.store.reset("e3", workers=False)
    assert names(net) == ["events", "meta"]


def test_the_repeat_finishes_a_sweep_that_was_broken_off(net: StoredNetwork) -> None:
    net.push("a", "b")
    assert reset_once(net, "e2") == 1
    net.store.reset("e2", workers=False)
    assert names(net) == ["events", "meta"]


def test_a_sweep_takes_as_many_as_it_is_told(net: StoredNetwork) -> None:
    net.push("a", "b", "c")
    reset_once(net, "e2")
    trash = (net.keys.trash, net.keys.trash_hashes)
    seen = net.watch()
    assert net.store.run("sweep_trash", trash, net.keys.prefix, 2) == 1
    assert seen.changes() == {"task:a": None, "task:b": None, "trash": ["c"]}
    assert net.store.run("sweep_trash", trash, net.keys.prefix, 2) == 0
    assert net.repeat() == (0, {})
    assert names(net) == ["events", "meta"]


def test_a_sweep_goes_in_small_steps(net: StoredNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    net.push(*"abcdefg")
    monkeypatch.setattr(store_module, "CHUNK", 3)
    net.store.reset("e2", workers=False)
    assert net.channel.sent[0].name == "sweep_trash"
    assert net.reply == 0
    assert names(net) == ["events", "meta"]


def test_a_popped_task_of_before_is_not_claimed_after(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push("a")
    net.pop(worker, 1)
    net.store.reset("e2", workers=False)
    assert net.claim(worker, 1) == [0, 0, b""]
    assert worker.finish_tasks("a", "Y", "").moved == [-1]
    assert names(net) == [
        *("events", "meta", "running_workers", "worker:w1", "worker:w1:heartbeat", "workers"),
    ]


def test_thousands_of_hashes_are_swept(net: StoredNetwork) -> None:
    net.push(*(f"k{number}" for number in range(2500)))
    rows = [(f"h{number}", b"1") for number in range(2500)]
    net.store.write_hashes(["note"], rows, guarded=False)
    net.store.reset("e2", workers=False)
    assert names(net) == ["events", "meta"]
