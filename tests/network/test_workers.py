"""Who works in a network."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from rushtyped import Worker, WorkerIdTakenError
from tests.contents import contents_of
from tests.models import ParamNetwork, Params, ParamWorker, Scores


def test_a_network_begins_without_workers(network: ParamNetwork) -> None:
    assert (network.n_workers, network.n_running_workers, network.n_terminated_workers) == (0, 0, 0)
    assert network.worker_ids == []
    assert network.worker_info.height == 0


def test_a_worker_registers_itself(network: ParamNetwork, worker: ParamWorker) -> None:
    assert network.worker_ids == [worker.worker_id]
    assert network.running_worker_ids == [worker.worker_id]
    assert network.terminated_worker_ids == []
    assert (network.n_workers, network.n_running_workers, network.n_terminated_workers) == (1, 1, 0)


def test_ids_are_sorted_and_split_by_state(network: ParamNetwork, redis_url: str) -> None:
    for name in ("c", "a", "b"):
        Worker[Params, Scores](network.network_id, redis=redis_url, worker_id=name)
    network.stop_workers("kill", worker_ids=["b"])
    assert network.worker_ids == ["a", "b", "c"]
    assert network.running_worker_ids == ["a", "c"]
    assert network.terminated_worker_ids == ["b"]
    assert (network.n_workers, network.n_running_workers, network.n_terminated_workers) == (3, 2, 1)


def test_workers_see_each_other(network: ParamNetwork, worker: ParamWorker, redis_url: str) -> None:
    other = ParamWorker(network.network_id, redis=redis_url)
    assert worker.worker_ids == sorted([worker.worker_id, other.worker_id])


def test_an_id_is_taken_only_once(network: ParamNetwork, redis_url: str) -> None:
    first = Worker[Params, Scores](network.network_id, redis=redis_url, worker_id="first")
    before = contents_of(network)
    with pytest.raises(WorkerIdTakenError, match=r"has a worker 'first' already: choose another"):
        Worker[Params, Scores](network.network_id, redis=redis_url, worker_id=first.worker_id)
    assert contents_of(network) == before


def test_the_id_of_a_terminated_worker_stays_taken(
    network: ParamNetwork, worker: ParamWorker, redis_url: str
) -> None:
    worker.set_terminated()
    with pytest.raises(WorkerIdTakenError):
        Worker[Params, Scores](network.network_id, redis=redis_url, worker_id=worker.worker_id)


def test_worker_info_describes_the_process(network: ParamNetwork, worker: ParamWorker) -> None:
    frame = network.worker_info
    assert frame.schema["started_at"] == pl.Datetime("us", "UTC")
    (row,) = frame.iter_rows(named=True)
    assert row["worker_id"] == worker.worker_id
    assert row["state"] == "running"
    assert row["pid"] == os.getpid()
    assert row["hostname"] == socket.gethostname()
    assert abs(row["started_at"] - datetime.now(UTC)) < timedelta(minutes=1)
    assert (row["ended_at"], row["reason"]) == (None, None)


def test_worker_info_tells_why_a_worker_ended(network: ParamNetwork, worker: ParamWorker) -> None:
    network.stop_workers("kill")
    (row,) = network.worker_info.iter_rows(named=True)
    assert (row["state"], row["reason"]) == ("terminated", "Worker was killed")
    assert row["ended_at"] >= row["started_at"]


def test_worker_info_has_the_same_schema_without_workers(
    network: ParamNetwork, redis_url: str
) -> None:
    empty = network.worker_info
    ParamWorker(network.network_id, redis=redis_url)
    assert network.worker_info.schema == empty.schema


def test_a_terminated_worker_is_not_found_lost(network: ParamNetwork, worker: ParamWorker) -> None:
    worker.set_terminated()
    assert network.detect_lost_workers() == []
