"""Sentinels make a replica the primary while workers go on, and no confirmed result is lost."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import pytest

from rushtyped import Network
from tests.contents import check_one_state
from tests.faults.noting_loops import read_notes, search_and_note, serve_and_note
from tests.models import ParamNetwork, Params, Scores, points
from tests.servers.binaries import redis_of_debian
from tests.servers.sentinel import SentinelDeployment
from tests.waiting import wait_until

MORE = 100
"""Results that are waited for before and after each failover."""


class Failovers:
    """A network with workers at the primary of a deployment."""

    def __init__(
        self, network: ParamNetwork, deployment: SentinelDeployment, directory: Path
    ) -> None:
        self.network = network
        self.n_lost = 0
        self._queued: set[str] = set()
        self._deployment = deployment
        self._directory = directory

    def start(self, n: int) -> list[str]:
        """Start n workers for each loop."""
        ids = []
        for loop in (search_and_note, serve_and_note):
            noting = partial(loop, directory=str(self._directory))
            ids += self.network.start_local_workers(noting, n_workers=n)
        self.network.wait_for_workers(worker_ids=ids, timeout=60.0)
        return ids

    def fail_over(self, *, frozen: bool) -> None:
        """Kill the primary; frozen, the replica has not got the newest results."""
        self.go_on()
        replica = self._deployment.replica
        if frozen:
            os.kill(replica.pid, signal.SIGSTOP)
            with self._deployment.primary.client() as client:
                client.execute_command("CLIENT", "KILL", "TYPE", "replica")
            self.go_on()  # with what will be lost
        self._deployment.kill_primary()
        known = read_notes(self._directory).keys()
        if frozen:
            os.kill(replica.pid, signal.SIGCONT)
        with self._deployment.wait_until_failed_over().client() as client:
            prefix = f"rush:{{{self.network.network_id}}}:"
            kept = {key.decode() for key in client.lrange(f"{prefix}finished", 0, -1)}
        self.n_lost += len(known - kept)  # some may have been stored again already
        self.go_on()
        self._deployment.restart_lost()

    def go_on(self) -> None:
        """Wait until each worker has had more results, and has had some to lose."""
        before = self._counts()
        self._queued.update(self.network.push_tasks(points(MORE * len(before))))
        wait_until(
            lambda: all(n >= before.get(each, 0) + MORE for each, n in self._counts().items()),
            description="each worker has more results",
            timeout=60.0,
        )

    def check_notes(self) -> None:
        """Fail unless each task that a worker was told to be finished is so."""
        noted = read_notes(self._directory).keys()
        finished = self.network.fetch_finished_tasks()["key"].to_list()
        assert len(finished) == len(set(finished))
        assert noted <= set(finished)

    def check_results(self) -> None:
        """Fail unless what is stored is what its worker was told of, when all have ended.

        Two may have been told of one task: one that had popped it, which the server forgot, and
        one that it was given to again and that was faster to finish it than the first to return.
        """
        notes = read_notes(self._directory)
        frame = self.network.fetch_finished_tasks().select("key", "worker_id", "y")
        for key, worker_id, y in frame.iter_rows():
            assert notes[key][worker_id] == y
        assert notes.keys() == set(frame["key"])
        twice = {key for key, told in notes.items() if len(told) > 1}
        assert twice <= self._queued
        print(f"{len(notes)} results, {self.n_lost} lost at first, {len(twice)} in two ways")

    def _counts(self) -> dict[str, int]:
        counts = dict.fromkeys(self.network.running_worker_ids, 0)
        for told in read_notes(self._directory).values():
            for worker_id in told:
                counts[worker_id] += 1
        return counts


def survive(directory: Path, network_id: str, *, rounds: list[bool], n_workers: int) -> int:
    """Fail over in rounds, each with a frozen replica or without; return how many were lost."""
    with (
        SentinelDeployment(directory / "servers", binary=redis_of_debian()) as deployment,
        Network[Params, Scores](network_id, redis=deployment.url) as network,
    ):
        notes = directory / "notes"
        notes.mkdir()
        failovers = Failovers(network, deployment, notes)
        ids = failovers.start(n_workers)
        for frozen in rounds:
            failovers.fail_over(frozen=frozen)
            assert network.running_worker_ids == sorted(ids)
            assert network.detect_lost_workers() == []
            failovers.check_notes()
        max_tasks = network.n_finished_tasks + 500
        Network[Params, Scores](network_id, redis=deployment.url, max_tasks=max_tasks)
        network.wait_until_done(timeout=60.0)
        assert network.n_finished_tasks == max_tasks
        assert network.n_running_tasks == 0
        wait_until(lambda: network.n_running_workers == 0, description="the workers have ended")
        failovers.check_results()
        check_one_state(network)
        assert network.verify().is_empty()
        return failovers.n_lost


def test_workers_survive_the_loss_of_a_primary_and_of_its_newest_writes(
    tmp_path: Path, network_id: str
) -> None:
    assert survive(tmp_path, network_id, rounds=[False, True], n_workers=1) > 0


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_workers_survive_many_failovers(tmp_path: Path, network_id: str) -> None:
    assert survive(tmp_path, network_id, rounds=[True, False] * 5, n_workers=3) > 0
