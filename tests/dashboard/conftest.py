"""A network with something of everything, and dashboards that show it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from rushtyped.keys import new_network_id
from tests.dashboard.serving import Served, served
from tests.dashboard.study import StudyNetwork, study

TOKEN = "a-token-for-tests"


@pytest.fixture(scope="session")
def studied(redis_url: str) -> Iterator[StudyNetwork]:
    """A network with tasks of all states and markup everywhere; nobody changes it."""
    with study(redis_url, f"study-{new_network_id()}") as network:
        yield network


@pytest.fixture(scope="session")
def dashboard(redis_url: str) -> Iterator[Served]:
    """A dashboard of the session's server that only shows, without a token."""
    with served(redis_url) as dashboard:
        yield dashboard


@pytest.fixture(scope="session")
def controlling(redis_url: str) -> Iterator[Served]:
    """A dashboard of the session's server that may stop workers and retry tasks."""
    with served(redis_url, token=TOKEN, allow_control=True) as dashboard:
        yield dashboard


@pytest.fixture(scope="session")
def client(dashboard: Served) -> Iterator[httpx.Client]:
    """A client of the dashboard that only shows."""
    with dashboard.client() as client:
        yield client


@pytest.fixture(scope="session")
def controller(controlling: Served) -> Iterator[httpx.Client]:
    """A client, with the token, of the dashboard that may change something."""
    with controlling.client() as client:
        yield client
