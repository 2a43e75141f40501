"""Worker processes of each kind, the processes beside them, and loops that outlive leases."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import psutil

from rushtyped.keys import NetworkKeys
from tests.models import ParamNetwork, Params, ParamWorker, Scores
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
POINT = Params(x1=0.0, x2=0.0)
MARK = "TESTED_NETWORK"
"""Variable that all processes have which a test has started, and those that these start."""
KINDS = ("local", "script", "by hand")
BY_HAND = """
import importlib, sys
from tests.models import ParamWorker

_, network_id, redis, loop, expire = sys.argv
module, _, name = loop.rpartition(".")
loop = getattr(importlib.import_module(module), name)
worker = ParamWorker(network_id, redis=redis, heartbeat_period=1, heartbeat_expire=float(expire))
loop(worker)
worker.set_terminated()
"""
Loop = Callable[[ParamWorker], object]


def wait_for_lease(worker: ParamWorker) -> None:
    """Return once the process beside the worker has renewed its lease."""
    expire = 1000 * worker._heartbeat[1]
    wait_until(
        lambda: 0 < pttl(worker, worker.worker_id) <= expire, description="the lease is renewed"
    )


def hold_gil(worker: ParamWorker) -> None:
    """Spend more than a lease of 2 s in C code that holds the GIL, with a task running."""
    with worker.running_task(POINT) as task:
        wait_for_lease(worker)
        ctypes.PyDLL(None).usleep(3_000_000)
        task.finish(Scores(y=1.0))


def finish_at_signal(worker: ParamWorker) -> None:
    """Pop a task, finish it when SIGUSR1 has come, and write down what the worker is told."""
    come: list[int] = []
    signal.signal(signal.SIGUSR1, lambda number, _: come.append(number))
    task = worker.pop_task(timeout=20.0)
    assert task is not None
    while not come:
        time.sleep(0.01)
    told = [task.finish(Scores(y=1.0)), worker.terminated]
    while not worker.terminated:
        time.sleep(0.01)
    worker.push_failed_tasks([POINT], conditions=f"{worker.worker_id} {told}")


def wait_in_task(worker: ParamWorker) -> None:
    """Start a task once the lease is renewed, and stay in it."""
    wait_for_lease(worker)
    worker.running_task(POINT)
    signal.pause()


def exit_in_task(worker: ParamWorker) -> None:
    """End the process with a task running, as if all were well."""
    wait_for_lease(worker)
    worker.running_task(POINT)
    os._exit(0)


def idle(worker: ParamWorker) -> None:
    """Look whether to end, and do nothing else."""
    while not worker.terminated:
        time.sleep(0.02)


@dataclass(frozen=True, slots=True)
class Life:
    """A worker, and its process as the test started it, unless it is local."""

    worker_id: str
    pid: int
    started: subprocess.Popen[bytes] | None

    @property
    def beside(self) -> psutil.Process:
        """The process that renews its lease."""
        parent = self.pid if self.started is not None else psutil.Process(self.pid).ppid()
        return lease_process_of(parent)


class Lives:
    """Starts workers of one network in processes; whatever is left of them can be killed."""

    def __init__(self, network: ParamNetwork, redis_url: str) -> None:
        self.network = network
        self._redis_url = redis_url
        self._processes: list[subprocess.Popen[bytes]] = []

    def begin(self, kind: str, loop: Loop, *, expire: float = 2.0) -> Life:
        """Start a worker with a lease of so many seconds, and wait until it has registered."""
        known = set(self.network.worker_ids)
        started = None
        if kind == "local":
            self.network.start_local_workers(
                loop, n_workers=1, heartbeat_period=1, heartbeat_expire=expire
            )
        elif kind == "script":
            line = self.network.worker_script(loop, heartbeat_period=1, heartbeat_expire=expire)
            started = self.run("sh", "-c", f"exec env {line}")
        else:
            name = f"{loop.__module__}.{loop.__name__}"
            started = self.python(BY_HAND, name, str(expire))
        wait_until(lambda: set(self.network.worker_ids) - known, description="it has registered")
        (worker_id,) = set(self.network.worker_ids) - known
        return Life(worker_id, pids_of(self.network)[worker_id], started)

    def python(self, program: str, *words: str) -> subprocess.Popen[bytes]:
        """Run a program that is told of the network and the server."""
        first = (self.network.network_id, self._redis_url)
        return self.run(sys.executable, "-c", program, *first, *words)

    def environment(self) -> dict[str, str]:
        """Variables for a process whose traces are to be found."""
        return {**os.environ, "PYTHONPATH": str(ROOT), MARK: self.network.network_id}

    def run(self, *command: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command,
            env=self.environment(),
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._processes.append(process)
        return process

    def left(self) -> list[int]:
        """Find what lives of the processes that were started here and by those, of any parent."""
        return [process.pid for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            mark = process.environ().get(MARK)
            return mark == self.network.network_id and is_alive(process.pid)
        except psutil.Error:
            return False

    def close(self) -> None:
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        for pid in self.left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    """Whether a process lives; a zombie does not."""
    try:
        status: str = psutil.Process(pid).status()
    except psutil.NoSuchProcess:
        return False
    return status != psutil.STATUS_ZOMBIE


def pids_of(network: ParamNetwork) -> dict[str, int]:
    rows = network.worker_info.select("worker_id", "pid").iter_rows()
    return {worker_id: int(pid) for worker_id, pid in rows}


def lease_process_of(parent: int) -> psutil.Process:
    """Find the process that renews leases and was started by another."""
    found: list[psutil.Process] = []

    def is_there() -> bool:
        found[:] = [each for each in psutil.Process(parent).children() if _renews(each)]
        return len(found) == 1

    wait_until(is_there, description="there is one process that renews leases")
    return found[0]


def _renews(process: psutil.Process) -> bool:
    try:
        return any(word.endswith("heartbeat/start.py") for word in process.cmdline())
    except psutil.Error:
        return False


def pttl(tasks: ParamNetwork | ParamWorker, worker_id: str) -> int:
    """Milliseconds that a worker's lease lasts; -2 where there is none."""
    heartbeat = NetworkKeys(tasks.network_id).worker(worker_id).heartbeat
    left: int = tasks.connector.pttl(heartbeat)
    return left


def wait_until_kept(network: ParamNetwork, life: Life) -> None:
    """Return once the first lease, which is longer, was renewed by the process beside it."""
    wait_until(lambda: 0 < pttl(network, life.worker_id) <= 2000, description="it was renewed")


def wait_until_renewed(network: ParamNetwork, worker_id: str, times: int = 1) -> None:
    """Watch a lease until it was renewed so often; fail where it has run out meanwhile."""
    seen = [pttl(network, worker_id)]

    def is_renewed() -> bool:
        seen.append(pttl(network, worker_id))
        assert seen[-1] > 0, "the lease has run out"
        return sum(after > before for before, after in pairwise(seen)) >= times

    wait_until(is_renewed, description=f"the lease was renewed {times} times")


def messages_of(network: ParamNetwork, keys: list[str]) -> list[str]:
    conditions = [record.condition for record in network.read_tasks(keys)]
    return [condition.message for condition in conditions if condition is not None]


def reason_of(network: ParamNetwork, worker_id: str) -> str:
    rows = network.worker_info.select("worker_id", "reason").iter_rows()
    reason: str = dict(rows)[worker_id]
    return reason
