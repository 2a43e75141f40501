"""Networks that vanish from the server, under the eyes of those who use them."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan
from typing import Any

import pytest

from rushtyped import (
    InvalidArgumentError,
    InvalidTypeError,
    Network,
    NetworkResetError,
    UnknownNetworkError,
    WorkerStoppedError,
)
from tests.contents import contents_of
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points, search
from tests.servers.behind import client_behind
from tests.waiting import in_background, wait_until, wait_until_blocked

POINT = Params(x1=1.0, x2=2.0)


def vanish(network: ParamNetwork) -> None:
    """Let the network vanish, and wait until it has."""
    network.expire(0.05)
    wait_until(lambda: not contents_of(network), description="the network has vanished")


def test_nothing_is_left_of_a_network(network: ParamNetwork, worker: ParamWorker) -> None:
    network.push_tasks(points(2500), xss_extra=[{"batch": 1}])
    worker.push_running_tasks(points(2))
    network.push_failed_tasks(points(2))
    network.write_hashes(weight=[1.0])
    network.stop_workers("terminate")
    network.expire(0.0)
    assert contents_of(network) == {}


def test_it_goes_on_as_before_until_then(network: ParamNetwork, worker: ParamWorker) -> None:
    network.expire(3600)
    network.push_tasks(points(1))
    task = worker.pop_task()
    assert task is not None
    assert task.finish(Scores(y=1.0)) is True
    assert network.fetch_finished_tasks()["y"].to_list() == [1.0]


def test_it_can_be_taken_back(network: ParamNetwork) -> None:
    keys = network.push_tasks(points(1))
    network.expire(3600)
    network.expire(None)
    client = client_behind(network)
    assert {client.ttl(name) for name in contents_of(network)} == {-1}
    assert network.queued_tasks == keys


def test_a_reader_sees_an_empty_network(
    network: ParamNetwork, worker: ParamWorker, warnings_seen: list[str]
) -> None:
    worker.push_finished_tasks(points(3), [Scores(y=0.0)] * 3)
    assert network.fetch_finished_tasks().height == 3
    vanish(network)
    assert (network.tasks, network.worker_ids, network.n_finished_tasks) == ([], [], 0)
    for fetched in (
        network.fetch_finished_tasks(),
        network.fetch_tasks(),
        network.fetch_tasks_with_state(),
        network.fetch_new_tasks(),
    ):
        assert fetched.height == 0
        assert "x1" in fetched.columns
    assert warnings_seen == ["The network was reset or has lost tasks: reading all anew"]


def test_a_worker_ends_as_a_lost_one(network: ParamNetwork, worker: ParamWorker) -> None:
    task = worker.running_task(POINT)
    vanish(network)
    wait_until(lambda: worker.terminated, description="the worker has asked again")
    assert worker.pop_task(timeout=10.0) is None
    with pytest.raises(WorkerStoppedError):
        worker.running_task(POINT)
    assert task.finish(Scores(y=0.0)) is False
    assert contents_of(network) == {}


def test_who_waits_for_tasks_is_told(network: ParamNetwork, worker: ParamWorker) -> None:
    keys = worker.push_running_tasks(points(1))
    with in_background(lambda: network.wait_for_tasks(keys)) as waiting:
        wait_until_blocked(network)
        network.expire(0.0)
        with pytest.raises(NetworkResetError):
            waiting.result(timeout=30.0)


def test_who_waits_for_the_end_is_done(network: ParamNetwork, worker: ParamWorker) -> None:
    worker.push_running_tasks(points(1))
    with in_background(lambda: network.wait_until_done(timeout=60.0)) as waiting:
        wait_until_blocked(network)
        network.expire(0.0)
        waiting.result(timeout=30.0)


CREATE: list[Callable[[ParamNetwork], object]] = [
    lambda n: n.push_tasks(points(2), xss_extra=[{"batch": 1}]),
    lambda n: n.push_finished_tasks(points(2), [Scores(y=0.0)] * 2),
    lambda n: n.push_failed_tasks(points(2)),
]


@pytest.mark.parametrize("push", CREATE)
def test_a_push_begins_the_network_anew_with_its_schemas(
    network: ParamNetwork,
    redis_url: str,
    push: Callable[[ParamNetwork], object],
    warnings_seen: list[str],
) -> None:
    network.push_tasks(points(1), xss_extra=[{"batch": 1}])
    network.expire(0.0)
    push(network)
    assert warnings_seen == [f"Network {network.network_id} has vanished: it begins anew"]
    assert network.n_tasks == 2
    assert Network.open(network.network_id, redis=redis_url).fetch_tasks().height == 2
    client = client_behind(network)
    assert {client.ttl(name) for name in contents_of(network)} == {-1}
    columns = {"column:batch"} & {name.decode() for name in client.hgetall(meta(network))}
    assert columns == {"column:batch"}


def meta(network: ParamNetwork) -> str:
    return f"rush:{{{network.network_id}}}:meta"


def test_a_push_after_anothers_reset_records_the_schemas(
    network: ParamNetwork, redis_url: str
) -> None:
    network.push_tasks(points(1))
    Network[Params, Scores](network.network_id, redis=redis_url).reset()
    network.push_tasks(points(1))
    assert Network.open(network.network_id, redis=redis_url).fetch_tasks().height == 1


def test_who_opened_it_without_models_cannot_begin_it_anew(
    network: ParamNetwork, redis_url: str
) -> None:
    network.push_tasks(points(1))
    opened = Network.open(network.network_id, redis=redis_url)
    xss = [record.xs for record in opened.read_tasks(opened.tasks)]
    network.expire(0.0)
    assert opened.tasks == []
    with pytest.raises(UnknownNetworkError, match="there is no network"):
        opened.push_tasks(xss)
    with pytest.raises(UnknownNetworkError):
        opened.expire(1.0)
    with pytest.raises(UnknownNetworkError):
        Network.open(network.network_id, redis=redis_url)
    assert contents_of(network) == {}


def test_expire_of_what_has_vanished_holds_for_what_comes(network: ParamNetwork) -> None:
    network.expire(0.0)
    network.expire(3600)
    network.push_tasks(points(1))
    client = client_behind(network)
    assert {client.ttl(name) > 0 for name in contents_of(network)} == {True}


@pytest.mark.parametrize("seconds", [-1.0, -0.001, nan, inf, 1e9 + 1, 1e300])
def test_seconds_that_nobody_can_wait_for_are_refused(
    network: ParamNetwork, seconds: float, untouched: None
) -> None:
    with pytest.raises(InvalidArgumentError, match=r"^seconds must be at (least|most) .* s but is"):
        network.expire(seconds)


@pytest.mark.parametrize("seconds", ["60", True, b"1", [1]])
def test_what_is_no_number_of_seconds_is_refused(
    network: ParamNetwork, seconds: Any, untouched: None
) -> None:
    with pytest.raises(InvalidTypeError, match=r"^seconds must be a number of seconds but is"):
        network.expire(seconds)


def test_other_networks_are_untouched(network: ParamNetwork, redis_url: str) -> None:
    other = Network[Params, Scores](network.network_id + "0", redis=redis_url)
    other.push_tasks(points(1))
    before = contents_of(other)
    network.expire(0.0)
    assert contents_of(other) == before


def test_workers_that_run_end_with_their_network(network: ParamNetwork) -> None:
    network.start_local_workers(search, n_workers=2)
    network.wait_for_workers(2, timeout=60.0)
    wait_until(lambda: network.n_finished_tasks > 10, description="workers work")
    network.expire(0.2)
    network.wait_until_done(timeout=60.0)
    wait_until(lambda: not contents_of(network), description="nothing is left")
