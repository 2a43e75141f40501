"""A network of Params and Scores, and workers in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from rushtyped import Network, Worker
from tests.contents import check_one_state, contents_of
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points


@pytest.fixture
def network(redis_url: str, network_id: str) -> Iterator[ParamNetwork]:
    """A network on the session's server; after the test each task must be in one state."""
    with Network[Params, Scores](network_id, redis=redis_url) as network:
        yield network
        check_one_state(network)


@pytest.fixture
def new_worker(network: ParamNetwork, redis_url: str) -> Callable[[], ParamWorker]:
    """Register one more worker of the network, in this process."""
    return lambda: Worker[Params, Scores](network.network_id, redis=redis_url)


@pytest.fixture
def worker(new_worker: Callable[[], ParamWorker]) -> ParamWorker:
    """A worker of the network, in this process."""
    return new_worker()


@pytest.fixture
def untouched(network: ParamNetwork, worker: ParamWorker) -> Iterator[None]:
    """Fail unless the test has written nothing; one task is queued and one runs."""
    network.push_tasks(points(1), xss_extra=[{"batch": 1}])
    worker.push_running_tasks(points(1))
    before = contents_of(network)
    yield
    assert contents_of(network) == before
