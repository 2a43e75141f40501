"""Every loss of a worker is found, and no live worker is ever taken for lost."""

from __future__ import annotations

import statistics
from itertools import chain

import pytest

from rushtyped import Network
from tests.contents import check_one_state
from tests.faults.losses import FAULTS, LEASE, SLACK, WAYS, Losses, overload, reasons
from tests.models import ParamNetwork, Params, Scores, points

AT_ONCE = 5
QUICK = [(way, fault) for way in WAYS for fault in FAULTS if way != "dask" or fault == "kill"]


def lose(way: str, fault: str, redis_url: str, network_id: str, *, losses: int, load: int) -> None:
    """Lose workers in rounds beside two that live all the time."""
    seconds = []
    lost: list[str] = []
    with (
        Network[Params, Scores](network_id, redis=redis_url) as network,
        WAYS[way](network) as start,
        overload(load),
    ):
        rounds = Losses(network, redis_url, start)
        network.push_tasks(points(20))
        alive = rounds.start(2)
        while len(lost) < losses:
            ids = rounds.start(min(AT_ONCE, losses - len(lost)))
            struck = rounds.strike(ids, fault)
            manager = network if way == "local" and fault != "freeze" else rounds.other
            seconds.append(rounds.found_by(manager, ids, struck))
            rounds.thaw()
            lost += ids
            check_settled(network, ids)
            assert set(alive) <= set(network.running_worker_ids)
        assert max(seconds) <= LEASE + SLACK * (1 + load)
        assert all(
            reason.startswith("Worker has crashed or was killed")
            for reason in reasons(network, lost)
        )
        network.stop_workers("kill")
        check_one_state(network)
        assert network.running_tasks == []
        unsettled = network.fetch_tasks_with_state(states=["queued"])
        assert unsettled.height == 0
    print(f"{way} {fault}: median {statistics.median(seconds):.2f} s, most {max(seconds):.2f} s")


def check_settled(network: ParamNetwork, ids: list[str]) -> None:
    """Check, while others go on, that no task is in two states or still a lost worker's."""
    keys = list(chain.from_iterable(network.tasks_with_state().values()))
    assert len(keys) == len(set(keys))
    running = network.fetch_running_tasks(fields=["worker_id"])
    assert not set(running["worker_id"]) & set(ids)


@pytest.mark.filterwarnings("ignore::Warning:distributed")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize(("way", "fault"), QUICK)
def test_lost_workers_are_found_and_live_ones_stay(
    way: str, fault: str, redis_url: str, network_id: str
) -> None:
    lose(way, fault, redis_url, network_id, losses=3, load=0)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore::Warning:distributed")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("way", WAYS)
def test_a_hundred_losses_on_overloaded_cores(
    way: str, fault: str, redis_url: str, network_id: str
) -> None:
    lose(way, fault, redis_url, network_id, losses=100, load=4)
