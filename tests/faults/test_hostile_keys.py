"""Keys of other Redis types, and indexes that list what no task is named."""

from __future__ import annotations

import random
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from rushtyped import InvalidArgumentError, Network, RushTypedError
from tests.faults.damage import READERS, WRITERS, Damaged, listening, read_all
from tests.faults.hostile import CONTROL
from tests.models import Params, Scores, points
from tests.servers.behind import client_behind
from tests.wire_dump import FIRST

TYPES: dict[str, Any] = {
    "string": lambda client, key: client.set(key, b"\xff"),
    "list": lambda client, key: client.rpush(key, b"\xff", "a"),
    "set": lambda client, key: client.sadd(key, b"\xff", "a"),
    "zset": lambda client, key: client.zadd(key, {b"\xff": float("inf"), "a": -1.0}),
    "hash": lambda client, key: client.hset(key, mapping={b"\xff": b"\xff", "a": "b"}),
    "stream": lambda client, key: client.xadd(key, {b"\xff": b"\xff"}),
}
KEYS = (
    *("meta", "all", "queue", "running", "finished", "failed", "workers", "running_workers"),
    *("terminated_workers", "events", "hashes", "loops", "logs", "trash", "worker:runs"),
    *("worker:ended", "worker:runs:tasks", "worker:runs:pending", "worker:runs:heartbeat"),
    *("worker:runs:terminate", "worker:runs:kill", "worker:runs:log", "a task"),
)
SETTLE = ("detect_lost_workers", "wait_until_done", "wait_for_tasks", "wait_for_workers")
"""What looks after lost workers."""
NAMES: tuple[bytes, ...] = (
    *(b"\xff\xfe", b"", b"\x00", b"a\nb", b"../../meta", b"a b", b"a" * 129, b"a" * 1_000_000),
    *(CONTROL.encode(), b"*", b"task:x", b"{other}", b"\xed\xa0\x80", b"worker:runs", b"-1"),
)
INDEXES = ("all", "queue", "running", "finished", "failed")


def replace(damaged: Damaged, name: str, kind: str) -> None:
    if name == "a task":
        name = next(name for name in damaged.names() if name.startswith("task:"))
    damaged.client.delete(damaged.keys.prefix + name)
    TYPES[kind](damaged.client, damaged.keys.prefix + name)


@pytest.mark.parametrize("name", KEYS)
def test_another_type_under_a_key_is_survived_by_all_readers(damaged: Damaged, name: str) -> None:
    for kind in random.Random(name).sample(sorted(TYPES), 3):
        damaged.mend()
        network = damaged.opened()
        replace(damaged, name, kind)
        before = damaged.contents()
        failed = read_all(network, {each: READERS[each] for each in READERS if each not in SETTLE})
        assert damaged.contents() == before
        for said in failed.values():
            assert said.startswith(("CorruptDataError", "ServerError", "UnknownTaskError")), said
        read_all(network, {each: READERS[each] for each in SETTLE})


@pytest.mark.slow
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", KEYS)
def test_each_other_type_under_each_key_is_survived(damaged: Damaged, name: str, kind: str) -> None:
    network = damaged.opened()
    replace(damaged, name, kind)
    read_all(network)
    read_all(network, WRITERS)


@pytest.mark.parametrize("name", ["meta", "queue", "worker:runs", "a task", "events"])
def test_joining_and_resetting_survive_another_type(damaged: Damaged, name: str) -> None:
    for kind in ("string", "set"):
        damaged.mend()
        network = damaged.opened()
        replace(damaged, name, kind)
        for call in (
            damaged.opened,
            partial(Network.open, damaged.keys.network_id, redis=damaged.url),
            partial(network.push_tasks, [FIRST]),
        ):
            with suppress(RushTypedError):
                call()
        network.reset(workers=kind == "set")
        assert network.tasks == []


def test_a_reset_makes_a_damaged_network_whole(damaged: Damaged) -> None:
    network = damaged.opened()
    for name in ("queue", "running", "finished", "failed", "a task"):
        replace(damaged, name, "string")
    network.reset()
    network.push_tasks([FIRST])
    assert network.n_queued_tasks == 1
    assert network.fetch_queued_tasks().height == 1


@pytest.mark.parametrize("index", INDEXES)
def test_names_of_no_task_in_an_index_hide_none(damaged: Damaged, index: str) -> None:
    add = {name: float(n) for n, name in enumerate(NAMES)}
    if index in ("running", "failed"):
        damaged.client.zadd(damaged.keys.prefix + index, add)
    else:
        damaged.client.lpush(damaged.keys.prefix + index, *NAMES)
        damaged.client.rpush(damaged.keys.prefix + index, *NAMES)
    for name in NAMES[::2]:
        damaged.client.hset(
            f"{damaged.keys.prefix}task:".encode() + name,
            mapping={"state": "queued", "xs": b"\xc1"},
        )
    good = damaged.network.tasks
    failed = read_all(damaged.opened())
    assert not {"keys", "fetch_tasks", "fetch_finished_tasks", "fetch_queued_tasks"} & set(failed)
    for frame in (damaged.network.fetch_tasks(), damaged.network.fetch_finished_tasks()):
        assert {*frame["key"]} <= {*good}
    read_all(damaged.opened(), WRITERS)


def test_names_of_no_task_are_left_out_of_lists_with_a_warning(
    redis_url: str, network_id: str
) -> None:
    network = Network[Params, Scores](network_id, redis=redis_url)
    keys = network.push_tasks(points(2))
    client = client_behind(network)
    client.rpush(f"rush:{{{network_id}}}:all", b"\xff", b"a\nb", b"a" * 200)
    with listening() as said:
        assert network.tasks == keys
    assert "3 keys of all are no names of tasks, and are left out: [b'\\xff', b'a\\nb'" in said[0]
    assert network.n_tasks == 5  # what is counted is what is there
    for name in ("../meta", "a\nb", "\udcff", "", "a" * 129):
        with pytest.raises(InvalidArgumentError, match="a task key must be 1 to 128 of"):
            network.read_tasks([name])


def test_keys_without_a_task_do_not_hold_up_those_in_the_queue(
    redis_url: str, network_id: str
) -> None:
    network = Network[Params, Scores](network_id, redis=redis_url)
    keys = network.push_tasks(points(2))
    client = client_behind(network)
    client.lpush(f"rush:{{{network_id}}}:queue", "of-no-task", b"\xff")
    assert network.empty_queue() == keys
    assert network.failed_tasks == keys


def test_worker_ids_that_no_worker_has_are_survived(damaged: Damaged) -> None:
    for name in ("workers", "running_workers", "terminated_workers"):
        damaged.client.sadd(damaged.keys.prefix + name, *NAMES)
        assert read_all(damaged.opened()) == {}
    read_all(damaged.opened(), WRITERS)
    damaged.network.reset()
    assert damaged.network.worker_ids == []
