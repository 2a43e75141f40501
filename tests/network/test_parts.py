"""Fetching a part of the tasks of a state: only that is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rushtyped import InvalidArgumentError, InvalidTypeError
from tests.models import ParamNetwork, ParamWorker, Scores, points

STATES = ("queued", "running", "finished", "failed")
FETCHES = ("fetch_tasks", *(f"fetch_{state}_tasks" for state in STATES))
Fetch = Callable[..., Any]


@pytest.fixture(params=FETCHES)
def fetch(request: pytest.FixtureRequest, network: ParamNetwork, worker: ParamWorker) -> Fetch:
    """A fetch of 250 tasks."""
    network.push_tasks(points(250))
    worker.push_running_tasks(points(250))
    network.push_failed_tasks(points(250))
    network.push_finished_tasks(points(250), [Scores(y=1.0)] * 250)
    found: Fetch = getattr(network, request.param)
    return found


@pytest.mark.parametrize(
    ("offset", "limit"),
    [(0, 0), (0, 1), (0, 99), (3, 120), (120, None), (249, 5), (250, 5), (10_000, 5), (0, None)],
)
def test_a_part_is_cut_from_the_whole(fetch: Fetch, offset: int, limit: int | None) -> None:
    whole = fetch(fields=["xs", "times"])
    part = fetch(fields=["xs", "times"], offset=offset, limit=limit)
    assert part.equals(whole.slice(offset, limit))


def test_a_small_part_takes_one_round_trip(fetch: Fetch, network: ParamNetwork) -> None:
    before = network._channel.n_round_trips
    assert fetch(offset=100, limit=100).height == 100
    assert network._channel.n_round_trips == before + 1


@pytest.mark.parametrize("wrong", [{"offset": -1}, {"limit": -1}])
def test_a_position_below_none_is_refused(fetch: Fetch, wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidArgumentError, match=f"{next(iter(wrong))} must be at least 0"):
        fetch(**wrong)


@pytest.mark.parametrize("wrong", [{"offset": 1.5}, {"limit": "5"}, {"limit": True}])
def test_what_counts_nothing_is_refused(fetch: Fetch, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidTypeError, match=f"{next(iter(wrong))} must be a whole number"):
        fetch(**wrong)
