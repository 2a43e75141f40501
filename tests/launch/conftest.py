"""A network with real worker processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rushtyped import Network
from tests.contents import check_one_state
from tests.models import ParamNetwork, Params, Scores


@pytest.fixture
def network(redis_url: str, network_id: str) -> Iterator[ParamNetwork]:
    """A network on the session's server; no worker process outlives the test."""
    with Network[Params, Scores](network_id, redis=redis_url) as network:
        yield network
        network.stop_workers("kill")
        check_one_state(network)
    assert not any(worker.is_alive for worker in network._crew.local)
