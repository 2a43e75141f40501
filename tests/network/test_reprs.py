"""What is shown of a Network, a Worker and a task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from rushtyped import Network, Worker
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points
from tests.servers.process import ServerProcess

RoundTrips = Callable[[object, Callable[[], object]], int]


def test_a_repr_names_network_and_server_and_asks_nobody(
    network: ParamNetwork, worker: ParamWorker, count_round_trips: RoundTrips
) -> None:
    address = network._endpoint.address.replace("worker:***@", "")  # as a user with few rights
    assert repr(network) == f"<Network[Params, Scores] '{network.network_id}' on {address}>"
    assert repr(worker) == (
        f"<Worker[Params, Scores] '{worker.worker_id}' of '{network.network_id}' on {address}>"
    )
    for each in (network, worker):
        assert count_round_trips(each, lambda each=each: repr(each)) == 0  # type: ignore[misc]  # a lambda's default


@pytest.mark.parametrize("of", ["network", "worker"])
def test_a_notebook_shows_counts_and_budget_in_one_round_trip(
    redis_url: str, network_id: str, count_round_trips: RoundTrips, of: str
) -> None:
    network = Network[Params, Scores](network_id, redis=redis_url, max_tasks=7, max_seconds=90)
    worker = Worker[Params, Scores](network_id, redis=redis_url)
    network.push_tasks(points(2))
    worker.running_task(points(1)[0]).finish(Scores(y=0.0))
    shown: list[str] = []
    each = network if of == "network" else worker
    assert each.progress.finished == 1  # the server has the script from now on
    assert count_round_trips(each, lambda: shown.append(each._repr_html_())) == 1
    assert ">2 queued, 0 running, 1 finished, 0 failed<" in shown[0]
    assert ">1 of 7 tasks, 0 s of 1:30<" in shown[0]
    assert f">{network_id}<" in shown[0]
    assert (f">{worker.worker_id}<" in shown[0]) == (of == "worker")


def test_a_notebook_says_that_the_server_is_away(own_server: ServerProcess) -> None:
    network = Network[Params, Scores]("away", redis=own_server.url)
    own_server.kill()
    shown = network._repr_html_()
    assert "ServerUnreachableError" in shown
    assert ">away<" in shown


def test_no_credentials_are_shown_and_all_is_escaped(redis_url: str) -> None:
    network = Network[Params, Scores]("shown", redis=redis_url)
    network._endpoint = replace(network._endpoint, address="redis://me:***@host/<b>")
    assert repr(network).endswith(" on redis://host/<b>>")
    shown = network._repr_html_()
    assert ">redis://host/&lt;b&gt;<" in shown
