"""Large values: single ones of a hundred megabytes, and many of a hundred kilobytes."""

from __future__ import annotations

import os

import pytest

from rushtyped import Network, Worker, Xs, Ys
from tests.load.conftest import SLOW, Load
from tests.load.traffic import Traffic

MEGABYTE = 1_000_000


class Sent(Xs):
    sent: bytes


class Received(Ys):
    received: bytes


BlobNetwork = Network[Sent, Received]
BlobWorker = Worker[Sent, Received]


@pytest.mark.parametrize("size", [5 * MEGABYTE, pytest.param(100 * MEGABYTE, marks=SLOW)])
def test_a_large_value_comes_back(blobs: BlobNetwork, size: int) -> None:
    worker = BlobWorker(blobs.network_id, redis=blobs._endpoint)
    there, back = os.urandom(size), os.urandom(size)
    blobs.push_tasks([Sent(sent=there)])
    task = worker.pop_task()
    assert task is not None
    assert task.xs.sent == there
    assert task.finish(Received(received=back))
    frame = blobs.fetch_finished_tasks(fields=["xs", "ys"])
    assert frame["sent"].item() == there
    assert frame["received"].item() == back
    (record,) = blobs.read_tasks(frame["key"].to_list())
    assert record.ys == Received(received=back)


@pytest.fixture
def blobs(load: Load) -> BlobNetwork:
    """A network of large values."""
    return BlobNetwork("blobs", redis=load.server.url)


def test_many_rather_large_values_are_read_in_small_steps(
    blobs: BlobNetwork, traffic: Traffic
) -> None:
    values = [os.urandom(100_000) for _ in range(400)]
    keys = blobs.push_tasks([Sent(sent=value) for value in values])
    pushes = [sent for sent in traffic if sent.name == "push_tasks"]
    assert max(sent.n_bytes for sent in pushes) < 4_200_000
    blobs.read_tasks(keys[:1])  # loads the script
    traffic.clear()
    assert blobs.fetch_queued_tasks(fields=["xs"])["sent"].to_list() == values
    calls = [sent.words for sent in traffic if sent.name == "read_hashes"]
    asked = [len(words) - 5 - int(words[4]) for words in calls]
    assert sum(asked) == 400
    assert max(asked) <= 40
    assert [record.xs.sent for record in blobs.read_tasks(keys[:120])] == values[:120]


def test_many_fields_are_read_and_written_in_small_steps(
    blobs: BlobNetwork, traffic: Traffic
) -> None:
    fields = {f"field{number}": [number] for number in range(200)}
    keys = blobs.write_hashes(keys=[f"k{number}" for number in range(500)], **fields)
    assert {len(sent.words) for sent in traffic if sent.name == "write_hashes"} == {4228}
    traffic.clear()
    rows = blobs.read_hashes(keys, list(fields))
    assert rows == [{name: value for name, (value,) in fields.items()}] * 500
    assert max(len(sent.words) for sent in traffic) <= 205 + 200
