"""All that can be asked of a network, in this process, one call after the other."""

from __future__ import annotations

import contextlib

from loguru import logger

from rushtyped import Network, Worker
from rushtyped.lease_store import LeaseStore
from rushtyped.log_store import LogStore
from rushtyped.logs import LogSink, capture_logs
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points, serve


def ask_everything(url: str, network_id: str) -> None:
    """Take a network through all that its users, its workers and their leases ask for."""
    network = Network[Params, Scores](network_id, redis=url, max_tasks=100, max_seconds=600.0)
    worker = Worker[Params, Scores](network_id, redis=url)
    _work(network, worker)
    _read(network, worker)
    _log(network, worker)
    _lease(network, worker)
    _end(network, worker)


def _work(network: ParamNetwork, worker: ParamWorker) -> None:
    queued = network.push_tasks(points(5), xss_extra=[{"batch": 1}])
    network.push_finished_tasks(points(1), [Scores(y=1.0)])
    failed = network.push_failed_tasks(points(1))
    assert network.retry_tasks(failed) == failed
    network.fail_tasks(queued[3:4])
    with worker.running_task(Params(x1=0.0, x2=0.0)) as task:
        task.finish(Scores(y=1.0), ys_extra={"seconds": 1.0})
    popped = [worker.pop_task(timeout=timeout) for timeout in (0.0, 1.0)]
    assert [task.key for task in popped if task is not None] == queued[:2]
    assert worker.finish_tasks(queued[:1], [Scores(y=2.0)]) == queued[:1]
    assert worker.fail_tasks(queued[1:2], ["bad"]) == queued[1:2]
    worker.push_running_tasks(points(2))
    network.write_hashes(keys=["settings"], step=[3])
    network.write_hashes(keys=queued[:1], note=["good"])


def _read(network: ParamNetwork, worker: ParamWorker) -> None:
    assert network.fetch_tasks().height == 10
    assert network.fetch_new_tasks().height == 3
    for fetch in (
        *(network.fetch_queued_tasks, network.fetch_running_tasks, network.fetch_finished_tasks),
        *(network.fetch_failed_tasks, network.fetch_tasks_with_state),
    ):
        assert fetch().height > 0
    counts = (
        *(network.n_tasks, network.n_queued_tasks, network.n_running_tasks),
        *(network.n_finished_tasks, network.n_failed_tasks),
    )
    assert counts == (10, 3, 2, 3, 2)
    assert len(network.tasks + network.running_tasks) == 12
    assert network.read_tasks(network.finished_tasks)[0].xs == Params(x1=0.0, x2=0.0)
    assert network.read_hash("settings", ["step"]) == {"step": 3}
    assert (network.n_workers, network.n_running_workers) == (1, 1)
    assert network.worker_info["worker_id"].to_list() == [worker.worker_id]
    assert network.running_worker_ids == [worker.worker_id]
    assert not worker.terminated
    assert network.detect_lost_workers() == []
    with contextlib.suppress(TimeoutError):
        network.wait_for_tasks(network.running_tasks, timeout=0.01)
    network.wait_for_workers(1, timeout=5.0)
    with contextlib.suppress(TimeoutError):
        network.wait_until_done(timeout=0.01)
    assert network.verify().is_empty()
    assert network.verify(repair=True).is_empty()


def _log(network: ParamNetwork, worker: ParamWorker) -> None:
    logs = LogStore(network._store)
    logs.push("another", 1, 10, [b""])  # a sink keeps the errors from its caller
    with contextlib.closing(capture_logs(LogSink(logs, worker.worker_id))):
        logger.warning("the step is small")
    assert network.read_log(worker_ids=[worker.worker_id])["message"].to_list() == [
        "the step is small"
    ]


def _lease(network: ParamNetwork, worker: ParamWorker) -> None:
    leases = LeaseStore(network._store)
    leases.renew({worker.worker_id: 30.0})
    assert leases.lost() == {}
    assert not leases.wait_for_kill([worker.worker_id], 0.01)
    assert leases.uptime() < float("inf")
    leases.dismiss(["another"], "terminate")
    assert leases.is_dismissed("another")


def _end(network: ParamNetwork, worker: ParamWorker) -> None:
    network.worker_script(serve)
    assert network._store.read_loop("0" * 64) is None
    network.expire(600.0)
    network.expire(None)
    network.stop_workers("terminate")
    worker.set_terminated()
    second = Worker[Params, Scores](network.network_id, redis=network._endpoint)
    assert second.pop_task(timeout=0.0) is not None
    network.stop_workers("kill")
    network.push_tasks(points(101))  # more than are looked through one by one
    network.empty_queue()
    Network.open(network.network_id, redis=network._endpoint).fetch_finished_tasks()
    network.reset()
    assert network.n_tasks == 0
