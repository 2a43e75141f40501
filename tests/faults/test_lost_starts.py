"""Commands that are lost while worker processes are started, run and end."""

from __future__ import annotations

import pytest

from rushtyped import Network, RushTypedError
from tests.faults.proxy_faults import At, CutReply, CutRequest, Fault
from tests.faults.scene import NAME, Stage
from tests.models import ParamNetwork, Params, Scores, points, work_off
from tests.waiting import wait_until

N_TASKS = 3
DURING_A_LIFE = 60
"""More commands than a worker process sends for a few tasks, with those of its lease."""


def run_worker(network: ParamNetwork) -> None:
    """Have a worker process work off a few tasks."""
    network.push_tasks(points(N_TASKS))
    network.start_local_workers(work_off, n_workers=1)
    network.wait_until_done(timeout=60.0)


def finished_results(network: ParamNetwork) -> list[float]:
    return sorted(network.fetch_finished_tasks()["y"])


def test_a_loop_is_stored_and_its_workers_started_once(stage: Stage) -> None:
    with Network[Params, Scores](NAME, redis=stage.endpoint()) as network:
        stage.proxy.begin(CutReply(At(0, "store_loop")))
        run_worker(network)
        assert stage.proxy.n_injected == 1
        assert network.n_workers == 1
        assert finished_results(network) == [0.0, 1.0, 2.0]
        assert network.verify().is_empty()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("kind", "first"), [(CutRequest, 0), (CutReply, 1)])
def test_a_worker_process_may_lose_any_command(
    stage: Stage, kind: type[CutRequest | CutReply], first: int
) -> None:
    """First contact is tried once: the worker then never begins, and its tasks stay queued."""
    outcomes = []
    for n in range(first, DURING_A_LIFE, 2):
        stage.clear()
        outcomes.append(_life_with(stage, kind(At(n))))
        if outcomes[-1] == "nothing lost":
            break
    assert outcomes[-1] == "nothing lost"
    assert outcomes.count("finished") > outcomes.count("not started") > 0
    assert set(outcomes) == {"nothing lost", "finished", "not started"}


def _life_with(stage: Stage, fault: Fault) -> str:
    with Network[Params, Scores](NAME, redis=stage.endpoint()) as network:
        network.push_tasks(points(N_TASKS))
        stage.proxy.begin(fault)
        try:
            network.start_local_workers(work_off, n_workers=1)
            network.wait_until_done(timeout=60.0)
        except RushTypedError:
            stage.proxy.begin()
            assert network.n_queued_tasks == N_TASKS
            return "not started"
        n_injected = stage.proxy.n_injected
        stage.proxy.begin()
        assert finished_results(network) == [0.0, 1.0, 2.0]
        wait_until(lambda: network.verify().is_empty(), description="all is as promised")
    return "finished" if n_injected else "nothing lost"
