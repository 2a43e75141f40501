"""One phase of a chaos run: a network that many processes work at, while faults come."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from rushtyped import WorkerStartError
from tests.chaos.account import find_violations
from tests.chaos.cast import Cast
from tests.chaos.faults import Fault
from tests.chaos.injector import Injector
from tests.chaos.journal import Call, Journal, Verb, read_journals
from tests.chaos.loops import drain
from tests.chaos.models import ChaosNetwork
from tests.chaos.part import Part, join, open_gate
from tests.chaos.places import check_places
from tests.chaos.servers import AnyServer
from tests.chaos.stored import Stored, read_places, read_stored
from tests.chaos.violation import Law, Violation

N_DRAINERS = 2
N_LOOKS = 10
"""Looks at all indexes while the faults come."""
_PATIENCE = 3.0
"""Seconds for which a fault waits for its share of the tasks."""
_PAUSE = 0.05
_MOST_FAILURES = 20
_SLACK = 2
"""Faults by which tasks may be created ahead."""


class TimeIsUpError(Exception):
    """The run takes longer than it may."""


class Deadline:
    """When a run has to be over."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds
        self._seconds = seconds

    def check(self, doing: str) -> None:
        """Raise TimeIsUpError when the time is over."""
        if time.monotonic() > self._at:
            raise TimeIsUpError(f"not within {self._seconds:g} s: {doing}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a phase came to."""

    stored: Stored
    calls: Sequence[Call]
    violations: Sequence[Violation]


class Phase:
    """Works at one network until so many tasks have been created, or its budget is spent."""

    def __init__(
        self, part: Part, tasks: int, server: AnyServer, injector: Injector, deadline: Deadline
    ) -> None:
        self._part = part
        self._tasks = tasks
        self._server = server
        self._injector = injector
        self._deadline = deadline
        self._violations: list[Violation] = []
        self._network = join(part)

    def run(self, cast: Cast, faults: Sequence[Fault]) -> Outcome:
        """Have the cast work while the faults come, then drain and hold the account."""
        try:
            self._disturb(cast, faults)
            self._reach(self._tasks, cast)
        finally:
            open_gate(self._part.gate, is_open=False)
            self._injector.wake(all_of_them=True)
            try:
                cast.end()
            finally:
                cast.kill()
        for failure in cast.failures:
            self._violations.append(Violation(Law.CALM, failure, f"; see {cast.errors}"))
        self._settle()
        with self._server.client() as client:
            stored = read_stored(client, self._part.network_id)
        calls = read_journals(self._part.directory)
        self._violations += find_violations(stored, calls, budget=self._part.budget)
        return Outcome(stored, calls, self._violations)

    def _progress(self) -> int:
        if self._part.budget is not None:
            return self._network.n_finished_tasks
        return self._network.n_tasks - self._network.n_queued_tasks

    def _disturb(self, cast: Cast, faults: Sequence[Fault]) -> None:
        """Let faults and tasks keep pace with each other."""
        step = self._tasks / (len(faults) + 1)
        for n, fault in enumerate(faults, start=1):
            self._reach(step * n, cast, most=step * (n + _SLACK), patience=_PATIENCE)
            until = time.monotonic() + _PATIENCE
            while not self._injector.inject(fault) and time.monotonic() < until:
                cast.replace()
                time.sleep(_PAUSE)
            if n % max(1, len(faults) // N_LOOKS) == 0:
                self._look()

    def _reach(
        self,
        tasks: float,
        cast: Cast,
        *,
        most: float = float("inf"),
        patience: float = float("inf"),
    ) -> None:
        """Wait until so many tasks have been worked on."""
        until = time.monotonic() + patience
        while True:
            done = self._progress()
            open_gate(self._part.gate, is_open=done < most)
            if done >= tasks or time.monotonic() > until:
                return
            self._deadline.check(f"{done} of {tasks:g} tasks; {self._network!r}")
            if len(cast.failures) > _MOST_FAILURES:
                raise TimeIsUpError(f"processes fail: {cast.failures[-1]}; see {cast.errors}")
            self._injector.wake()
            cast.replace()
            time.sleep(_PAUSE)

    def _look(self) -> None:
        """Check that at this instant each task is in one state."""
        with self._server.client() as client:
            self._violations += check_places(read_places(client, self._part.network_id))
        self._verify()

    def _verify(self) -> None:
        """Have the library check its own data, whether or not others are at work."""
        for row in self._network.verify().iter_rows(named=True):
            self._violations.append(Violation(Law.VERIFIED, row["key"], f"is found as {row}"))

    def _settle(self) -> None:
        """Let no worker and no task be left over."""
        with self._network as network:
            journal = Journal(self._part.directory, "drainer")
            self._wait(self._has_ended, "workers have ended", journal)
            if self._part.budget is None:
                loop = partial(drain, directory=self._part.directory)
                while network.n_queued_tasks or network.n_running_tasks:
                    try:
                        network.start_local_workers(loop, n_workers=N_DRAINERS)
                    except WorkerStartError as error:
                        self._violations.append(Violation(Law.CALM, "drainer", str(error)))
                    self._wait(self._is_drained, "all tasks are settled", journal)
            self._read_all(network, journal)
            self._verify()

    def _wait(self, is_done: Callable[[], bool], doing: str, journal: Journal) -> None:
        while not is_done():
            self._deadline.check(f"{doing}; {self._network!r}")
            number = journal.ask(Verb.DETECT, notes=["requeue"])
            journal.tell(number, self._network.detect_lost_workers(requeue=True))
            time.sleep(_PAUSE)

    def _has_ended(self) -> bool:
        running = self._network.running_worker_ids
        if running:
            self._network.stop_workers("terminate", worker_ids=running)
        return not running

    def _is_drained(self) -> bool:
        return not self._network.running_worker_ids and self._network._crew.is_deserted()

    @staticmethod
    def _read_all(network: ChaosNetwork, journal: Journal) -> None:
        number = journal.ask(Verb.FETCH)
        new = network.fetch_new_tasks(fields=["ys"])
        journal.tell(number, new["key"].to_list(), new["nonce"].to_list())
