"""A worker loop run to its end, as one call of a test."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from rushtyped.arguments import check_count, check_options, check_seconds
from rushtyped.errors import WaitTimeoutError, WorkerEndedError
from rushtyped.heartbeat.holder import LEASES
from rushtyped.keys import new_worker_id
from rushtyped.launch.crew import countdown
from rushtyped.launch.running import run_loop
from rushtyped.loop_types import WorkerLoop
from rushtyped.loops import check_loop
from rushtyped.network import Network
from rushtyped.specialisation import models_of, specialise
from rushtyped.task import XE, YE, X, Y
from rushtyped.worker import NORMAL_END, Worker

Place = Literal["thread", "process"]
"""Where a worker runs: in a thread of the test, or in a process of its own."""

_LEASE = 3600.0
"""Seconds of a thread's lease: more than a test takes, so that nobody has to renew it."""
_PAUSE = 0.02
_GRACE = 5.0
"""Seconds that workers get to end after they were told to."""


@dataclass(frozen=True, slots=True)
class LoopRunner:
    """What the fixture `run_loop` is: a call that runs a worker loop to its end."""

    network: Network[Any, Any, Any, Any]
    url: str

    def __call__(
        self,
        worker_loop: WorkerLoop[X, Y, XE, YE],
        *,
        n_workers: int = 1,
        max_tasks: int | None = None,
        max_seconds: float | None = None,
        place: Place = "thread",
        timeout: float = 60.0,
    ) -> pl.DataFrame:
        """Run the loop in n workers of the test's network; return the finished tasks.

        `max_tasks` and `max_seconds` set the network's budget first, for loops that end by it.
        What it raises in a thread is raised here; a process that fails raises WorkerEndedError.
        Raises WaitTimeoutError after `timeout` seconds, when the workers were told to stop.
        """
        check_options("place", [place], ("thread", "process"))
        n = check_count("n_workers", n_workers, least=1) or 1
        left = countdown(check_seconds("timeout", timeout))
        network_type = type(self.network)
        check_loop(worker_loop, models_of(network_type))
        if max_tasks is not None or max_seconds is not None:
            name, url = self.network.network_id, self.url
            with network_type(name, redis=url, max_tasks=max_tasks, max_seconds=max_seconds):
                pass  # to join with a budget sets it
        run = self._in_threads if place == "thread" else self._in_processes
        run(worker_loop, n, left)
        return self.network.fetch_finished_tasks()

    def _in_threads(self, loop: Callable[[Any], object], n: int, left: Callable[[], float]) -> None:
        failures: list[BaseException] = []

        def run(worker: Worker[Any, Any, Any, Any]) -> None:
            failure = run_loop(worker, loop)
            if failure is not None:
                failures.append(failure)

        threads = [
            threading.Thread(target=run, args=(self._worker(),), daemon=True) for _ in range(n)
        ]
        for thread in threads:
            thread.start()
        self._wait(lambda: failures or not any(thread.is_alive() for thread in threads), left)
        if failures:
            self._stop(lambda: not any(thread.is_alive() for thread in threads))
            raise failures[0]

    def _worker(self) -> Worker[Any, Any, Any, Any]:
        worker_type: Any = specialise(Worker, models_of(type(self.network)))
        worker_id = new_worker_id()
        LEASES.leave_to_parent(worker_id)
        worker: Worker[Any, Any, Any, Any] = worker_type(
            self.network.network_id, redis=self.url, worker_id=worker_id, heartbeat_expire=_LEASE
        )
        return worker

    def _in_processes(
        self, loop: Callable[[Any], object], n: int, left: Callable[[], float]
    ) -> None:
        ids = self.network.start_local_workers(loop, n_workers=n)
        self.network.wait_for_workers(worker_ids=ids, timeout=left())

        def have_ended() -> bool:
            self.network.detect_lost_workers()
            return not set(ids) & set(self.network.running_worker_ids)

        self._wait(have_ended, left)
        for row in self.network.worker_info.rows(named=True):
            if row["worker_id"] in ids and row["reason"] != NORMAL_END:
                raise WorkerEndedError(self._ending(row["worker_id"], row["reason"]))

    def _wait(self, has_ended: Callable[[], object], left: Callable[[], float]) -> None:
        while not has_ended():
            if left() <= 0:
                self._stop(has_ended)
                state = "its workers were told to stop"
                raise WaitTimeoutError(f"the loop has not ended in time, {state}: {self.network!r}")
            time.sleep(_PAUSE)

    def _stop(self, has_ended: Callable[[], object]) -> None:
        self.network.stop_workers("terminate")
        left = countdown(_GRACE)
        while not has_ended() and left() > 0:
            time.sleep(_PAUSE)

    def _ending(self, worker_id: str, reason: str) -> str:
        """Say how a process ended, with the traceback that it has logged."""
        log = self.network.read_log(worker_ids=[worker_id])
        traces: Sequence[str] = log["exception"].drop_nulls().to_list()
        return "\n".join([f"worker {worker_id!r} ended: {reason}", *traces[-1:]])
