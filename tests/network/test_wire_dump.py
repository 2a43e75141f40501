"""A network that an earlier version has left is read, and goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import inf, isnan
from typing import Any

import polars as pl
import pytest

from rushtyped import Condition, Extra, Network, TaskState, Worker
from rushtyped.loops import unpack_loop
from rushtyped.wire import WIRE_VERSION
from tests.contents import check_one_state, contents_of
from tests.servers.behind import client_behind, client_of
from tests.wire_dump import (
    FIRST,
    FOLDER,
    SECOND,
    SECRET,
    Params,
    Scores,
    Start,
    dump,
    loop_of_nobody,
    restore,
)

FILES = sorted(FOLDER.glob("*.json"))
ROW = {
    "count": -(2**63),
    "rate": inf,
    "flag": True,
    "name": "na\u00efve \U0001f600",
    "data": b"\x00\xff",
    "at": datetime(1969, 12, 31, 23, 59, 59, 999999),  # noqa: DTZ001
    "seen": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    "day": date(1, 1, 1),
    "clock": time(23, 59, 59, 999999),
    "lasts": timedelta(days=-1, microseconds=1),
    "price": Decimal("-1234.56"),
    "kernel": "rbf",
    "mode": "slow",
    "id": "00000000-0000-0000-0000-000000000001",
    "place": "/a/b",
    "link": "https://example.org/a?b=c",
    "sizes": [1, 2, 3],
    "path": [0.5, -0.0],
    "tags": ["a", "b"],
    "pair": [1, 2],
    "origin": {"x": 1.5, "label": None},
    "weights": [{"key": "w", "value": 0.25}],
    "choice": {"kind": "rbf", "gamma": 0.1, "degree": None},
    "maybe": None,
}


@pytest.fixture(params=FILES, ids=lambda path: f"version-{path.stem}")
def recorded(
    request: pytest.FixtureRequest, redis_url: str, network_id: str
) -> Iterator[Network[Params, Scores, Start]]:
    """The recorded network under another name, joined with its models."""
    restore(client_of(redis_url, network_id), network_id, json.loads(request.param.read_text()))
    network = Network[Params, Scores, Start](network_id, redis=redis_url)
    yield network
    check_one_state(network)


def test_there_is_a_recorded_network_of_this_version() -> None:
    assert WIRE_VERSION in [path.stem for path in FILES]


def test_what_is_restored_is_what_was_dumped(recorded: Network[Params, Scores, Start]) -> None:
    found = dump(client_behind(recorded), recorded.network_id)
    assert found == json.loads((FOLDER / f"{WIRE_VERSION}.json").read_text())


def test_frames_show_the_recorded_tasks(recorded: Network[Params, Scores, Start]) -> None:
    frame = recorded.fetch_tasks_with_state()
    assert frame["state"].to_list() == [
        *["queued"] * 2,
        "running",
        *["finished"] * 2,
        *["failed"] * 2,
    ]
    finished = recorded.fetch_finished_tasks()
    assert finished.select(list(ROW)).row(0, named=True) == ROW
    assert finished.select("y", "batch", "seconds", "note").row(0) == (0.5, 1, 1.5, None)
    assert finished["choice"].to_list()[1] == {"kind": "poly", "gamma": None, "degree": 3}
    assert isnan(finished["y"][1])
    assert finished["worker_id"].to_list() == ["ended", None]
    assert recorded.fetch_failed_tasks()["condition"].to_list() == [
        {"type": "TaskFailed", "message": "not tried", "traceback": None},
        {"type": "WorkerTerminated", "message": "Worker was terminated", "traceback": None},
    ]


def test_records_are_the_recorded_models(recorded: Network[Params, Scores, Start]) -> None:
    (running,) = recorded.read_tasks(recorded.running_tasks)
    assert (running.xs, running.worker_id, running.ys) == (FIRST, "runs", None)
    assert (running.state, running.attempt) == (TaskState.RUNNING, 1)
    failed, ended = recorded.read_tasks(recorded.failed_tasks)
    assert (failed.xs, failed.condition) == (
        FIRST,
        Condition(type="TaskFailed", message="not tried"),
    )
    assert (ended.xs, ended.xs_extra) == (SECOND, Start(batch=2))
    finished, _ = recorded.read_tasks(recorded.finished_tasks)
    assert (finished.xs, finished.ys, finished.xs_extra) == (FIRST, Scores(y=0.5), Start(batch=1))
    assert finished.ys_extra is not None
    assert finished.ys_extra.model_dump() == {"seconds": 1.5, "note": None}
    queued, retried = recorded.read_tasks(recorded.queued_tasks)
    assert (queued.xs, queued.attempt, retried.xs, retried.attempt) == (SECOND, 1, SECOND, 2)


def test_workers_their_log_and_other_hashes_are_shown(
    recorded: Network[Params, Scores, Start],
) -> None:
    workers = recorded.worker_info.sort("worker_id").rows(named=True)
    assert [(row["worker_id"], row["state"]) for row in workers] == [
        ("ended", "terminated"),
        ("runs", "running"),
    ]
    assert [(row["pid"], row["hostname"], row["heartbeat"]) for row in workers] == [
        (1, "host", False)
    ] * 2
    (record,) = recorded.read_log().rows(named=True)
    assert (record["worker_id"], record["level"]) == ("runs", "WARNING")
    assert record["message"] == "the step is small"
    assert recorded.read_hash("settings", ["step"]) == {"step": 3}


def test_the_recorded_loop_is_loaded(recorded: Network[Params, Scores, Start]) -> None:
    client = client_behind(recorded)
    (key,) = client.keys(f"rush:{{{recorded.network_id}}}:loop:*")
    digest = key.decode().rpartition(":")[2]
    models, loop = unpack_loop(client.get(key), SECRET.encode(), digest=digest)
    assert models[:3] == (Params, Scores, Start)
    assert loop is loop_of_nobody


def test_it_goes_on(recorded: Network[Params, Scores, Start], redis_url: str) -> None:
    recorded.stop_workers("kill")
    assert recorded.terminated_worker_ids == ["ended", "runs"]
    failed = recorded.failed_tasks
    assert len(failed) == 3
    assert recorded.retry_tasks(failed) == failed
    worker = Worker[Params, Scores, Start](recorded.network_id, redis=redis_url)
    for task in worker.queue(timeout=0.0):
        task.finish(Scores(y=float(task.attempt)))
    worker.set_terminated()
    assert recorded.fetch_finished_tasks()["y"].to_list()[2:] == [1.0, 2.0, 2.0, 2.0, 2.0]
    assert recorded.tasks_with_state(["queued", "running", "failed"]) == {
        TaskState.QUEUED: [],
        TaskState.RUNNING: [],
        TaskState.FAILED: [],
    }


def test_it_is_opened_without_its_models(
    recorded: Network[Params, Scores, Start], redis_url: str
) -> None:
    before = contents_of(recorded)
    opened: Network[Any, Any, Extra, Extra] = Network.open(recorded.network_id, redis=redis_url)
    assert opened.fetch_tasks().equals(recorded.fetch_tasks(), null_equal=True)
    assert opened.fetch_tasks().schema["choice"] == pl.Struct(
        {"kind": pl.Enum(["rbf", "poly"]), "gamma": pl.Float64(), "degree": pl.Int64()}
    )
    assert contents_of(recorded) == before
