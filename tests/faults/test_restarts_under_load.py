"""The server is restarted and killed again and again while workers and a manager use it."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from rushtyped import Network
from tests.contents import check_one_state
from tests.faults.noting_loops import read_notes, serve_and_note
from tests.models import ParamNetwork, Params, Scores, points
from tests.servers import binaries
from tests.servers.process import WRITE_BEFORE_REPLY, ServerProcess
from tests.waiting import in_background, wait_until

N_WORKERS = 2
STEP = 150
"""Tasks that finish between two restarts."""
PUSHED_AT_ONCE = 7
LONGEST_QUEUE = 100
PROGRAMS: dict[str, Callable[[], Path]] = {
    "valkey": binaries.valkey,
    "redis": binaries.redis_of_debian,
}


class Study:
    """A network under load on a server of its own, and what its users were told."""

    def __init__(self, server: ServerProcess, notes: Path, network_id: str, budget: int) -> None:
        self.server = server
        self.budget = budget
        self.network: ParamNetwork = Network[Params, Scores](
            network_id, redis=server.url, max_tasks=budget
        )
        self.pushed: list[str] = []
        self._notes = notes
        self._pusher: ParamNetwork = Network[Params, Scores](network_id, redis=server.url)

    def start(self) -> None:
        """Start workers that note each result which they were told is stored."""
        loop = partial(serve_and_note, directory=str(self._notes))
        self.network.start_local_workers(loop, n_workers=N_WORKERS)
        self.network.wait_for_workers(N_WORKERS, timeout=60.0)

    def push(self) -> None:
        """Push more tasks than the budget allows, and note the keys of those that are stored."""
        while len(self.pushed) < self.budget + LONGEST_QUEUE:
            self.pushed += self._pusher.push_tasks(points(PUSHED_AT_ONCE))
            if self._pusher.n_queued_tasks > LONGEST_QUEUE:
                time.sleep(0.01)

    def restart(self, how: str, after: int) -> None:
        """End the server once so many tasks have finished, and start it again."""
        wait_until(
            lambda: self.network.n_finished_tasks >= after,
            description=f"{after} tasks have finished",
            timeout=60.0,
        )
        time.sleep(random.uniform(0.0, 0.05))  # any moment will do
        (self.server.stop if how == "stop" else self.server.kill)()
        time.sleep(random.uniform(0.0, 0.2))
        self.server.start()

    def check_that_all_go_on(self) -> None:
        """Fail unless tasks go on being finished, by all workers."""
        before = self.network.n_finished_tasks
        assert self.network.n_running_workers == N_WORKERS
        wait_until(
            lambda: self.network.n_finished_tasks > before,
            description="workers go on after the restart",
        )

    def check_stored(self) -> None:
        """Check what is stored once the budget is spent: all agrees, and nothing is too much."""
        network = self.network
        wait_until(lambda: network.n_running_workers == 0, description="the workers have ended")
        assert network.n_finished_tasks == self.budget
        assert network.running_tasks == []
        check_one_state(network)
        assert network.verify().is_empty()

    def check_told(self) -> None:
        """Check that all is stored which somebody was told is stored, and no other result."""
        network, notes = self.network, read_notes(self._notes)
        assert sorted(network.tasks) == sorted(self.pushed)
        assert network.failed_tasks == []
        rows = network.fetch_finished_tasks().select("key", "worker_id", "y").rows()
        assert {key: {worker_id: y} for key, worker_id, y in rows} == notes


def run_study(network_id: str, program: Path, fsync: str, how: str, *, restarts: int) -> None:
    """Restart a server under load; where it keeps each write, nothing that was told is missing."""
    budget = STEP * (restarts + 2)
    options = {**WRITE_BEFORE_REPLY, "appendfsync": fsync}
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rushtyped-")))
        server = stack.enter_context(
            ServerProcess(directory / "server", binary=program, options=options)
        )
        study = Study(server, directory, network_id, budget)
        with study.network, in_background(study.push) as pushing:
            study.start()
            for restart in range(1, restarts + 1):
                study.restart(how, after=STEP * restart)
                study.check_that_all_go_on()
            study.network.wait_until_done(timeout=100.0)
            pushing.result(timeout=60.0)
            study.check_stored()
            if not loses_what_it_has_confirmed(fsync, how):
                study.check_told()


def loses_what_it_has_confirmed(fsync: str, how: str) -> bool:
    """Whether a server may reply first and write later, while an earlier write is on its way."""
    return fsync == "everysec" and how == "kill"


@pytest.mark.parametrize(
    ("program", "fsync", "how"), [("valkey", "always", "kill"), ("redis", "everysec", "stop")]
)
def test_workers_and_managers_go_on_when_the_server_is_restarted(
    network_id: str, program: str, fsync: str, how: str
) -> None:
    run_study(network_id, PROGRAMS[program](), fsync, how, restarts=2)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("fsync", ["always", "everysec"])
@pytest.mark.parametrize("how", ["stop", "kill"])
def test_workers_and_managers_go_on_through_many_restarts(
    network_id: str, program: str, fsync: str, how: str
) -> None:
    run_study(network_id, PROGRAMS[program](), fsync, how, restarts=20)
