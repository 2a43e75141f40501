"""Creating tasks as another network has had them."""

from __future__ import annotations

from tests.store.contents import EARLIER
from tests.store.stored import StoredNetwork

ENDED = ("attempt", b"2", "created_at", b"100", "started_at", b"200", "finished_at", b"300")
FINISHED = ("a", "finished", "7", "xs", b"X", "ys", b"Y", "worker_id", b"w9", *ENDED)
FAILED = ("b", "failed", "6", "xs", b"X", "condition", b"C", *ENDED)
QUEUED = ("c", "queued", "3", "xs", b"X", "attempt", b"1", "created_at", b"50")


def test_each_task_is_as_it_was_and_in_the_index_of_its_state(net: StoredNetwork) -> None:
    net.push("z")
    seen = net.watch()
    net.store.import_tasks([FINISHED, QUEUED])
    assert net.reply == 2
    times = dict.fromkeys(("created_at", "started_at", "finished_at"), EARLIER)
    assert seen.changes() == {
        "task:a": {
            "state": "finished",
            "xs": "X",
            "ys": "Y",
            "worker_id": "w9",
            "attempt": "2",
            **times,
        },
        "task:c": {"state": "queued", "xs": "X", "attempt": "1", "created_at": EARLIER},
        "all": ["z", "a", "c"],
        "queue": ["z", "c"],
        "finished": ["a"],
        "events": ["queued 1", "finished 1"],
    }


def test_what_has_failed_stands_at_its_time(net: StoredNetwork) -> None:
    net.push_failed("z")
    net.store.import_tasks([FAILED])
    assert net.client.zrange(net.keys.failed, 0, -1) == [b"b", b"z"]
    assert net.client.zscore(net.keys.failed, "b") == 300
    assert net.client.lrange(net.keys.all, 0, -1) == [b"z", b"b"]
    assert net.client.hgetall(net.keys.task("b")) == {
        b"state": b"failed",
        b"xs": b"X",
        b"condition": b"C",
        b"attempt": b"2",
        b"created_at": b"100",
        b"started_at": b"200",
        b"finished_at": b"300",
    }


def test_a_key_that_is_there_is_left_alone(net: StoredNetwork) -> None:
    net.push("a")
    seen = net.watch()
    net.store.import_tasks([FINISHED])
    assert net.reply == 0
    assert seen.changes() == {}


def test_the_repeat_changes_nothing(net: StoredNetwork) -> None:
    net.store.import_tasks([FINISHED, FAILED, QUEUED])
    assert net.repeat() == (0, {})
