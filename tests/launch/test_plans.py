"""What a plan or the environment says reaches networks, their workers and their loops."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from rushtyped import (
    Network,
    TooLargeError,
    WaitTimeoutError,
    Worker,
    current_plan,
    plan,
    remove_plan,
)
from rushtyped.keys import NetworkKeys
from tests.launch import loops
from tests.models import ParamNetwork, Params, ParamWorker, Scores, serve
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def no_plan() -> Iterator[None]:
    """No plan goes to the next test."""
    yield
    remove_plan()


def test_networks_and_workers_are_at_the_planned_server(redis_url: str, network_id: str) -> None:
    with plan(redis=redis_url):
        network = Network[Params, Scores](network_id)
        worker = Worker[Params, Scores](network_id)
    assert network._endpoint.url == redis_url
    assert network.running_worker_ids == [worker.worker_id]
    worker.set_terminated()


def test_the_environment_names_the_server_where_the_plan_does_not(
    redis_url: str, network_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUSHTYPED_REDIS_URL", redis_url)
    with plan(n_workers=1):
        network = Network[Params, Scores](network_id)
    assert network._endpoint.url == redis_url


def test_as_many_workers_start_as_planned(network: ParamNetwork) -> None:
    with plan(n_workers=3):
        ids = network.start_local_workers(serve)
        assert len(network.start_local_workers(serve, n_workers=1)) == 1
    assert len(ids) == 3


def test_the_wait_for_workers_ends_as_planned(network: ParamNetwork) -> None:
    with plan(start_worker_timeout=0.0), pytest.raises(WaitTimeoutError, match=r"0 of 2 .* 0 s"):
        network.wait_for_workers(2)
    with plan(start_worker_timeout=100.0), pytest.raises(WaitTimeoutError, match=r"0.01 s"):
        network.wait_for_workers(2, timeout=0.01)


def test_workers_have_the_planned_heartbeat(
    network: ParamNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUSHTYPED_HEARTBEAT_PERIOD", "7")
    with plan(heartbeat_expire=9.0):
        [worker_id] = network.start_local_workers(serve, n_workers=1)
    network.wait_for_workers(worker_ids=[worker_id], timeout=20.0)
    record = network.connector.hgetall(NetworkKeys(network.network_id).worker(worker_id).record)
    assert (record[b"heartbeat_period"], record[b"heartbeat_expire"]) == (b"7.0", b"9.0")


def test_a_worker_process_does_not_read_plans(
    network: ParamNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUSHTYPED_N_WORKERS", "1")
    loop = functools.partial(loops.tell_modules, names=["pydantic_settings"], fetch=False)
    network.start_local_workers(loop)
    network.wait_until_done(timeout=20.0)
    [record] = network.read_tasks(network.failed_tasks)
    assert record.condition is not None
    assert record.condition.message == "none"


def test_a_large_loop_goes_to_the_planned_directory(network: ParamNetwork, tmp_path: Path) -> None:
    weights = bytes(range(256)) * 40

    def loop(worker: ParamWorker) -> None:
        with worker.running_task(Params(x1=float(len(weights)), x2=0.0)) as task:
            task.finish(Scores(y=float(weights[255])))

    with plan(large_objects_path=tmp_path / "objects", max_object_size=1024):
        network.start_local_workers(loop, n_workers=2)
        assert current_plan().large_objects_path == tmp_path / "objects"
    wait_until(lambda: network.n_finished_tasks == 2, description="both have evaluated")
    assert network.fetch_finished_tasks()["y"].to_list() == [255.0, 255.0]
    [stored] = (tmp_path / "objects").iterdir()
    assert stored.stat().st_size > len(weights)
    keys = NetworkKeys(network.network_id)
    [digest] = network.connector.smembers(keys.loops)
    assert isinstance(digest, bytes)
    assert network.connector.strlen(keys.loop(digest.decode())) < 500


def test_a_large_loop_without_a_directory_is_refused(network: ParamNetwork) -> None:
    weights = bytes(2000)
    with plan(max_object_size=1024), pytest.raises(TooLargeError, match="large_objects_path"):
        network.start_local_workers(lambda _: len(weights), n_workers=1)
    assert network.connector.scard(NetworkKeys(network.network_id).loops) == 0
