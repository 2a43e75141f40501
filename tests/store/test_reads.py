"""Reads of whole indexes, by SORT and where SORT is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from rushtyped import index_store
from rushtyped.connect import resolve_endpoint
from rushtyped.errors import ServerError
from rushtyped.index_store import Columns, Page
from rushtyped.keys import NetworkKeys
from rushtyped.store import Store
from tests.store.contents import contents
from tests.store.stored import RecordingChannel, StoredNetwork

EVERY_BYTE = bytes(range(256))


@pytest.fixture
def confined(
    client: redis.Redis, redis_url: str, net: StoredNetwork, network_id: str
) -> Iterator[StoredNetwork]:
    """The same network for a user who may touch its keys only."""
    net.client.execute_command("ACL", "SETUSER", "u", "on", ">pw", f"~{net.keys.prefix}*", "+@all")
    url = redis_url.replace("unix://", "unix://u:pw@")
    channel = RecordingChannel(resolve_endpoint(url), net.keys.meta, retry_timeout=10.0)
    yield StoredNetwork(client, channel, Store(channel, NetworkKeys(network_id)))
    channel.close()
    net.client.execute_command("ACL", "DELUSER", "u")


@pytest.fixture(params=["sort", "script"])
def reader(request: pytest.FixtureRequest) -> StoredNetwork:
    """The network of a user who may use SORT with patterns, and of one who may not."""
    name = {"sort": "net", "script": "confined"}[request.param]
    network: StoredNetwork = request.getfixturevalue(name)
    return network


def n_round_trips(net: StoredNetwork) -> int:
    return net.channel.n_round_trips


def test_rows_come_in_the_order_of_the_index(reader: StoredNetwork) -> None:
    net = reader
    net.store.push_tasks([("c", b"C", b""), ("a", b"A", b"E"), ("b", b"B", b"")])
    expected = {
        "key": [b"c", b"a", b"b"],
        "xs": [b"C", b"A", b"B"],
        "xs_extra": [None, b"E", None],
        "ys": [None, None, None],
    }
    assert net.store.indexes.read_index("all", ["xs", "xs_extra", "ys"]) == expected
    assert net.store.indexes.read_index("queue", ["xs", "xs_extra", "ys"]) == expected


def test_sorted_sets_come_by_time(reader: StoredNetwork) -> None:
    net = reader
    worker = net.worker()
    net.push_running(worker, "z", "c")
    net.push_running(worker, "a")
    net.push_failed("y", "b")
    assert net.store.indexes.read_index("running", ["xs"]) == {
        "key": [b"z", b"c", b"a"],
        "xs": [b"Z", b"C", b"A"],
    }
    assert net.store.indexes.read_index("failed", ["condition"]) == {
        "key": [b"y", b"b"],
        "condition": [b"C", b"C"],
    }


@pytest.mark.parametrize("fields", [["xs"], []])
def test_an_empty_index_has_empty_columns(reader: StoredNetwork, fields: list[str]) -> None:
    expected: dict[str, list[bytes]] = {"key": [], **{field: [] for field in fields}}
    for index in ("all", "queue", "running", "finished", "failed"):
        assert reader.store.indexes.read_index(index, fields) == expected


def test_keys_alone_can_be_read(reader: StoredNetwork) -> None:
    reader.push("b", "a")
    assert reader.store.indexes.read_index("all", []) == {"key": [b"b", b"a"]}


def test_any_bytes_come_back(reader: StoredNetwork) -> None:
    reader.store.push_tasks([("a", EVERY_BYTE, b"\r\n$-1\r\n"), ("b", b"\x00", b"")])
    assert reader.store.indexes.read_index("queue", ["xs", "xs_extra"]) == {
        "key": [b"a", b"b"],
        "xs": [EVERY_BYTE, b"\x00"],
        "xs_extra": [b"\r\n$-1\r\n", None],
    }


def test_a_task_whose_hash_has_gone_is_a_row_of_nothing(reader: StoredNetwork) -> None:
    reader.push("a", "b")
    reader.client.delete(reader.keys.task("a"))
    assert reader.store.indexes.read_index("all", ["state", "xs"]) == {
        "key": [b"a", b"b"],
        "state": [None, b"queued"],
        "xs": [None, b"B"],
    }


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5])
def test_an_index_of_any_number_of_pages_is_read_as_a_whole(
    reader: StoredNetwork, monkeypatch: pytest.MonkeyPatch, n: int
) -> None:
    monkeypatch.setattr(index_store, "PAGE", 2)
    monkeypatch.setattr(index_store, "CHUNK", 2)
    keys = list("edcba")[:n]
    reader.push(*keys)
    reader.push_running(reader.worker(), *(key * 2 for key in keys)) if keys else None
    assert reader.store.indexes.read_index("queue", ["xs"]) == {
        "key": [key.encode() for key in keys],
        "xs": [key.upper().encode() for key in keys],
    }
    assert reader.store.indexes.read_index("running", ["xs"]) == {
        "key": [(key * 2).encode() for key in keys],
        "xs": [(key * 2).upper().encode() for key in keys],
    }


def test_finished_tasks_are_read_from_an_offset(
    reader: StoredNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = reader
    monkeypatch.setattr(index_store, "PAGE", 2)
    net.store.join("1", "e1", b"schemas")
    net.push_finished("c", "a", "b")
    assert next(net.store.indexes.finished_pages(0, ["ys"])) == Page(
        b"e1", 3, b"b", {"key": [b"c", b"a"], "ys": [b"Y", b"Y"]}
    )
    assert next(net.store.indexes.finished_pages(2, ["ys"])) == Page(
        b"e1", 3, b"a", {"key": [b"b"], "ys": [b"Y"]}
    )
    nothing: Columns = {"key": [], "ys": []}
    assert next(net.store.indexes.finished_pages(3, ["ys"])) == Page(b"e1", 3, b"b", nothing)
    assert next(net.store.indexes.finished_pages(9, ["ys"])) == Page(b"e1", 3, None, nothing)
    assert net.store.indexes.finished_keys(1, 5) == ["a", "b"]


def test_a_read_writes_nothing(reader: StoredNetwork) -> None:
    reader.push("a")
    reader.push_finished("x")
    before = contents(reader.client)
    reader.store.indexes.read_index("all", ["xs"])
    next(reader.store.indexes.finished_pages(0, ["xs"]))
    reader.store.indexes.snapshot(["queue", "finished"])
    assert contents(reader.client) == before


def test_pages_of_a_list_and_of_finished_tasks_take_one_round_trip(net: StoredNetwork) -> None:
    net.push("a")
    net.push_finished("x")
    before = n_round_trips(net)
    net.store.indexes.read_index("all", ["xs"])
    assert n_round_trips(net) - before == 1
    next(net.store.indexes.finished_pages(0, ["xs"]))
    assert n_round_trips(net) - before == 2


def test_that_sort_is_refused_is_found_out_once_for_an_index(confined: StoredNetwork) -> None:
    confined.push("a")
    confined.store.indexes.read_hashes(["a"], ["xs"])
    before = n_round_trips(confined)
    confined.store.indexes.read_index("all", ["xs"])
    assert n_round_trips(confined) - before == 3  # SORT, LRANGE, script
    for _ in range(2):
        before = n_round_trips(confined)
        confined.store.indexes.read_index("all", ["xs"])
        assert n_round_trips(confined) - before == 2


def test_that_sort_is_refused_is_found_out_once_for_finished_tasks(
    confined: StoredNetwork,
) -> None:
    confined.push_finished("a")
    confined.store.indexes.read_hashes(["a"], ["xs"])
    before = n_round_trips(confined)
    next(confined.store.indexes.finished_pages(0, ["xs"]))
    first = n_round_trips(confined) - before
    before = n_round_trips(confined)
    next(confined.store.indexes.finished_pages(0, ["xs"]))
    assert n_round_trips(confined) - before == first - 1
    before = n_round_trips(confined)
    confined.store.indexes.read_index("all", ["xs"])
    assert n_round_trips(confined) - before == 2
    refused = confined.client.info("commandstats")["cmdstat_sort"]["failed_calls"]
    next(confined.store.indexes.finished_pages(0, ["xs"]))
    assert confined.client.info("commandstats")["cmdstat_sort"]["failed_calls"] == refused


def test_any_other_refusal_is_an_error(net: StoredNetwork) -> None:
    net.client.set(net.keys.all, "no list")
    with pytest.raises(ServerError, match="WRONGTYPE"):
        net.store.indexes.read_index("all", ["xs"])
    net.client.delete(net.keys.all)
    net.push("a")
    before = n_round_trips(net)
    net.store.indexes.read_index("all", ["xs"])
    assert n_round_trips(net) - before == 1


def test_a_user_who_may_not_sort_at_all_reads_by_the_script(confined: StoredNetwork) -> None:
    confined.client.execute_command("ACL", "SETUSER", "u", "-sort")
    confined.push("b", "a")
    confined.push_finished("x")
    assert confined.store.indexes.read_index("queue", ["xs"]) == {
        "key": [b"b", b"a"],
        "xs": [b"B", b"A"],
    }
    assert next(confined.store.indexes.finished_pages(0, ["ys"])).columns == {
        "key": [b"x"],
        "ys": [b"Y"],
    }


def test_a_snapshot_lists_indexes_at_one_instant(net: StoredNetwork) -> None:
    worker = net.worker()
    net.push_finished("x", "y")
    net.push_running(worker, "r2", "r1")
    net.push("q2", "q1")
    net.push_failed("f2", "f1")
    before = n_round_trips(net)
    assert net.store.indexes.snapshot(["queue", "running", "finished", "failed", "all"]) == (
        2,
        [
            ["q2", "q1"],
            ["r2", "r1"],
            ["x", "y"],
            ["f2", "f1"],
            ["x", "y", "r2", "r1", "q2", "q1", "f2", "f1"],
        ],
    )
    assert n_round_trips(net) - before == 1
    assert net.store.indexes.snapshot([]) == (2, [])


def test_a_snapshot_is_one_transaction(net: StoredNetwork) -> None:
    net.client.config_resetstat()
    net.store.indexes.snapshot(["queue", "running"])
    stats = net.client.info("commandstats")
    calls = {name.removeprefix("cmdstat_"): stats[name]["calls"] for name in stats}
    assert (calls["multi"], calls["exec"], calls["llen"]) == (1, 1, 1)


def test_indexes_are_counted_and_listed(net: StoredNetwork) -> None:
    net.push("q2", "q1", "q3")
    net.push_running(net.worker(), "r2", "r1")
    net.push_finished("x")
    assert net.store.indexes.count("all") == 6
    assert net.store.indexes.count("queue") == 3
    assert net.store.indexes.count("running") == 2
    assert net.store.indexes.count("finished") == 1
    assert net.store.indexes.count("failed") == 0
    assert net.store.indexes.task_keys("queue") == ["q2", "q1", "q3"]
    assert net.store.indexes.task_keys("running") == ["r2", "r1"]
    assert net.store.indexes.task_keys("failed") == []


def test_workers_are_counted_listed_and_read(net: StoredNetwork) -> None:
    net.worker("w2")
    net.settle(net.worker("w1"))
    assert net.store.worker_ids() == ["w1", "w2"]
    assert net.store.worker_ids("running_workers") == ["w2"]
    assert net.store.worker_ids("terminated_workers") == ["w1"]
    assert net.store.n_workers() == 2
    assert net.store.n_workers("running_workers") == 1
    assert net.store.n_workers("terminated_workers") == 1
    assert net.store.registered() == ({"w1", "w2"}, {"w2"})
    records = net.store.worker_records()
    assert list(records) == ["w1", "w2"]
    assert sorted(records["w2"]) == [
        *(b"heartbeat", b"heartbeat_expire", b"pid", b"started_at", b"state", b"token"),
    ]
    assert records["w2"][b"state"] == b"running"
    assert records["w1"][b"state"] == b"terminated"
    assert records["w1"][b"reason"] == b"gone"


def test_a_worker_has_a_heartbeat_while_its_lease_lasts(net: StoredNetwork) -> None:
    net.worker("alive")
    net.lose(net.worker("lost"))
    net.settle(net.worker("settled"))
    records = net.store.worker_records()
    assert {worker_id: record[b"heartbeat"] for worker_id, record in records.items()} == {
        "alive": b"1",
        "lost": b"",
        "settled": b"",
    }


def test_what_has_been_settled_is_seen_from_a_mark_on(net: StoredNetwork) -> None:
    net.store.join("1", "e1", b"schemas")
    assert net.store.indexes.settled_mark() == (b"e1", 0, 0.0)
    net.push_finished("x")
    net.push_failed("f")
    epoch, n_finished, newest = net.store.indexes.settled_mark()
    assert (epoch, n_finished) == (b"e1", 1)
    assert newest == net.client.zscore(net.keys.failed, "f")
    net.worker()
    net.push_finished("y", "z")
    net.push_failed("g")
    score = net.client.zscore(net.keys.failed, "g")
    epoch, finished, failed, n_workers = net.store.indexes.settled_since(1, newest)
    assert (epoch, finished, n_workers) == (b"e1", ["x", "y", "z"], 1)
    assert failed == [("f", newest), ("g", score)]
