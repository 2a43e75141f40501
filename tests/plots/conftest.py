"""Networks whose charts are drawn, shared by the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rushtyped import Network, Worker
from rushtyped.keys import new_network_id
from tests.plots.studies import Result, Setting, StudyNetwork, fill


@pytest.fixture(scope="session")
def study(redis_url: str) -> Iterator[StudyNetwork]:
    """A network with tasks in all states; tests only read it."""
    with Network[Setting, Result](new_network_id(), redis=redis_url) as network:
        workers = tuple(
            Worker[Setting, Result](network.network_id, redis=redis_url, worker_id=name)
            for name in ("ada", "bob")
        )
        fill(network, (workers[0], workers[1]))
        yield network


@pytest.fixture(scope="session")
def nothing(redis_url: str) -> StudyNetwork:
    """A network without tasks or workers."""
    return Network[Setting, Result](new_network_id(), redis=redis_url)
