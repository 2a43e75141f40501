"""Many workers: registered, looked after, declared lost, and forgotten."""

from __future__ import annotations

from rushtyped.worker_store import WorkerStore
from tests.load.conftest import FEW, Load
from tests.load.traffic import Traffic
from tests.models import ParamNetwork, points
from tests.waiting import wait_until


def test_thousands_of_dead_workers(load: Load, network: ParamNetwork, traffic: Traffic) -> None:
    n = 200 if load.n == FEW else 2000
    network.push_tasks(points(n))
    ids = [f"w{number:04d}" for number in range(n)]
    for worker_id in ids:
        store = WorkerStore(network._store, worker_id)
        store.register({"pid": 1, "hostname": "far", "heartbeat_expire": 0.05}, 0.05)
        store.pop_task(0.0)
    assert network.n_running_tasks == n
    assert network.running_worker_ids == ids
    assert network.worker_info["state"].to_list() == ["running"] * n
    lost: set[str] = set()

    def all_are_lost() -> bool:
        lost.update(network.detect_lost_workers(requeue=True))
        return len(lost) == n

    wait_until(all_are_lost, description="the server has run for longer than the leases last")
    assert sorted(lost) == ids
    assert (network.n_queued_tasks, network.n_running_tasks) == (n, 0)
    assert network.worker_info["state"].to_list() == ["terminated"] * n
    network.reset()
    assert network.worker_ids == []
    with load.server.client() as plain:
        assert plain.dbsize() == 2
