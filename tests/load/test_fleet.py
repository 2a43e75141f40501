"""Many worker processes on one server, and a flood of their logs."""

from __future__ import annotations

from functools import partial

from loguru import logger

from rushtyped import Worker
from tests.load.conftest import FEW, Load
from tests.models import ParamNetwork, Params, Scores
from tests.waiting import wait_until


def search_in_short(worker: Worker[Params, Scores]) -> None:
    """Start and finish tasks until the budget is spent."""
    while not worker.terminated:
        with worker.running_task(Params(x1=1.0, x2=2.0)) as task:
            task.finish(Scores(y=1.0))


def chatter(worker: Worker[Params, Scores], *, n: int = 1000) -> None:
    """Log so many records."""
    for number in range(n):
        logger.info("record {}", number)


def test_many_workers_share_one_server(load: Load, network: ParamNetwork) -> None:
    n = 20 if load.n == FEW else 200
    budgeted = ParamNetwork(network.network_id, redis=load.server.url, max_tasks=n * 50)
    ids = budgeted.start_local_workers(search_in_short, n_workers=n)
    budgeted.wait_for_workers(worker_ids=ids, timeout=300.0)
    budgeted.wait_until_done(timeout=600.0)
    assert budgeted.n_finished_tasks == n * 50
    assert budgeted.fetch_finished_tasks(fields=["worker_id"])["worker_id"].n_unique() > 1
    wait_until(lambda: budgeted.n_running_workers == 0, description="all have ended", timeout=60.0)
    assert (budgeted.n_running_tasks, budgeted.n_failed_tasks) == (0, 0)
    assert budgeted.verify().is_empty()


def test_a_flood_of_logs(load: Load, network: ParamNetwork) -> None:
    n_workers = 2
    n = load.n if load.n == FEW else 100_000
    network.start_local_workers(
        partial(chatter, n=n), n_workers=n_workers, log_levels={"": "INFO"}, log_buffer_size=1000
    )
    network.wait_for_workers(n_workers, timeout=120.0)
    wait_until(lambda: network.n_running_workers == 0, description="all have ended", timeout=600.0)
    log = network.read_log()
    assert log.height == n_workers * 10_000
    assert log.group_by("worker_id").len()["len"].to_list() == [10_000] * n_workers
    assert f"record {n - 1}" in log["message"].to_list()
