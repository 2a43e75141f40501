"""A process that starts workers, looks after those that are lost, and reads what is found.

python -m tests.chaos.manager PART
"""

from __future__ import annotations

import os
import random
import sys
import time
from functools import partial

from rushtyped import WorkerStartError
from tests.chaos.journal import Journal, Verb
from tests.chaos.loops import work
from tests.chaos.part import Part, Stop, begin, join, noting_trouble

PERIOD, LEASE = 1.0, 2.0
"""Seconds between two renewals of a lease, and for which it lasts."""
MOST_ATTEMPTS = 3
_NEWS = 0.1


class Manager:
    """Keeps a number of workers running, and ends some of them."""

    def __init__(self, part: Part, journal: Journal, rng: random.Random) -> None:
        self.network = join(part)
        self._part = part
        self._journal = journal
        self._rng = rng
        self._hired: list[str] = []

    def hire(self) -> None:
        """Start workers in place of those that have ended."""
        everybody, running = set(self.network.worker_ids), set(self.network.running_worker_ids)
        self._hired = [each for each in self._hired if each in running or each not in everybody]
        missing = self._part.n_workers - len(self._hired)
        if missing <= 0:
            return
        loop = partial(work, directory=self._part.directory, gate=self._part.gate)
        try:
            self._hired += self.network.start_local_workers(
                loop,
                n_workers=missing,
                supervise=self._part.supervises,
                heartbeat_period=PERIOD,
                heartbeat_expire=LEASE,
            )
        except WorkerStartError:  # what starts them was killed just now; the next call starts it
            self._hired = []

    def detect(self) -> None:
        """Settle the workers that are lost."""
        requeues = self._part.requeues
        number = self._journal.ask(Verb.DETECT, notes=["requeue"] if requeues else [])
        lost = self.network.detect_lost_workers(requeue=requeues, max_attempts=MOST_ATTEMPTS)
        self._journal.tell(number, lost)
        self._hired = [each for each in self._hired if each not in lost]

    def fetch(self) -> None:
        """Read what has finished since the last time."""
        number = self._journal.ask(Verb.FETCH)
        new = self.network.fetch_new_tasks(fields=["ys"], timeout=_NEWS)
        self._journal.tell(number, new["key"].to_list(), new["nonce"].to_list())

    def look(self) -> None:
        """Read tasks of all states at once; no task may be there twice."""
        rows = self.network.fetch_tasks_with_state(states=["queued", "running"], fields=["xs"])
        twice = rows.filter(rows["key"].is_duplicated())["key"].to_list()
        if twice:
            self._journal.trouble(f"tasks {twice} were fetched in two states")

    def dismiss(self) -> None:
        """Have one worker end, at once or after its task."""
        running = [each for each in self._hired if each in self.network.running_worker_ids]
        if not running:
            return
        one = self._rng.choice(running)
        number = self._journal.ask(Verb.STOP, [one])
        self.network.stop_workers(
            "kill" if self._rng.random() < 0.5 else "terminate", worker_ids=[one]
        )
        self._journal.tell(number, [one])

    def is_done(self) -> bool:
        """Whether the budget is spent, so that no worker is needed any more."""
        return self._part.budget is not None and self.network.n_finished_tasks >= self._part.budget

    def run(self, stop: Stop) -> None:
        """Manage until the time is up, or SIGTERM."""
        until = time.monotonic() + self._part.seconds
        while not stop.asked and time.monotonic() < until:
            self.detect()
            if not self.is_done():
                self.hire()
            self.fetch()
            what = self._rng.random()
            if what < 0.05:
                self.dismiss()
            elif what < 0.1:
                self.look()


def main() -> int:
    """Manage, then leave in order or without a word."""
    part, journal, rng, stop = begin()
    with noting_trouble(journal):
        manager = Manager(part, journal, rng)
        with manager.network:
            manager.run(stop)
            if not stop.asked and rng.random() < 0.3:
                os._exit(0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
