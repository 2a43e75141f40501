"""Workers on engines: pools of processes and threads, loky, a Dask cluster, and home-made ones."""

from __future__ import annotations

import concurrent.futures
import functools
import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import distributed
import psutil
import pytest
from loky import get_reusable_executor

from rushtyped import (
    InvalidArgumentError,
    InvalidTypeError,
    Network,
    WorkerEndedError,
    WorkerStartError,
)
from rushtyped.launch.engine import Executor
from tests.launch import hosted_loops, loops
from tests.models import (
    ParamNetwork,
    Params,
    Scores,
    points,
    raise_in_task,
    search,
    serve,
    work_off,
)
from tests.waiting import wait_until, wait_until_ended

dask_client: Any = distributed.Client  # it is untyped
dask_cluster: Any = distributed.LocalCluster
SECRET = "a secret that only the test knows"
# A fork of a process with threads is what the context "fork" is; Dask's own tear-down is noisy.
pytestmark = [
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning:distributed"),
]
ENGINES = ("spawn", "threads", "dask")
MORE_ENGINES = ("fork", "loky")


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of a cluster of two processes, with room for one worker each."""
    with (
        dask_cluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=":0",
            local_directory=str(tmp_path_factory.mktemp("dask")),
        ) as cluster,
        dask_client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def engines(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Executor]]:
    """Engines with room for two workers, made when they are first asked for."""
    made: dict[str, Any] = {}

    def make(name: str) -> Any:
        match name:
            case "threads":
                return concurrent.futures.ThreadPoolExecutor(2)
            case "loky":
                return get_reusable_executor(2)
            case "dask":
                return request.getfixturevalue("dask").get_executor()
            case _:
                context = multiprocessing.get_context(name)
                return concurrent.futures.ProcessPoolExecutor(2, mp_context=context)

    def get(name: str) -> Executor:
        if name not in made:
            made[name] = make(name)
        engine: Executor = made[name]
        return engine

    yield get
    for name in made.keys() - {"dask"}:  # whose cluster has ended by now
        made[name].shutdown(wait=True)


@pytest.fixture
def pool() -> Iterator[concurrent.futures.ProcessPoolExecutor]:
    """A pool with room for one worker."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        yield pool


@pytest.fixture(
    params=[*ENGINES, *(pytest.param(name, marks=pytest.mark.slow) for name in MORE_ENGINES)]
)
def engine(
    request: pytest.FixtureRequest,
    engines: Callable[[str], Executor],
    network: ParamNetwork,  # so that its workers have ended before the next test
) -> Executor:
    """Each engine in turn."""
    return engines(request.param)


class HomeMadeFuture:
    """As little of a future as will do."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call, self._error = call, None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    _error: BaseException | None

    def _run(self) -> None:
        try:
            self._call()
        except Exception as error:  # noqa: BLE001 - it is what the future is for
            self._error = error

    def done(self) -> bool:
        return not self._thread.is_alive()

    def cancel(self) -> bool:
        return False

    def exception(self) -> BaseException | None:
        return self._error


class HomeMade:
    """As little of an executor as will do; keeps what it was given."""

    def __init__(self, room: int = 10) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self._room = room

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> HomeMadeFuture:
        if len(self.calls) == self._room:
            raise RuntimeError("no room left")
        self.calls.append((fn, *args))
        return HomeMadeFuture(functools.partial(fn, *args))


def pids_of(network: ParamNetwork) -> dict[str, int]:
    rows = network.worker_info.select("worker_id", "pid").iter_rows()
    return {worker_id: int(pid) for worker_id, pid in rows}


def reasons_of(network: ParamNetwork) -> dict[str, str]:
    return dict(network.worker_info.select("worker_id", "reason").iter_rows())


def messages_of(network: ParamNetwork) -> list[str]:
    records = network.read_tasks(network.failed_tasks)
    return [record.condition.message for record in records if record.condition]


def kill(pid: int) -> None:
    process = psutil.Process(pid)
    process.kill()
    wait_until_ended(process)


def has_ended(network: ParamNetwork, worker_id: str) -> bool:
    """Tell whether the engine is through with a worker."""
    return bool(future_of(network, worker_id).done())


def future_of(network: ParamNetwork, worker_id: str) -> Any:
    """Find the engine's future of a worker."""
    engines = network._crew.engines
    return next(worker.future for worker in engines if worker.worker_id == worker_id)


@pytest.mark.parametrize("name", [*ENGINES, *MORE_ENGINES])
def test_workers_work_off_a_queue(
    network: ParamNetwork, engines: Callable[[str], Executor], name: str
) -> None:
    engine = engines(name)
    keys = network.push_tasks(points(20))
    ids = network.start_workers(serve, executor=engine, n_workers=2)
    network.wait_for_workers(worker_ids=ids, timeout=30.0)
    network.wait_for_tasks(keys, timeout=30.0)
    assert sorted(network.running_worker_ids) == sorted(ids)
    assert network.fetch_finished_tasks()["y"].sort().to_list() == [float(i) for i in range(20)]
    network.stop_workers("terminate")
    network.wait_until_done(timeout=30.0)
    assert sorted(network.terminated_worker_ids) == sorted(ids)
    assert network.detect_lost_workers() == []
    assert list(reasons_of(network).values()) == ["ended"] * 2


def test_a_killed_worker_is_found_through_its_future(
    network: ParamNetwork, engine: Executor
) -> None:
    (key,) = network.push_tasks(points(1))
    (first,) = network.start_workers(
        hosted_loops.sleep_in_first_attempt, executor=engine, n_workers=1
    )
    wait_until(lambda: network.n_running_tasks == 1, description="the task runs")
    kill(pids_of(network)[first])
    wait_until(lambda: has_ended(network, first), description="the engine notices")
    assert network.detect_lost_workers(requeue=True) == [first]
    assert network.detect_lost_workers() == []
    assert (network.queued_tasks, network.n_running_tasks) == ([key], 0)
    reason = reasons_of(network)[first]
    assert reason.startswith("Worker has crashed or was killed (WorkerEndedError: worker ")
    assert reason.endswith("ended by SIGKILL)")
    network.start_workers(hosted_loops.sleep_in_first_attempt, executor=engine, n_workers=1)
    wait_until(lambda: network.finished_tasks == [key], description="another finishes it")
    assert network.fetch_finished_tasks()["y"].to_list() == [2.0]


def test_the_task_of_a_killed_worker_fails_with_the_reason(
    network: ParamNetwork, engines: Callable[[str], Executor]
) -> None:
    ids = network.start_workers(loops.die, executor=engines("threads"), n_workers=1)
    network.wait_until_done(timeout=30.0)
    (message,) = messages_of(network)
    assert f"worker {ids[0]!r} ended by SIGSEGV" in message
    assert (network.n_running_tasks, network.n_queued_tasks) == (0, 0)


def test_dask_runs_a_worker_again_whose_process_has_died(
    network: ParamNetwork, engines: Callable[[str], Executor]
) -> None:
    (key,) = network.push_tasks(points(1))
    (first,) = network.start_workers(
        hosted_loops.sleep_in_first_attempt,
        executor=engines("dask"),
        n_workers=1,
        heartbeat_period=1.0,
        heartbeat_expire=1.0,
    )
    wait_until(lambda: network.n_running_tasks == 1, description="the task runs")
    worker = psutil.Process(pids_of(network)[first])
    parent = worker.parent()
    assert parent is not None
    parent.kill()
    wait_until_ended(worker)
    lost: list[str] = []

    def is_found() -> bool:
        lost.extend(network.detect_lost_workers(requeue=True))
        return bool(lost)

    wait_until(is_found, description="the worker is found lost")
    assert lost == [first]
    assert "no sign of life" in reasons_of(network)[first]
    wait_until(lambda: network.finished_tasks == [key], description="the next finishes it")
    (second,) = network.running_worker_ids
    assert second != first
    assert network.fetch_finished_tasks()["y"].to_list() == [2.0]
    assert network.fetch_finished_tasks()["worker_id"].to_list() == [second]
    network.stop_workers("terminate")
    network.wait_until_done(timeout=30.0)


def test_a_worker_that_was_dismissed_is_not_run_again(network: ParamNetwork) -> None:
    engine = HomeMade()
    (first,) = network.start_workers(search, executor=engine, n_workers=1)
    network.wait_for_workers(1, timeout=30.0)
    network.stop_workers("terminate", worker_ids=[first])
    wait_until(lambda: has_ended(network, first), description="it has ended")
    host, *arguments = engine.calls[0]
    host(*arguments)
    assert network.worker_ids == [first]


def test_terminate_lets_running_workers_finish_their_task(
    network: ParamNetwork, engine: Executor
) -> None:
    ids = network.start_workers(search, executor=engine, n_workers=2)
    network.wait_for_workers(worker_ids=ids, timeout=30.0)
    network.stop_workers("terminate", worker_ids=ids[:1])
    wait_until(lambda: network.terminated_worker_ids == ids[:1], description="one has left")
    assert network.running_worker_ids == ids[1:]
    network.stop_workers("terminate")
    network.wait_until_done(timeout=30.0)
    assert (network.n_failed_tasks, network.n_running_tasks) == (0, 0)


def test_kill_ends_running_workers_at_once(network: ParamNetwork, engine: Executor) -> None:
    ids = network.start_workers(loops.sleep_in_task, executor=engine, n_workers=2)
    wait_until(lambda: network.n_running_tasks == 2, description="both tasks run")
    pids = pids_of(network)
    network.stop_workers("kill", worker_ids=ids[:1])
    assert network.running_worker_ids == ids[1:]
    assert messages_of(network) == ["Worker was killed"]
    wait_until(lambda: not psutil.pid_exists(pids[ids[0]]), description="its process is gone")
    assert psutil.pid_exists(pids[ids[1]])
    network.stop_workers("kill")
    assert messages_of(network) == ["Worker was killed"] * 2
    wait_until(lambda: not psutil.pid_exists(pids[ids[1]]), description="all are gone")
    assert network.detect_lost_workers() == []


@pytest.mark.parametrize("how", ["kill", "terminate"])
@pytest.mark.parametrize("name", ["pool", "dask"])
def test_workers_that_wait_in_the_engines_queue_never_begin(
    pool: concurrent.futures.Executor,
    dask: Any,
    network: ParamNetwork,
    name: str,
    how: Any,
) -> None:
    room = 1 if name == "pool" else 2
    executor = pool if name == "pool" else dask.get_executor()
    ids = network.start_workers(search, executor=executor, n_workers=room + 3)
    wait_until(lambda: network.n_running_workers == room, description="as many as fit run")
    (running, *_) = network.running_worker_ids
    waiting = [worker_id for worker_id in ids if worker_id not in network.worker_ids]
    network.stop_workers(how, worker_ids=waiting[:1])
    assert network.n_running_workers == room
    network.stop_workers("terminate", worker_ids=[running])
    wait_until(lambda: network.n_running_workers == room, description="the next has begun")
    network.stop_workers(how)
    wait_until(lambda: not network._crew.engines.alive(), description="none is left")
    network.wait_until_done(timeout=30.0)
    assert waiting[0] not in network.worker_ids
    assert (network.n_running_workers, network.n_running_tasks) == (0, 0)


def test_a_cancelled_future_is_found_with_its_reason(
    pool: concurrent.futures.ProcessPoolExecutor, network: ParamNetwork
) -> None:
    ids = network.start_workers(search, executor=pool, n_workers=3)
    network.wait_for_workers(worker_ids=ids[:1], timeout=30.0)
    future_of(network, ids[2]).cancel()
    with pytest.raises(WorkerStartError, match=r"its future was cancelled") as caught:
        network.wait_for_workers(worker_ids=ids, timeout=30.0)
    assert repr(ids[2]) in str(caught.value)


def test_a_worker_whose_running_call_is_cancelled_is_lost_and_leaves(
    network: ParamNetwork, dask: Any
) -> None:
    (worker_id,) = network.start_workers(search, executor=dask.get_executor(), n_workers=1)
    network.wait_for_workers(1, timeout=30.0)
    process = psutil.Process(pids_of(network)[worker_id])
    future_of(network, worker_id).cancel()
    assert network.detect_lost_workers() == [worker_id]
    expected = "Worker has crashed or was killed (its future was cancelled)"
    assert reasons_of(network) == {worker_id: expected}
    wait_until_ended(process)
    assert network.n_running_tasks == 0


def test_the_future_of_a_loop_that_raises_has_its_last_messages(
    network: ParamNetwork, engine: Executor
) -> None:
    (worker_id,) = network.start_workers(raise_in_task, executor=engine, n_workers=1)
    wait_until(lambda: has_ended(network, worker_id), description="the call has ended")
    error = future_of(network, worker_id).exception()
    assert isinstance(error, WorkerEndedError)
    assert f"worker {worker_id!r} ended by exit code 1; its last messages:" in str(error)
    assert "ValueError: no such point" in str(error)
    assert network.detect_lost_workers() == []
    assert reasons_of(network) == {worker_id: "ValueError: no such point"}
    assert messages_of(network) == ["no such point"]


def test_a_worker_that_cannot_start_says_why(network: ParamNetwork, engine: Executor) -> None:
    network.start_workers(serve, executor=engine, n_workers=1, imports=["no_such_module"])
    with pytest.raises(WorkerStartError, match="No module named 'no_such_module'"):
        network.wait_for_workers(1, timeout=30.0)
    assert network.worker_ids == []


def test_a_log_directory_that_cannot_be_made_where_the_engine_is_says_why(
    network: ParamNetwork, tmp_path: Path
) -> None:
    directory = tmp_path / "logs"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        gate = threading.Event()
        pool.submit(gate.wait, 30.0)
        network.start_workers(serve, executor=pool, n_workers=1, message_log=directory)
        directory.rmdir()
        directory.write_text("a file in its place")
        gate.set()
        with pytest.raises(WorkerStartError, match="cannot be written in"):
            network.wait_for_workers(1, timeout=30.0)


def test_a_worker_may_manage_workers_of_its_own(
    network: ParamNetwork, engines: Callable[[str], Executor], redis_url: str
) -> None:
    loop = functools.partial(
        hosted_loops.manage_workers, network_id=f"{network.network_id}-inner", url=redis_url
    )
    network.start_workers(loop, executor=engines("spawn"), n_workers=1)
    network.wait_until_done(timeout=30.0)
    assert network.fetch_finished_tasks()["y"].to_list() == [1.0]


def test_a_worker_may_use_process_pools(
    network: ParamNetwork, engines: Callable[[str], Executor]
) -> None:
    network.start_workers(hosted_loops.square_in_pools, executor=engines("dask"), n_workers=1)
    network.wait_until_done(timeout=30.0)
    assert network.fetch_finished_tasks()["y"].to_list() == [3.0]


def test_a_worker_that_reads_its_input_does_not_wait(network: ParamNetwork) -> None:
    network.start_workers(hosted_loops.read_input, executor=HomeMade(), n_workers=1)
    network.wait_until_done(timeout=30.0)
    assert messages_of(network) == ["read ''"]


def test_leaving_the_block_lets_workers_end(
    redis_url: str, network_id: str, engines: Callable[[str], Executor]
) -> None:
    with Network[Params, Scores](network_id, redis=redis_url) as network:
        network.start_workers(search, executor=engines("threads"), n_workers=3)
        network.wait_for_workers(2, timeout=30.0)
    assert network.n_terminated_workers == 2
    assert (network.n_failed_tasks, network.n_running_tasks) == (0, 0)
    assert list(reasons_of(network).values()) == ["ended"] * 2


def test_leaving_the_block_kills_workers_that_do_not_end(
    redis_url: str, network_id: str, engines: Callable[[str], Executor]
) -> None:
    with Network[Params, Scores](network_id, redis=redis_url) as network:
        network.start_workers(loops.sleep_in_task, executor=engines("threads"), n_workers=1)
        wait_until(lambda: network.n_running_tasks == 1, description="the task runs")
        (pid,) = pids_of(network).values()
    assert messages_of(network) == ["Worker was killed"]
    wait_until(lambda: not psutil.pid_exists(pid), description="its process is gone")


def test_another_manager_stops_and_finds_workers(
    network: ParamNetwork, redis_url: str, engines: Callable[[str], Executor]
) -> None:
    killed, dead = network.start_workers(
        loops.sleep_in_task,
        executor=engines("threads"),
        n_workers=2,
        heartbeat_period=1.0,
        heartbeat_expire=1.0,
    )
    wait_until(lambda: network.n_running_tasks == 2, description="both tasks run")
    pids = pids_of(network)
    other = Network[Params, Scores](network.network_id, redis=redis_url)
    other.stop_workers("kill", worker_ids=[killed])
    wait_until(lambda: not psutil.pid_exists(pids[killed]), description="one is killed")
    os.kill(pids[dead], 9)
    lost: list[str] = []

    def is_found() -> bool:
        lost.extend(other.detect_lost_workers())
        return bool(lost)

    wait_until(is_found, description="the other is found lost")
    assert lost == [dead]
    assert reasons_of(other)[killed] == "Worker was killed"
    assert network.detect_lost_workers() == []


def test_a_worker_on_an_engine_dies_with_the_engines_process(
    pool: concurrent.futures.ProcessPoolExecutor, network: ParamNetwork
) -> None:
    (worker_id,) = network.start_workers(loops.sleep_in_task, executor=pool, n_workers=1)
    wait_until(lambda: network.n_running_tasks == 1, description="the task runs")
    process = psutil.Process(pids_of(network)[worker_id])
    (host,) = pool._processes
    kill(host)
    wait_until_ended(process)
    wait_until(lambda: has_ended(network, worker_id), description="the pool is broken")
    assert network.detect_lost_workers() == [worker_id]
    assert "BrokenProcessPool" in messages_of(network)[0]


def test_a_set_secret_is_taken_from_the_environment_and_not_sent(
    network: ParamNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUSHTYPED_SECRET", SECRET)
    network.push_tasks(points(1))
    engine = HomeMade()
    network.start_workers(work_off, executor=engine, n_workers=1)
    network.wait_until_done(timeout=30.0)
    assert network.n_finished_tasks == 1
    [(_, order, path)] = engine.calls
    assert order.secret == ""
    assert SECRET.encode() not in pickle.dumps((order, path))


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        ("another secret than the manager's", "is not signed with this worker's secret"),
        ("", "RUSHTYPED_SECRET is not set where worker"),
        ("short", "RUSHTYPED_SECRET must have at least 16 characters but has 5"),
    ],
)
def test_a_worker_with_another_secret_refuses_the_loop(
    network: ParamNetwork,
    monkeypatch: pytest.MonkeyPatch,
    theirs: str,
    expected: str,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("RUSHTYPED_SECRET", SECRET)
    with concurrent.futures.ProcessPoolExecutor(
        1,
        multiprocessing.get_context("spawn"),
        initializer=hosted_loops.set_secret,
        initargs=(theirs,),
    ) as pool:
        marker = tmp_path / "marker"
        loop = functools.partial(hosted_loops.touch, marker=str(marker))
        (worker_id,) = network.start_workers(loop, executor=pool, n_workers=1)
        with pytest.raises(WorkerStartError) as caught:
            network.wait_for_workers(1, timeout=30.0)
    assert expected in str(caught.value)
    assert SECRET not in str(caught.value)
    assert not marker.exists()
    (row,) = network.read_log(worker_ids=[worker_id]).iter_rows(named=True)
    assert row["level"] == "ERROR"
    assert expected in row["message"]


@pytest.mark.parametrize(
    "executor",
    [None, object(), concurrent.futures.ThreadPoolExecutor, "dask"],
    ids=["none", "object", "class", "text"],
)
def test_what_is_no_executor_is_named(network: ParamNetwork, executor: Any) -> None:
    with pytest.raises(InvalidTypeError, match="executor must be an object with submit") as caught:
        network.start_workers(serve, executor=executor, n_workers=1)
    assert repr(executor) in str(caught.value)


def test_the_number_of_workers_has_to_be_given(network: ParamNetwork) -> None:
    with pytest.raises(InvalidArgumentError, match="start_workers needs n_workers"):
        network.start_workers(serve, executor=HomeMade())


def test_a_home_made_executor_will_do(network: ParamNetwork) -> None:
    network.push_tasks(points(5))
    network.start_workers(work_off, executor=HomeMade(), n_workers=2)
    network.wait_until_done(timeout=30.0)
    assert network.n_finished_tasks == 5
    network.start_workers(
        functools.partial(loops.exit_with, code=3), executor=HomeMade(), n_workers=1
    )
    network.wait_until_done(timeout=30.0)
    assert messages_of(network) == ["3"]


def test_the_error_of_a_call_that_was_taken_back_is_not_asked_for(network: ParamNetwork) -> None:
    asked: list[bool] = []

    class Patient:  # as submitit's jobs, which wait for the error of a call that never began
        def done(self) -> bool:
            return True

        def cancel(self) -> bool:
            return True

        def exception(self) -> None:
            asked.append(True)

    class Full(HomeMade):
        def submit(self, fn: Callable[..., Any], /, *args: Any) -> Any:
            self.calls.append((fn, *args))
            return Patient()

    (worker_id,) = network.start_workers(search, executor=Full(), n_workers=1)
    (hosted,) = network._crew.engines
    hosted.cancel()
    with pytest.raises(WorkerStartError, match=f"{worker_id}.*its future was cancelled"):
        network.wait_for_workers(1, timeout=30.0)
    assert asked == []


def test_an_engine_that_refuses_a_worker_is_named(network: ParamNetwork) -> None:
    with pytest.raises(WorkerStartError, match=r"took 1 of 2 workers, .*RuntimeError: no room"):
        network.start_workers(search, executor=HomeMade(room=1), n_workers=2)
    network.wait_for_workers(1, timeout=30.0)
    network.stop_workers("terminate")
    network.wait_until_done(timeout=30.0)
    assert network.n_terminated_workers == 1


def test_an_engine_that_gives_no_future_is_named(network: ParamNetwork) -> None:
    class Forgetful(HomeMade):
        def submit(self, fn: Callable[..., Any], /, *args: Any) -> Any:
            self.calls.append((fn, *args))

    with pytest.raises(WorkerStartError, match="submit\\(\\) must return a future"):
        network.start_workers(search, executor=Forgetful(), n_workers=1)
