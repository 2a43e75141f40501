"""Appending to the log of a worker, and reading logs."""

from __future__ import annotations

import pytest

from rushtyped.channel import Channel
from rushtyped.connect import resolve_endpoint
from rushtyped.errors import CorruptDataError, ServerUnreachableError
from rushtyped.keys import NetworkKeys
from rushtyped.log_store import LogEnd, LogStore
from rushtyped.store import Store
from tests.servers.process import ServerProcess
from tests.store.stored import StoredNetwork, joined
from tests.waiting import in_background, wait_until


@pytest.fixture
def logs(net: StoredNetwork) -> LogStore:
    """The logs of a fresh network."""
    return LogStore(net.store)


def test_records_are_appended_and_counted(net: StoredNetwork, logs: LogStore) -> None:
    seen = net.watch()
    assert logs.push("w1", 2, 100, [b"a", b"b"]) == 2
    assert logs.push("w1", 3, 100, [b"c"]) == 3
    assert seen.changes() == {"worker:w1:log": ["a", "b", "c"], "logs": {"w1": "3"}}


def test_a_worker_need_not_be_registered_and_nobody_is_woken_up(
    net: StoredNetwork, logs: LogStore
) -> None:
    net.worker("w1")
    seen = net.watch()
    logs.push("w1", 1, 100, [b"a"])
    logs.push("stranger", 1, 100, [b"x"])
    assert seen.changes() == {
        "worker:w1:log": ["a"],
        "worker:stranger:log": ["x"],
        "logs": {"w1": "1", "stranger": "1"},
    }


def test_the_repeat_changes_nothing(net: StoredNetwork, logs: LogStore) -> None:
    logs.push("w1", 2, 100, [b"a", b"b"])
    seen = net.watch()
    assert logs.push("w1", 2, 100, [b"a", b"b"]) == 2
    assert seen.changes() == {}


def test_a_late_repeat_changes_nothing(net: StoredNetwork, logs: LogStore) -> None:
    logs.push("w1", 1, 100, [b"a"])
    logs.push("w1", 2, 100, [b"b"])
    seen = net.watch()
    assert logs.push("w1", 1, 100, [b"a"]) == 2
    assert seen.changes() == {}


def test_nothing_at_all_tells_the_number(net: StoredNetwork, logs: LogStore) -> None:
    assert logs.push("w1", 0, 100, []) == 0
    logs.push("w1", 1, 100, [b"a"])
    seen = net.watch()
    assert logs.push("w1", 0, 100, []) == 1
    assert seen.changes() == {}


def test_only_the_newest_are_kept_and_all_are_counted(net: StoredNetwork, logs: LogStore) -> None:
    logs.push("w1", 2, 3, [b"a", b"b"])
    logs.push("w1", 4, 3, [b"c", b"d"])
    assert logs.read(["w1"]) == [[b"b", b"c", b"d"]]
    logs.push("w1", 9, 2, [b"e", b"f", b"g", b"h", b"i"])
    assert logs.read(["w1"]) == [[b"h", b"i"]]
    assert logs.counts() == {"w1": 9}


def test_thousands_of_records_go_in_one_call(net: StoredNetwork, logs: LogStore) -> None:
    records = [b"%d" % number for number in range(9000)]
    before = net.channel.n_round_trips
    logs.push("w1", 9000, 10_000, records)
    assert net.channel.n_round_trips <= before + 3  # the server may not know the script yet
    assert logs.read(["w1"]) == [records]


def test_all_of_some_workers_is_read_in_one_round_trip(net: StoredNetwork, logs: LogStore) -> None:
    logs.push("w1", 2, 100, [b"a", b"b"])
    logs.push("w2", 1, 100, [b"\x00\xff"])
    before = net.channel.n_round_trips
    assert logs.read(["w2", "unknown", "w1"]) == [[b"\x00\xff"], [], [b"a", b"b"]]
    assert net.channel.n_round_trips == before + 1
    assert logs.read([]) == []
    assert net.channel.n_round_trips == before + 1


def test_the_newest_are_read_with_the_counts_in_one_round_trip(
    net: StoredNetwork, logs: LogStore
) -> None:
    logs.push("w1", 3, 2, [b"a", b"b", b"c"])
    logs.push("w2", 1, 100, [b"x"])
    before = net.channel.n_round_trips
    assert logs.read_newest({"w1": 1, "unknown": 1, "w2": 5}) == {
        "w1": LogEnd(3, [b"c"]),
        "unknown": LogEnd(0, []),
        "w2": LogEnd(1, [b"x"]),
    }
    assert net.channel.n_round_trips == before + 1
    assert logs.read_newest({}) == {}
    assert net.channel.n_round_trips == before + 1


def test_nobody_has_logged_in_a_fresh_network(logs: LogStore) -> None:
    assert logs.counts() == {}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xc1", "it is not msgpack"),
        (b"", "Unpack failed: incomplete input"),
        (b"\x81\xa1a", "Unpack failed: incomplete input"),
        (b"\x07", r"LogRecord: .*got 7 \(int\)"),
        (b"\x81\xa5level\x07", r"LogRecord.level: .*got 7 \(int\)"),
        (b"\x81\xa1a\x07", r"LogRecord.a: no such field"),
    ],
)
def test_a_damaged_record_names_its_key(logs: LogStore, data: bytes, reason: str) -> None:
    prefix = logs.store.keys.prefix
    with pytest.raises(CorruptDataError, match=reason) as caught:
        logs.unpack("w1", data)
    assert str(caught.value).startswith(f"'{prefix}worker:w1:log' holds a log record that cannot")


def test_a_push_does_not_wait_for_a_server_and_the_next_one_finds_it(
    own_server: ServerProcess, network_id: str
) -> None:
    keys = NetworkKeys(network_id)
    channel = Channel(resolve_endpoint(own_server.url), keys.meta, retry_timeout=1000.0)
    logs = LogStore(joined(Store(channel, keys)))
    with in_background(lambda: channel.call("BLPOP", "begin", 20)):  # needs a second connection
        wait_until(
            lambda: b"blocked_clients:1" in channel.call("INFO", "clients"),
            description="the first connection blocks",
        )
        logs.push("w1", 1, 100, [b"a"])
        channel.call("RPUSH", "begin", 1)
    own_server.kill()
    tried = channel.n_round_trips
    with pytest.raises(ServerUnreachableError, match="did not answer: "):
        logs.push("w1", 2, 100, [b"b"])
    assert channel.n_round_trips <= tried + 1
    own_server.start()
    wait_until(own_server.answers, description="the server is back")
    assert logs.push("w1", 2, 100, [b"b"]) == 2
    assert logs.read(["w1"]) == [[b"a", b"b"]]
    channel.close()
