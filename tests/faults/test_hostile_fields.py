"""Whatever stands in the hashes of a network: what is good of it is read, the rest is named."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from rushtyped import CorruptDataError, Network, RushTypedError, TaskState, Worker
from tests.contents import check_one_state, contents_of
from tests.faults.damage import READERS, WRITERS, Damaged, listening, read_all
from tests.faults.hostile import TEXTS, mutations, payloads
from tests.models import ParamNetwork, Params, Scores, points
from tests.servers.behind import client_behind
from tests.waiting import wait_until

PACKED = ("xs", "ys", "xs_extra", "ys_extra", "condition")
FEW_READERS = {
    name: READERS[name]
    for name in ("fetch_tasks", "worker_info", "repr", "wait_until_done", "detect_lost_workers")
}
LOG_READERS = {name: READERS[name] for name in ("read_log", "print_log")}
PLAIN = ("state", "worker_id", "attempt", "created_at", "started_at", "finished_at", "failed_by")


def some(data: list[bytes], n: int, seed: int) -> list[bytes]:
    """Draw some of the hostile values; each is tried in `test_hostile_bytes` anyway."""
    return random.Random(seed).sample(data, n)


@pytest.mark.parametrize("field", [*PACKED, *PLAIN])
def test_a_hostile_field_of_a_task_is_survived_by_all_readers(
    damaged: Damaged, field: str, tmp_path: Path
) -> None:
    hashes = [name for name in damaged.names() if name.startswith("task:")]
    packed = field in PACKED
    values = some(payloads(tmp_path / "canary") if packed else list(TEXTS), 5, seed=1)
    for value in values:
        for name in hashes:
            damaged.client.hset(damaged.keys.prefix + name, field, value)
        read_all(damaged.opened())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("field", [*PACKED, "state", "attempt", "created_at"])
def test_a_field_that_a_task_lacks_is_survived_by_all_readers(damaged: Damaged, field: str) -> None:
    for name in damaged.names():
        if name.startswith("task:"):
            damaged.client.hdel(damaged.keys.prefix + name, field)
    read_all(damaged.opened())


@pytest.mark.parametrize(
    "field",
    ["max_tasks", "max_seconds", "started_at", "version", "epoch", "schemas", "column:note"],
)
def test_hostile_meta_is_survived_by_all_readers(damaged: Damaged, field: str) -> None:
    network = damaged.opened()
    for value in TEXTS[::4]:
        damaged.client.hset(damaged.keys.meta, field, value)
        read_all(network)
        for join in (damaged.opened, lambda: Network.open(network.network_id, redis=damaged.url)):
            with suppress(RushTypedError):
                read_all(join(), FEW_READERS)


@pytest.mark.parametrize(
    "field",
    [
        "pid",
        "hostname",
        "version",
        "started_at",
        "ended_at",
        "reason",
        "heartbeat_expire",
        "\udcff",
    ],
)
def test_a_hostile_record_of_a_worker_is_left_out(damaged: Damaged, field: str) -> None:
    name = field.encode(errors="surrogateescape")
    for value in TEXTS:
        damaged.client.hset(damaged.keys.worker("ended").record, name, value)
        failed = read_all(damaged.network, FEW_READERS)
        assert failed == {}
        assert "runs" in damaged.network.worker_info["worker_id"].to_list()


def test_hostile_log_records_are_survived_by_all_readers(damaged: Damaged, tmp_path: Path) -> None:
    log = damaged.keys.worker("runs").log
    valid = damaged.client.lindex(log, 0)
    for value in (*payloads(tmp_path / "canary")[::3], *mutations(valid, 40, seed=4)):
        damaged.client.lset(log, 0, value)
        assert read_all(damaged.opened(), LOG_READERS) == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", TEXTS)
def test_hostile_counts_of_a_log_are_survived(damaged: Damaged, value: bytes) -> None:
    damaged.client.hset(damaged.keys.logs, "runs", value)
    damaged.client.hset(damaged.keys.logs, value[:1000], "7")
    assert damaged.opened().read_log(worker_ids=["runs"]).height == 1
    assert read_all(damaged.opened(), LOG_READERS) == {}


def test_hostile_signals_events_and_leases_are_survived(damaged: Damaged) -> None:
    worker = damaged.keys.worker("runs")
    for value in TEXTS[::3]:
        damaged.client.set(worker.terminate, value)
        damaged.client.set(worker.heartbeat, value)
        damaged.client.rpush(worker.kill, value)
        damaged.client.xadd(damaged.keys.events, {value or b"type": value, b"worker": value})
        assert read_all(damaged.network) == {}


def test_no_reader_writes(damaged: Damaged) -> None:
    for name in damaged.names():
        if name.startswith("task:"):
            damaged.client.hset(
                damaged.keys.prefix + name, mapping={"xs": b"\xc1", "attempt": b"x"}
            )
    network = damaged.opened()
    before = damaged.contents()
    read_all(network, {name: READERS[name] for name in READERS if name != "detect_lost_workers"})
    assert damaged.contents() == before


def test_writers_survive_damaged_tasks(damaged: Damaged) -> None:
    for field in (*PACKED, *PLAIN):
        damaged.mend()
        for name in damaged.names():
            if name.startswith("task:"):
                damaged.client.hset(damaged.keys.prefix + name, field, b"\xff\x00")
        read_all(damaged.opened(), WRITERS)


@pytest.mark.parametrize("attempt", [b"x", b"1.5", b"nan", b"9" * 40, b"", None])
def test_a_damaged_number_of_attempts_costs_no_task(
    redis_url: str, network_id: str, attempt: bytes | None
) -> None:
    network = Network[Params, Scores](network_id, redis=redis_url)
    worker = Worker[Params, Scores](network_id, redis=redis_url)
    failed, running = network.push_failed_tasks(points(3)), worker.push_running_tasks(points(3))
    client, prefix = client_behind(network), f"rush:{{{network_id}}}:"
    for key in (failed[1], running[1]):
        if attempt is None:
            client.hdel(f"{prefix}task:{key}", "attempt")
        else:
            client.hset(f"{prefix}task:{key}", "attempt", attempt)
    assert network.retry_tasks(failed) == failed
    client.delete(f"{prefix}worker:{worker.worker_id}:heartbeat")
    worker.set_terminated()
    check_one_state(network)
    listed = network.tasks_with_state()
    assert listed[TaskState.QUEUED] == failed
    assert {*listed[TaskState.FAILED]} | {running[1]} == {*running}


def test_one_bad_task_does_not_hide_the_good_ones(redis_url: str, network_id: str) -> None:
    network = Network[Params, Scores](network_id, redis=redis_url)
    keys = network.push_finished_tasks(points(5000), [Scores(y=1.0)] * 5000)
    client = client_behind(network)
    bad, gone = keys[3], keys[4500]
    client.hset(f"rush:{{{network_id}}}:task:{bad}", "ys", b"\xc1")
    client.delete(f"rush:{{{network_id}}}:task:{gone}")
    before = contents_of(network)
    with listening() as said:
        frames = [network.fetch_finished_tasks(), network.fetch_tasks(), network.fetch_new_tasks()]
    good = [key for key in keys if key not in (bad, gone)]
    assert [frame["key"].to_list() for frame in frames] == [good, good, good]
    reason = f"1 tasks cannot be read, and are left out: task '{bad}', ys: stored Scores cannot be"
    assert sum(reason in entry for entry in said) == 2  # finished ones are read once, and all
    with pytest.raises(CorruptDataError, match=f"task '{bad}': stored Scores cannot be read"):
        network.read_tasks([keys[0], bad])
    with pytest.raises(CorruptDataError, match=f"hash '{bad}', ys: stored Scores cannot be read"):
        network.read_hash(bad, ["ys"])
    assert contents_of(network) == before


def test_a_bad_finished_task_is_not_read_again(redis_url: str, network_id: str) -> None:
    network = Network[Params, Scores](network_id, redis=redis_url)
    keys = network.push_finished_tasks(points(3), [Scores(y=1.0)] * 3)
    client = client_behind(network)
    for key in keys:
        client.hset(f"rush:{{{network_id}}}:task:{key}", "ys", b"\xc1")
    with listening() as said:
        for _ in range(3):
            assert network.fetch_finished_tasks().height == 0
            assert network.fetch_new_tasks(timeout=0.01).height == 0
    assert sum("cannot be read" in entry for entry in said) == 1
    (fourth,) = network.push_finished_tasks(points(1), [Scores(y=2.0)])
    assert network.fetch_new_tasks()["key"].to_list() == [fourth]
    assert network.fetch_tasks_with_state()["key"].to_list() == [fourth]


def test_a_worker_goes_on_after_tasks_that_cannot_be_read(
    redis_url: str, network_id: str, tmp_path: Path
) -> None:
    network: ParamNetwork = Network[Params, Scores](network_id, redis=redis_url)
    worker = Worker[Params, Scores](network_id, redis=redis_url)
    hostile = payloads(tmp_path / "canary")
    keys = network.push_tasks(points(2 * len(hostile) + 3))
    client = client_behind(network)
    prefix = f"rush:{{{network_id}}}:"
    for position, value in enumerate(hostile):
        client.hset(f"{prefix}task:{keys[position]}", "xs", value)
        client.hset(f"{prefix}task:{keys[len(hostile) + position]}", "xs_extra", value)
    for key, field in zip(keys[-3:-1], ("xs", "attempt"), strict=True):
        client.hdel(f"{prefix}task:{key}", field)
    client.hset(f"{prefix}task:".encode() + b"\xff\n", mapping={"state": "queued", "xs": b"\x01"})
    client.lpush(f"{prefix}queue", b"\xff\n", b"no such task", b"", b"a" * 100_000)
    popped = []
    with listening() as said:
        while (task := worker.pop_task(timeout=0.2)) is not None:
            popped.append(task.key)
            task.finish(Scores(y=1.0))
    assert {*keys[-2:]} <= {*popped}
    failed = network.fetch_failed_tasks(fields=["condition"])  # without the one that has no xs
    assert {*network.failed_tasks} == {*failed["key"], keys[-3]} == {*keys} - {*popped}
    assert {condition["type"] for condition in failed["condition"]} == {"CorruptDataError"}
    assert list(tmp_path.iterdir()) == []
    wait_until(lambda: said, description="it is said which")
    worker.set_terminated()
