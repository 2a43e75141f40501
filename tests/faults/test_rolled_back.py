"""After a failover the server may lack the newest writes, those that clients were told of too."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Iterator

import pytest

from rushtyped import ColumnCollisionError, Network, ServerUnreachableError, UnknownTaskError
from rushtyped.keys import NetworkKeys
from rushtyped.lease_store import LeaseStore
from rushtyped.log_store import LogStore
from rushtyped.logs import LogPrinter
from rushtyped.logs.records import WARNING, pack_note
from rushtyped.worker_store import WorkerStore
from tests.contents import check_one_state
from tests.faults.rollback import Snapshot
from tests.launch.lives import wait_until_renewed
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points
from tests.waiting import in_background, wait_until, wait_until_blocked


@pytest.fixture
def network(redis_url: str, network_id: str) -> Iterator[ParamNetwork]:
    """A network whose manager stays."""
    with Network[Params, Scores](network_id, redis=redis_url) as network:
        yield network
        check_one_state(network)


@pytest.fixture
def worker(network: ParamNetwork, redis_url: str) -> Iterator[ParamWorker]:
    """A registered worker."""
    worker = ParamWorker(network.network_id, redis=redis_url)
    yield worker
    worker.set_terminated()


@pytest.fixture
def other(network: ParamNetwork, redis_url: str) -> Iterator[ParamWorker]:
    """Another registered worker."""
    worker = ParamWorker(network.network_id, redis=redis_url)
    yield worker
    worker.set_terminated()


def results(network: ParamNetwork) -> dict[str, float]:
    """Read what is stored of finished tasks, past every cache."""
    records = network.read_tasks(network.finished_tasks)
    return {record.key: record.ys.y for record in records if record.ys is not None}


def is_told_to_end(worker: ParamWorker) -> bool:
    """Let a worker make a call, and then ask whether it is to end."""
    _ = worker.n_tasks
    worker._verdict_at = float("-inf")  # a reply that is a second old is still good for it
    return worker.terminated


def run(worker: ParamWorker, n: int) -> list[str]:
    """Create and finish tasks one by one; return their keys."""
    keys = []
    for xs in points(n):
        with worker.running_task(xs) as task:
            task.finish(Scores(y=xs.x1))
        keys.append(task.key)
    return keys


def count_scripts(network: ParamNetwork) -> int:
    """Count the scripts that the server has run."""
    calls: int = network.connector.info("commandstats")["cmdstat_evalsha"]["calls"]
    return calls


# Workers: what they were told of.


def test_a_result_that_was_confirmed_is_stored_again(
    network: ParamNetwork, worker: ParamWorker, warnings_seen: list[str]
) -> None:
    key = worker.push_running_tasks(points(1))[0]
    before = Snapshot(network)
    assert worker.finish_tasks([key], [Scores(y=7.0)]) == [key]
    before.restore()
    assert network.running_tasks == [key]
    assert not is_told_to_end(worker)
    assert results(network) == {key: 7.0}
    assert network.read_tasks([key])[0].worker_id == worker.worker_id
    assert network.running_tasks == []
    (warning,) = warnings_seen
    assert warning == (
        f"The server had gone back: 1 tasks of worker {worker.worker_id} are stored again: "
        f"['{key}']"
    )


def test_a_result_is_stored_again_though_its_task_is_unknown(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    before = Snapshot(network)
    with worker.running_task(Params(x1=1.0, x2=2.0), xs_extra={"note": "first"}) as task:
        assert task.finish(Scores(y=7.0), ys_extra={"seconds": 2.5})
    before.restore()
    assert network.n_tasks == 0
    assert not is_told_to_end(worker)
    assert network.tasks == network.finished_tasks == [task.key]
    record = network.read_tasks([task.key])[0]
    assert record.xs == Params(x1=1.0, x2=2.0)
    assert record.ys == Scores(y=7.0)
    assert record.xs_extra is not None
    assert record.xs_extra.model_dump() == {"note": "first"}
    assert record.ys_extra is not None
    assert record.ys_extra.model_dump() == {"seconds": 2.5}
    assert record.worker_id == worker.worker_id


def test_all_of_many_results_are_stored_again_in_their_order(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    before = Snapshot(network)
    keys = worker.push_running_tasks(points(2500))
    worker.finish_tasks(keys, [Scores(y=float(i)) for i in range(2500)])
    before.restore()
    assert not is_told_to_end(worker)
    assert network.finished_tasks == keys
    assert results(network) == {key: float(i) for i, key in enumerate(keys)}


def test_a_failure_that_was_confirmed_is_stored_again(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    before = Snapshot(network)
    keys = worker.push_running_tasks(points(2))
    again = Snapshot(network)
    assert worker.fail_tasks(keys, ["first", "second"]) == keys
    for snapshot in (before, again):
        snapshot.restore()
        assert not is_told_to_end(worker)
        assert network.failed_tasks == keys
        conditions = [record.condition for record in network.read_tasks(keys)]
        assert [each and each.message for each in conditions] == ["first", "second"]


def test_a_task_whose_creation_was_lost_runs_again_and_finishes(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    before = Snapshot(network)
    task = worker.running_task(points(1)[0])
    before.restore()
    assert task.finish(Scores(y=7.0))
    assert results(network) == {task.key: 7.0}


def test_a_task_whose_creation_was_lost_runs_again_and_fails(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    before = Snapshot(network)
    task = worker.running_task(points(1)[0])
    before.restore()
    assert task.fail("no point")
    assert network.failed_tasks == [task.key]


def test_a_task_whose_claim_was_lost_is_its_worker_s_again(
    network: ParamNetwork, worker: ParamWorker, other: ParamWorker
) -> None:
    keys = network.push_tasks(points(2))
    before = Snapshot(network)
    task = worker.pop_task(timeout=0.0)
    before.restore()
    assert network.queued_tasks == keys
    assert not is_told_to_end(worker)
    assert network.queued_tasks == keys[1:]
    popped = other.pop_task(timeout=0.0)
    assert task is not None
    assert popped is not None
    assert (task.key, popped.key) == (keys[0], keys[1])
    assert task.finish(Scores(y=1.0))
    assert popped.finish(Scores(y=2.0))
    assert results(network) == {keys[0]: 1.0, keys[1]: 2.0}


def test_a_task_that_was_moved_to_the_worker_and_not_claimed_is_its_own_again(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    (key,) = network.push_tasks(points(1))
    keys = NetworkKeys(network.network_id)
    pending = keys.worker(worker.worker_id).pending
    network.connector.lmove(keys.queue, pending, "LEFT", "RIGHT")
    before = Snapshot(network)
    network.connector.lmove(pending, keys.queue, "LEFT", "RIGHT")
    task = worker.pop_task(timeout=0.0)
    assert task is not None
    before.restore()
    assert worker.pop_task(timeout=0.0) is None
    assert network.connector.exists(pending) == 0
    assert task.finish(Scores(y=1.0))
    assert results(network) == {key: 1.0}


def test_a_task_that_another_has_claimed_meanwhile_is_left_to_it(
    network: ParamNetwork, worker: ParamWorker, other: ParamWorker, warnings_seen: list[str]
) -> None:
    (key,) = network.push_tasks(points(1))
    before = Snapshot(network)
    task = worker.pop_task(timeout=0.0)
    assert task is not None
    before.restore()
    popped = other.pop_task(timeout=0.0)
    assert popped is not None
    assert popped.key == key
    assert not task.finish(Scores(y=1.0))
    assert popped.finish(Scores(y=2.0))
    assert results(network) == {key: 2.0}
    assert warnings_seen == [
        f"The server had gone back: 1 tasks are no longer of worker {worker.worker_id}: ['{key}']",
        f"Task {key} is no longer of worker {worker.worker_id}: left as it is",
    ]


def test_a_confirmed_result_is_kept_though_another_has_claimed_its_task_meanwhile(
    network: ParamNetwork, worker: ParamWorker, other: ParamWorker
) -> None:
    (key,) = network.push_tasks(points(1))
    before = Snapshot(network)
    for task in worker.queue(timeout=0.0):
        assert task.finish(Scores(y=1.0))
    before.restore()
    popped = other.pop_task(timeout=0.0)
    assert not is_told_to_end(worker)
    assert results(network) == {key: 1.0}
    assert popped is not None
    assert not popped.finish(Scores(y=2.0))
    assert results(network) == {key: 1.0}


def test_what_another_has_finished_meanwhile_stays(
    network: ParamNetwork, worker: ParamWorker, other: ParamWorker
) -> None:
    (key,) = network.push_tasks(points(1))
    before = Snapshot(network)
    for task in worker.queue(timeout=0.0):
        task.finish(Scores(y=1.0))
    before.restore()
    for task in other.queue(timeout=0.0):
        task.finish(Scores(y=2.0))
    assert not is_told_to_end(worker)
    assert results(network) == {key: 2.0}


def test_a_result_is_kept_though_its_worker_was_declared_lost_meanwhile(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    keys = worker.push_running_tasks(points(2))
    before = Snapshot(network)
    worker.finish_tasks(keys[:1], [Scores(y=1.0)])
    before.restore()
    network.stop_workers("kill", worker_ids=[worker.worker_id])
    assert network.failed_tasks == keys
    assert is_told_to_end(worker)
    assert results(network) == {keys[0]: 1.0}
    assert network.failed_tasks == keys[1:]
    assert worker.finish_tasks(keys[1:], [Scores(y=2.0)]) == []


def test_later_attempts_take_the_place_of_earlier_ones(
    network: ParamNetwork, worker: ParamWorker, other: ParamWorker
) -> None:
    (key,) = network.push_tasks(points(1))
    first = other.pop_task(timeout=0.0)
    assert first is not None
    before = Snapshot(network)
    first.fail("try again")
    network.retry_tasks([key])
    second = worker.pop_task(timeout=0.0)
    assert second is not None
    before.restore()
    assert not is_told_to_end(worker)  # the second attempt is known first
    assert not is_told_to_end(other)
    assert network.running_tasks == [key]
    record = network.read_tasks([key])[0]
    assert (record.attempt, record.worker_id) == (2, worker.worker_id)
    assert second.finish(Scores(y=2.0))
    assert results(network) == {key: 2.0}


def test_a_claim_after_the_server_went_back_takes_nothing_twice(
    network: ParamNetwork, worker: ParamWorker, other: ParamWorker
) -> None:
    keys = network.push_tasks(points(6))
    popped = [worker.pop_task(timeout=0.0), other.pop_task(timeout=0.0)]
    before = Snapshot(network)
    popped += [worker.pop_task(timeout=0.0), other.pop_task(timeout=0.0)]
    before.restore()
    for each in (worker, other):
        popped += each.queue(timeout=0.0)
    taken = [task.key for task in popped if task is not None]
    assert taken == [*keys[:4], *keys[3:]]  # one is claimed by both, since one claim was lost
    assert sum(task.finish(Scores(y=0.0)) for task in popped if task is not None) == 6
    assert sorted(network.finished_tasks) == sorted(keys)


def test_a_call_that_gave_up_leaves_the_rest_to_the_next_one(
    network: ParamNetwork, redis_url: str
) -> None:
    worker = ParamWorker(network.network_id, redis=redis_url, retry_timeout=0.0)
    before = Snapshot(network)
    keys = run(worker, 2)
    before.restore()
    with pytest.raises(ServerUnreachableError):
        _ = worker.n_tasks
    assert network.n_tasks == 0
    assert worker.n_tasks == 2
    assert network.finished_tasks == keys
    worker.set_terminated()


def test_what_a_call_restores_is_done_when_it_returns(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    before = Snapshot(network)
    keys = run(worker, 2)
    before.restore()
    assert worker.finished_tasks == keys


def test_a_worker_that_the_server_has_forgotten_registers_again(
    network: ParamNetwork, redis_url: str
) -> None:
    before = Snapshot(network)
    worker = ParamWorker(network.network_id, redis=redis_url, heartbeat_period=1)
    keys = worker.push_running_tasks(points(2))
    worker.finish_tasks(keys[:1], [Scores(y=1.0)])
    before.restore()
    assert network.worker_ids == []
    n_scripts = count_scripts(network)
    wait_until(
        lambda: count_scripts(network) >= n_scripts + 2,
        description="what renews its lease was told that there is no such worker",
    )
    assert not is_told_to_end(worker)
    assert network.running_worker_ids == [worker.worker_id]
    assert network.worker_info["pid"].to_list() == [os.getpid()]
    assert results(network) == {keys[0]: 1.0}
    assert network.running_tasks == keys[1:]
    wait_until_renewed(network, worker.worker_id, times=2)
    worker.set_terminated()


def test_a_worker_that_was_declared_lost_stays_so(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    worker.push_running_tasks(points(1))
    network.stop_workers("kill")
    Snapshot(network).restore()
    assert is_told_to_end(worker)
    assert network.running_worker_ids == []


def test_a_worker_that_a_reset_has_dropped_stays_so(network: ParamNetwork, redis_url: str) -> None:
    worker = ParamWorker(network.network_id, redis=redis_url)
    keys = worker.push_running_tasks(points(1))
    network.reset()
    for _ in range(2):
        Snapshot(network).restore()
        assert is_told_to_end(worker)
        assert (network.worker_ids, network.n_tasks) == ([], 0)
    assert worker.finish_tasks(keys, [Scores(y=1.0)]) == []


def test_a_worker_stays_away_from_a_network_that_is_not_there_any_more(
    network: ParamNetwork, redis_url: str
) -> None:
    worker = ParamWorker(network.network_id, redis=redis_url)
    worker.finish_tasks(worker.push_running_tasks(points(1)), [Scores(y=1.0)])
    prefix = NetworkKeys(network.network_id).prefix
    network.connector.delete(*network.connector.scan_iter(match=f"{prefix}*"))
    Snapshot(network).restore()
    assert is_told_to_end(worker)
    assert list(network.connector.scan_iter(match=f"{prefix}*")) == []


def test_tasks_of_before_a_reset_are_not_stored_again(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    worker.finish_tasks(worker.push_running_tasks(points(2)), [Scores(y=1.0)] * 2)
    network.reset(workers=False)
    Snapshot(network).restore()
    assert not is_told_to_end(worker)
    assert network.n_tasks == 0
    before = Snapshot(network)
    keys = worker.push_running_tasks(points(1))
    worker.finish_tasks(keys, [Scores(y=2.0)])
    before.restore()
    assert not is_told_to_end(worker)
    assert results(network) == {keys[0]: 2.0}


def test_tasks_begun_since_a_reset_are_kept_by_a_worker_that_hears_of_it_later(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    old = worker.push_running_tasks(points(1))
    run(worker, 1)
    network.reset(workers=False)
    before = Snapshot(network)
    keys = worker.push_running_tasks(points(2))
    assert worker.finish_tasks(keys[:1], [Scores(y=1.0)]) == keys[:1]
    assert worker.finish_tasks(old, [Scores(y=0.0)]) == []  # hears of it
    keys += run(worker, 1)  # and looks for tasks that the server alone takes for its own
    assert network.tasks == keys
    assert worker.finish_tasks(keys[1:2], [Scores(y=2.0)]) == keys[1:2]
    before.restore()
    assert not is_told_to_end(worker)
    assert set(results(network)) == set(keys)


def test_a_worker_that_has_left_does_not_come_back(network: ParamNetwork, redis_url: str) -> None:
    before = Snapshot(network)
    worker = ParamWorker(network.network_id, redis=redis_url)
    worker.set_terminated()
    before.restore()
    assert worker.n_tasks == 0
    assert network.worker_ids == []


def test_a_task_that_only_the_server_takes_for_the_worker_s_fails(
    network: ParamNetwork, worker: ParamWorker, warnings_seen: list[str]
) -> None:
    keys = worker.push_running_tasks(points(2))
    before = Snapshot(network)
    network.fail_tasks(keys[:1])
    assert worker.finish_tasks(keys[:1], [Scores(y=1.0)]) == []
    before.restore()
    assert network.running_tasks == keys
    worker.push_running_tasks([])
    assert worker.pop_task(timeout=0.0) is None
    assert network.running_tasks == keys[1:]
    (record,) = network.read_tasks(network.failed_tasks)
    assert record.key == keys[0]
    assert record.condition is not None
    assert record.condition.type == "TaskLost"
    assert warnings_seen[-1] == (
        f"The server has 1 tasks of worker {worker.worker_id} that it does not know of; they "
        f"fail: ['{keys[0]}']"
    )


@pytest.mark.parametrize("how", ["pickle", "fork"])
def test_tasks_that_another_process_may_run_for_the_worker_stay(
    network: ParamNetwork, worker: ParamWorker, how: str
) -> None:
    if how == "pickle":
        keys = pickle.loads(pickle.dumps(worker)).push_running_tasks(points(1))
    else:
        child = os.fork()
        if child == 0:
            worker.push_running_tasks(points(1))
            os._exit(0)
        os.waitpid(child, 0)
        keys = network.running_tasks
    Snapshot(network).restore()
    assert worker.pop_task(timeout=0.0) is None
    assert network.running_tasks == keys
    assert len(keys) == 1


def test_a_task_that_a_waiting_thread_pops_meanwhile_stays(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    with in_background(lambda: worker.pop_task(timeout=20.0)) as call:
        wait_until_blocked(network)
        Snapshot(network).restore()
        assert not is_told_to_end(worker)
        (key,) = network.push_tasks(points(1))
        task = call.result(20.0)
    assert task is not None
    assert task.finish(Scores(y=1.0))
    assert network.finished_tasks == [key]


def test_threads_that_meet_the_server_together_restore_the_same_once(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    before = Snapshot(network)
    keys = worker.push_running_tasks(points(50))
    worker.finish_tasks(keys[:40], [Scores(y=0.0)] * 40)
    before.restore()
    threads = [
        threading.Thread(target=worker.finish_tasks, args=([key], [Scores(y=1.0)]))
        for key in keys[40:]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(network.finished_tasks) == sorted(keys)
    assert network.n_tasks == 50


def test_keys_that_the_worker_never_had_are_still_unknown(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    Snapshot(network).restore()
    with pytest.raises(UnknownTaskError):
        worker.finish_tasks(["nobody"], [Scores(y=1.0)])
    with pytest.raises(UnknownTaskError):
        worker.fail_tasks(["nobody"])


def test_a_task_that_has_gone_without_a_lost_connection_is_stored_when_it_finishes(
    network: ParamNetwork, worker: ParamWorker
) -> None:
    keys = worker.push_running_tasks(points(2))
    names = [NetworkKeys(network.network_id).task(key) for key in keys]
    network.connector.delete(names[0])
    assert worker.finish_tasks(keys[:1], [Scores(y=1.0)]) == keys[:1]
    network.connector.delete(names[1])
    assert worker.fail_tasks(keys[1:]) == keys[1:]
    assert network.tasks == keys
    assert results(network) == {keys[0]: 1.0}
    assert network.failed_tasks == keys[1:]


# The budget.


def test_a_worker_restores_its_results_before_it_asks_for_another_task(
    redis_url: str, network_id: str
) -> None:
    with Network[Params, Scores](network_id, redis=redis_url, max_tasks=10) as network:
        worker = ParamWorker(network_id, redis=redis_url)
        run(worker, 7)
        before = Snapshot(network)
        run(worker, 3)
        before.restore()
        assert network.n_finished_tasks == 7
        assert worker.pop_task(timeout=0.0) is None
        assert is_told_to_end(worker)
        assert network.n_finished_tasks == 10
        worker.set_terminated()


def test_confirmed_results_may_exceed_the_budget_when_others_were_faster(
    redis_url: str, network_id: str
) -> None:
    with Network[Params, Scores](network_id, redis=redis_url, max_tasks=2) as network:
        worker, other = (ParamWorker(network_id, redis=redis_url) for _ in range(2))
        before = Snapshot(network)
        keys = worker.push_running_tasks(points(2))
        worker.finish_tasks(keys, [Scores(y=1.0), Scores(y=1.0)])
        before.restore()
        more = other.push_running_tasks(points(2))
        assert is_told_to_end(worker)
        assert network.finished_tasks == keys
        assert other.finish_tasks(more, [Scores(y=2.0), Scores(y=2.0)]) == more
        assert network.n_finished_tasks == 4
        for each in (worker, other):
            each.set_terminated()


def test_a_task_without_a_result_does_not_exceed_the_budget(
    redis_url: str, network_id: str
) -> None:
    with Network[Params, Scores](network_id, redis=redis_url, max_tasks=2) as network:
        worker, other = (ParamWorker(network_id, redis=redis_url) for _ in range(2))
        before = Snapshot(network)
        task = worker.running_task(points(1)[0])
        before.restore()
        more = other.push_running_tasks(points(2))
        assert not task.finish(Scores(y=1.0))
        (record,) = network.read_tasks(network.failed_tasks)
        assert (record.key, record.xs) == (task.key, task.xs)
        assert record.condition is not None
        assert record.condition.type == "TaskLost"
        assert other.finish_tasks(more, [Scores(y=2.0), Scores(y=2.0)]) == more
        assert network.finished_tasks == more
        check_one_state(network)
        for each in (worker, other):
            each.set_terminated()


# Readers: what they had read.


def lost(keys: list[str]) -> str:
    """Write the warning of a reader."""
    return (
        f"The server has lost {len(keys)} finished tasks that were read before, as by a failover; "
        f"their workers store them again if they live: {sorted(keys)[:3]}"
    )


def test_a_reader_drops_what_the_server_has_lost(
    network: ParamNetwork, warnings_seen: list[str]
) -> None:
    kept = network.push_finished_tasks(points(3), [Scores(y=1.0)] * 3)
    before = Snapshot(network)
    gone = network.push_finished_tasks(points(4), [Scores(y=2.0)] * 4)
    assert network.fetch_finished_tasks()["key"].to_list() == kept + gone
    before.restore()
    assert network.fetch_finished_tasks()["key"].to_list() == kept
    assert network.fetch_finished_tasks()["key"].to_list() == kept
    assert warnings_seen == [lost(gone)]


@pytest.mark.parametrize("n_new", [1, 4, 9])
def test_a_reader_notices_also_when_others_have_taken_the_places(
    network: ParamNetwork, redis_url: str, warnings_seen: list[str], n_new: int
) -> None:
    other = Network[Params, Scores](network.network_id, redis=redis_url)
    kept = network.push_finished_tasks(points(3), [Scores(y=1.0)] * 3)
    before = Snapshot(network)
    gone = network.push_finished_tasks(points(4), [Scores(y=2.0)] * 4)
    network.fetch_finished_tasks()
    before.restore()
    new = other.push_finished_tasks(points(n_new), [Scores(y=3.0)] * n_new)
    frame = network.fetch_finished_tasks()
    assert frame["key"].to_list() == kept + new
    assert frame["y"].to_list() == [1.0] * 3 + [3.0] * n_new
    assert warnings_seen == [lost(gone)]


def test_a_reader_notices_without_a_lost_connection(
    network: ParamNetwork, redis_url: str, warnings_seen: list[str]
) -> None:
    other = Network[Params, Scores](network.network_id, redis=redis_url)
    kept = network.push_finished_tasks(points(3), [Scores(y=1.0)] * 3)
    gone = network.push_finished_tasks(points(2), [Scores(y=2.0)] * 2)
    network.fetch_finished_tasks()
    other.connector.rpop(NetworkKeys(network.network_id).finished, 2)
    new = other.push_finished_tasks(points(2), [Scores(y=3.0)] * 2)
    assert network.fetch_finished_tasks()["key"].to_list() == kept + new
    assert warnings_seen == [lost(gone)]


def test_a_reader_sees_another_order_behind_an_equal_end(
    network: ParamNetwork, redis_url: str, warnings_seen: list[str]
) -> None:
    workers = [ParamWorker(network.network_id, redis=redis_url) for _ in range(3)]
    before = Snapshot(network)
    (first,), (second,), (third,) = (run(worker, 1) for worker in workers)
    assert network.fetch_new_tasks()["key"].to_list() == [first, second, third]
    before.restore()
    assert not is_told_to_end(workers[0])
    new = run(workers[0], 1)
    assert not is_told_to_end(workers[2])  # at the same position as before
    assert not is_told_to_end(workers[1])
    assert network.finished_tasks == [first, *new, third, second]
    assert network.fetch_new_tasks()["key"].to_list() == new
    assert network.fetch_finished_tasks()["key"].to_list() == [first, *new, third, second]
    assert warnings_seen[-1].startswith("The server had gone back")  # a reader lost nothing
    for worker in workers:
        worker.set_terminated()


def test_new_tasks_are_those_that_were_not_returned_before(
    network: ParamNetwork, worker: ParamWorker, other: ParamWorker
) -> None:
    kept = run(other, 2)
    before = Snapshot(network)
    again = run(worker, 3)
    assert network.fetch_new_tasks()["key"].to_list() == kept + again
    before.restore()
    assert network.fetch_new_tasks().is_empty()
    new = run(other, 2)
    assert network.fetch_new_tasks()["key"].to_list() == new
    more = run(worker, 1)  # what it had finished is stored again before
    assert network.finished_tasks == [*kept, *new, *again, *more]
    assert network.fetch_new_tasks()["key"].to_list() == more
    assert network.fetch_finished_tasks()["key"].to_list() == [*kept, *new, *again, *more]
    assert network.fetch_new_tasks().is_empty()


def test_who_waits_for_new_tasks_goes_on_waiting_while_known_ones_come_back(
    network: ParamNetwork, worker: ParamWorker, redis_url: str
) -> None:
    other = Network[Params, Scores](network.network_id, redis=redis_url)
    before = Snapshot(network)
    run(worker, 2)
    assert network.fetch_new_tasks().height == 2
    with in_background(lambda: network.fetch_new_tasks(timeout=20.0)) as call:
        wait_until_blocked(worker)
        before.restore()
        other.push_tasks(points(1))  # an event, so that it looks
        wait_until(lambda: network._reader._n_read == 0, description="it has seen the loss")
        assert not is_told_to_end(worker)
        wait_until(lambda: network._reader._n_read == 2, description="both were read again")
        wait_until_blocked(worker)
        new = run(worker, 1)
        assert call.result(20.0)["key"].to_list() == new


def test_a_reader_notices_a_second_loss_and_a_missing_hash_between(
    network: ParamNetwork, warnings_seen: list[str]
) -> None:
    keys = network.push_finished_tasks(points(3), [Scores(y=1.0)] * 3)
    network.connector.delete(NetworkKeys(network.network_id).task(keys[1]))
    snapshots = [Snapshot(network)]
    for _ in range(2):
        more = network.push_finished_tasks(points(2), [Scores(y=1.0)] * 2)
        snapshots.append(Snapshot(network))
        keys += more
    present = [keys[0], *keys[2:]]
    assert network.fetch_finished_tasks()["key"].to_list() == present
    snapshots[1].restore()
    assert network.fetch_finished_tasks()["key"].to_list() == present[:4]
    snapshots[0].restore()
    assert network.fetch_finished_tasks()["key"].to_list() == present[:2]
    new = network.push_finished_tasks(points(1), [Scores(y=1.0)])
    assert network.fetch_finished_tasks()["key"].to_list() == present[:2] + new
    assert lost(keys[5:]) in warnings_seen
    assert lost(keys[3:5]) in warnings_seen


# Who waits.


def test_who_waits_for_a_task_sees_it_finish_at_an_earlier_position(
    network: ParamNetwork, worker: ParamWorker, redis_url: str
) -> None:
    other = Network[Params, Scores](network.network_id, redis=redis_url)
    (key,) = worker.push_running_tasks(points(1))
    before = Snapshot(network)
    network.push_finished_tasks(points(5), [Scores(y=1.0)] * 5)
    with in_background(lambda: other.wait_for_tasks([key], timeout=20.0)) as call:
        wait_until_blocked(network)
        before.restore()
        worker.finish_tasks([key], [Scores(y=2.0)])
        call.result(20.0)


def test_who_waits_for_a_task_that_was_lost_is_told(
    network: ParamNetwork,
    worker: ParamWorker,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rushtyped.waiter.RETURN", 0.5)
    monkeypatch.setattr("rushtyped.tasks.SLICE", 0.2)
    other = ParamWorker(network.network_id, redis=redis_url)
    before = Snapshot(network)
    (lost_one,) = network.push_tasks(points(1))
    (running,) = worker.push_running_tasks(points(1))
    with in_background(lambda: other.wait_for_tasks([running, lost_one], timeout=20.0)) as call:
        wait_until_blocked(network)
        before.restore()
        assert not is_told_to_end(worker)
        with pytest.raises(UnknownTaskError, match=f"lost 1 tasks .* {lost_one!r} among them"):
            call.result(20.0)
    other.set_terminated()


# Logs, names, leases.


def test_log_records_are_printed_once(network: ParamNetwork, warnings_seen: list[str]) -> None:
    logs = LogStore(network._store)
    printer = LogPrinter(logs)
    logs.push("w1", 3, 100, [record("1"), record("2"), record("3")])
    before = Snapshot(network)
    logs.push("w1", 5, 100, [record("4"), record("5")])
    assert printer.print_new() == 5
    before.restore()
    assert printer.print_new() == 0
    logs.push("w1", 6, 100, [record("6")])
    assert printer.print_new() == 1
    assert warnings_seen == ["1", "2", "3", "4", "5", "6"]


def record(text: str) -> bytes:
    """Pack a record of a worker's log."""
    return pack_note(WARNING, "WARNING", text)


def test_names_of_free_form_extras_are_reserved_again(
    network: ParamNetwork, redis_url: str
) -> None:
    other = Network[Params, Scores](network.network_id, redis=redis_url)
    before = Snapshot(network)
    network.push_tasks(points(1), xss_extra=[{"note": "first"}])
    before.restore()
    network.push_tasks(points(1), xss_extra=[{"mark": "second"}])
    with pytest.raises(ColumnCollisionError, match="ys_extra has the free-form names 'note'"):
        other.push_finished_tasks(points(1), [Scores(y=1.0)], yss_extra=[{"note": 1.0}])


def test_a_new_manager_declares_nobody_lost_who_could_not_renew_yet(
    network: ParamNetwork, redis_url: str
) -> None:
    keys = NetworkKeys(network.network_id)
    leases = LeaseStore(network._store)
    wait_until(lambda: leases.uptime() >= 2, description="the server has run for two seconds")
    unrenewed = WorkerStore(network._store, "unrenewed")
    unrenewed.register({"pid": 1, "heartbeat_expire": 0.5, "server": "the old one"}, 0.001)
    wait_until(lambda: leases.lost() == {"unrenewed": 0.5}, description="its lease is over")
    for _ in range(2):
        manager = Network[Params, Scores](network.network_id, redis=redis_url)
        assert manager.detect_lost_workers() == []
    network.connector.hset(keys.meta, "server_since", "1")
    manager = Network[Params, Scores](network.network_id, redis=redis_url)
    assert manager.detect_lost_workers() == ["unrenewed"]
