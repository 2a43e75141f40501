"""Tasks as frames: columns and dtypes come from the models."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from polars._typing import PolarsDataType

from rushtyped import Field, Network
from rushtyped.keys import NetworkKeys
from tests.models import ParamNetwork, Params, ParamWorker, Scores, Start, Timing, points

CONDITION = pl.Struct({"type": pl.String, "message": pl.String, "traceback": pl.String})
COLUMNS: dict[str, PolarsDataType] = {
    "key": pl.String,
    "x1": pl.Float64,
    "x2": pl.Float64,
    "y": pl.Float64,
    "worker_id": pl.String,
    "condition": CONDITION,
}
Fetch = Callable[[ParamNetwork], pl.DataFrame]
FETCHES: list[Fetch] = [
    lambda network: network.fetch_tasks(),
    lambda network: network.fetch_queued_tasks(),
    lambda network: network.fetch_running_tasks(),
    lambda network: network.fetch_finished_tasks(),
    lambda network: network.fetch_failed_tasks(),
    lambda network: network.fetch_new_tasks(),
]


@pytest.mark.parametrize("fetch", FETCHES)
def test_an_empty_fetch_has_the_schema_of_a_full_one(
    network: ParamNetwork, worker: ParamWorker, fetch: Fetch
) -> None:
    empty = fetch(network)
    assert empty.schema == pl.Schema(COLUMNS)
    assert empty.height == 0
    network.push_tasks(points(1))
    worker.push_running_tasks(points(1))
    network.push_finished_tasks(points(1), [Scores(y=0.0)])
    network.push_failed_tasks(points(1))
    full = fetch(network)
    assert full.height > 0
    assert full.schema == empty.schema


def test_all_tasks_come_in_the_order_of_creation(network: ParamNetwork) -> None:
    failed = network.push_failed_tasks([Params(x1=1.0, x2=10.0)], conditions="diverged")
    queued = network.push_tasks([Params(x1=2.0, x2=20.0)])
    finished = network.push_finished_tasks([Params(x1=3.0, x2=30.0)], [Scores(y=5.0)])
    frame = network.fetch_tasks()
    assert frame.to_dict(as_series=False) == {
        "key": failed + queued + finished,
        "x1": [1.0, 2.0, 3.0],
        "x2": [10.0, 20.0, 30.0],
        "y": [None, None, 5.0],
        "worker_id": [None, None, None],
        "condition": [
            {"type": "TaskFailed", "message": "diverged", "traceback": None},
            None,
            None,
        ],
    }


def test_queued_tasks_come_next_one_first(network: ParamNetwork) -> None:
    failed = network.push_failed_tasks(points(1))
    queued = network.push_tasks(points(2))
    network.retry_tasks(failed)
    assert network.fetch_queued_tasks()["key"].to_list() == queued + failed


def test_running_tasks_show_their_worker(network: ParamNetwork, worker: ParamWorker) -> None:
    keys = worker.push_running_tasks(points(2))
    frame = network.fetch_running_tasks()
    assert frame["key"].to_list() == keys
    assert frame["worker_id"].to_list() == [worker.worker_id] * 2


def test_finished_tasks_come_in_the_order_of_finishing(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    first, second = worker.push_running_tasks(points(2))
    worker.finish_tasks([second], [Scores(y=2.0)])
    worker.finish_tasks([first], [Scores(y=1.0)])
    frame = network.fetch_finished_tasks()
    assert frame["key"].to_list() == [second, first]
    assert frame["y"].to_list() == [2.0, 1.0]


def test_failed_tasks_show_the_traceback(network: ParamNetwork, worker: ParamWorker) -> None:
    with pytest.raises(ValueError, match="too large"), worker.running_task(points(1)[0]):
        raise ValueError("too large")
    condition = network.fetch_failed_tasks()["condition"][0]
    assert (condition["type"], condition["message"]) == ("ValueError", "too large")
    assert "ValueError: too large" in condition["traceback"]


@pytest.mark.parametrize(
    ("fields", "columns"),
    [
        (["xs"], ["key", "x1", "x2"]),
        (["ys", "worker_id"], ["key", "y", "worker_id"]),
        (["condition"], ["key", "condition"]),
        ([], ["key"]),
        (
            ["times", "ys"],
            ["key", "y", "created_at", "started_at", "finished_at", "attempt"],
        ),
    ],
)
@pytest.mark.parametrize("fetch", ["fetch_tasks", "fetch_finished_tasks", "fetch_new_tasks"])
def test_fields_choose_the_columns(
    network: ParamNetwork, fetch: str, fields: list[Field], columns: list[str]
) -> None:
    network.push_finished_tasks(points(1), [Scores(y=0.0)])
    frame: pl.DataFrame = getattr(network, fetch)(fields=fields)
    assert sorted(frame.columns) == sorted(columns)
    assert frame.columns[0] == "key"
    assert frame.height == 1


def test_times_are_in_utc(network: ParamNetwork) -> None:
    network.push_finished_tasks(points(1), [Scores(y=0.0)])
    frame = network.fetch_finished_tasks(fields=["times"])
    assert frame.schema == {
        "key": pl.String(),
        "created_at": pl.Datetime("us", "UTC"),
        "started_at": pl.Datetime("us", "UTC"),
        "finished_at": pl.Datetime("us", "UTC"),
        "attempt": pl.Int64(),
    }
    (row,) = frame.iter_rows(named=True)
    assert abs(row["created_at"] - datetime.now(UTC)) < timedelta(minutes=1)
    assert (row["started_at"], row["attempt"]) == (None, 1)


def test_free_form_extras_become_columns(network: ParamNetwork) -> None:
    network.push_tasks(points(2), xss_extra=[{"batch": 1}, {"origin": "grid"}])
    frame = network.fetch_tasks(fields=["xs_extra"])
    assert frame["batch"].to_list() == [1, None]
    assert frame["origin"].to_list() == [None, "grid"]


def test_declared_extras_have_their_columns_before_data(redis_url: str, network_id: str) -> None:
    network = Network[Params, Scores, Start, Timing](network_id, redis=redis_url)
    expected = ["key", "x1", "x2", "y", "batch", "seconds", "worker_id", "condition"]
    assert network.fetch_tasks().columns == expected
    network.push_finished_tasks(
        points(1), [Scores(y=0.0)], xss_extra=[Start(batch=4)], yss_extra=[Timing(seconds=0.5)]
    )
    frame = network.fetch_finished_tasks()
    assert frame.columns == expected
    assert frame.row(0, named=True)["batch"] == 4
    assert frame.schema["batch"] == pl.Int64
    assert frame.schema["seconds"] == pl.Float64


@pytest.mark.parametrize("index", ["tasks", "failed_tasks", "finished_tasks"])
def test_more_tasks_than_a_page_come_in_order(network: ParamNetwork, index: str) -> None:
    push = network.push_failed_tasks
    if index == "finished_tasks":
        keys = network.push_finished_tasks(points(4100), [Scores(y=0.0)] * 4100)
    else:
        keys = push(points(4100))
    frame: pl.DataFrame = getattr(network, f"fetch_{index}")(fields=["xs"])
    assert frame["key"].to_list() == keys
    assert frame["x1"].to_list() == [float(i) for i in range(4100)]


def test_an_evicted_task_is_dropped_with_a_warning(
    network: ParamNetwork, warnings_seen: list[str]
) -> None:
    keys = network.push_tasks(points(3))
    network.connector.delete(NetworkKeys(network.network_id).task(keys[1]))
    assert network.fetch_queued_tasks()["x1"].to_list() == [0.0, 2.0]
    assert warnings_seen == ["1 tasks have no hash any more: evicted?"]
    assert network.fetch_tasks()["x1"].to_list() == [0.0, 2.0]


def test_a_worker_fetches_what_all_have_found(network: ParamNetwork, worker: ParamWorker) -> None:
    network.push_finished_tasks(points(1), [Scores(y=1.0)])
    worker.running_task(points(1)[0]).finish(Scores(y=2.0))
    assert worker.fetch_finished_tasks()["y"].to_list() == [1.0, 2.0]


def test_rows_sort_to_the_best_result(network: ParamNetwork) -> None:
    network.push_finished_tasks(points(3), [Scores(y=3.0), Scores(y=1.0), Scores(y=2.0)])
    best = network.fetch_finished_tasks().sort("y").row(0, named=True)
    assert best["x1"] == 1.0
