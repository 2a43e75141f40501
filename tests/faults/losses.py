"""Workers that are killed, frozen or crash at random moments, however they were started."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import distributed
import polars as pl
import psutil

from rushtyped import Network
from tests.models import ParamNetwork, Params, Scores, slow_search
from tests.waiting import wait_until

PERIOD = 1.0
LEASE = 3.0
SLACK = 1.0
"""Seconds that a look at the network may take on an overloaded machine."""

Start = Callable[[int], list[str]]


@contextmanager
def overload(times: int) -> Iterator[None]:
    """Keep every core busy with so many processes."""
    n = times * len(os.sched_getaffinity(0))
    burners = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(n)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


@contextmanager
def local(network: ParamNetwork) -> Iterator[Start]:
    """Start workers as processes of this manager."""
    yield lambda n: network.start_local_workers(
        slow_search, n_workers=n, heartbeat_period=PERIOD, heartbeat_expire=LEASE
    )


@contextmanager
def script(network: ParamNetwork) -> Iterator[Start]:
    """Start workers by a line for a shell, which each shell reads from its standard input."""
    line = network.worker_script(slow_search, heartbeat_period=PERIOD, heartbeat_expire=LEASE)
    shells: list[subprocess.Popen[bytes]] = []

    def start(n: int) -> list[str]:
        known = set(network.worker_ids)
        for _ in range(n):
            shell = subprocess.Popen(["sh"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
            assert shell.stdin is not None
            shell.stdin.write(line.encode())
            shell.stdin.close()
            shells.append(shell)
        wait_until(
            lambda: len(set(network.worker_ids) - known) >= n,
            description="all have registered",
            timeout=100.0,
        )
        return sorted(set(network.worker_ids) - known)

    yield start
    network.stop_workers("kill")
    for shell in shells:
        shell.wait(20)


@contextmanager
def dask(network: ParamNetwork) -> Iterator[Start]:
    """Start workers on a Dask cluster of two processes."""
    engine: Any = distributed  # it is not typed
    with ExitStack() as stack:
        cluster = stack.enter_context(
            engine.LocalCluster(n_workers=2, threads_per_worker=20, dashboard_address=":0")
        )
        executor: Executor = stack.enter_context(engine.Client(cluster)).get_executor()
        yield lambda n: network.start_workers(
            slow_search,
            executor=executor,
            n_workers=n,
            heartbeat_period=PERIOD,
            heartbeat_expire=LEASE,
        )
        network.stop_workers("kill")


WAYS = {"local": local, "script": script, "dask": dask}
FAULTS = {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP, "crash": signal.SIGSEGV}


class Losses:
    """Rounds of faults in one network, and what another manager sees of them."""

    def __init__(self, network: ParamNetwork, redis_url: str, start: Start) -> None:
        self.network = network
        self.other = Network[Params, Scores](network.network_id, redis=redis_url)
        self._start = start
        self._frozen: list[psutil.Process] = []

    def start(self, n: int) -> list[str]:
        """Start workers, and wait until each of them has had a task."""
        ids = self._start(n)
        self.network.wait_for_workers(worker_ids=ids, timeout=100.0)
        wait_until(
            lambda: set(ids) <= set(self.network.fetch_tasks(fields=["worker_id"])["worker_id"]),
            description="each has had a task",
            timeout=100.0,
        )
        return ids

    def strike(self, ids: list[str], fault: str) -> float:
        """Send a signal to each of these workers at moments of its own; return when it ended."""
        pids = dict(self.network.worker_info.select("worker_id", "pid").iter_rows())
        for worker_id in ids:
            time.sleep(random.uniform(0.0, 0.05))
            process = psutil.Process(pids[worker_id])
            process.send_signal(FAULTS[fault])
            if fault == "freeze":
                self._frozen.append(process)
        return time.monotonic()

    def found_by(self, manager: ParamNetwork, ids: list[str], since: float) -> float:
        """Wait until a manager has found all of these lost, and no other; return the seconds."""
        missing = set(ids)

        def look() -> bool:
            found = set(manager.detect_lost_workers())
            assert found <= missing, f"{found - missing} are alive, or were found before"
            missing.difference_update(found)
            return not missing

        wait_until(look, description=f"{ids} are found lost", timeout=100.0)
        return time.monotonic() - since

    def thaw(self) -> None:
        """Let the frozen workers go on; each is told that it is lost, and ends."""
        for process in self._frozen:
            process.send_signal(signal.SIGCONT)
        for process in self._frozen:
            wait_until(partial(_has_ended, process), description="it ends", timeout=60.0)
        self._frozen = []


def _has_ended(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def reasons(network: ParamNetwork, ids: list[str]) -> list[str]:
    """Read why these workers ended."""
    info = network.worker_info.filter(pl.col("worker_id").is_in(ids))
    return [str(reason) for reason in info["reason"]]
