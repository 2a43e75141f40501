"""Budgets, resets, other hashes, readers that look for what is new, and late repeats."""

from __future__ import annotations

from typing import Any, Generic

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from rushtyped.task import XE, YE, X, Y
from rushtyped.tasks import Tasks
from rushtyped.testing.machine.agreement import agree
from rushtyped.testing.machine.comparison import check_frame
from rushtyped.testing.machine.rules.acting import WHO
from rushtyped.testing.machine.rules.staffing import StaffingMachine

WHAT = st.sampled_from(
    ["ask to stop", "ask to kill", "register", "reset tasks", "reset all", "write hash"]
)
READER = st.sampled_from(["manager", "first"])
_NO_LIMIT = 10**6


class InterferingMachine(StaffingMachine[X, Y, XE, YE], Generic[X, Y, XE, YE]):
    """The rules that concern the network as a whole."""

    @rule(what=WHAT, who=WHO)
    def interfere(self, *, what: str, who: str) -> None:
        """Do what would disturb most histories if each were a rule of its own."""
        match what:
            case "ask to stop":
                self._ask_to_stop(self._worker(who).worker_id)
            case "ask to kill":
                self._ask_to_kill(self._worker(who).worker_id)
            case "register":
                self._register(self.workers["first"].worker_id)
            case "write hash":
                self._write_hash(self._worker(who))
            case _:
                self._reset(workers=what == "reset all")

    def _write_hash(self, tasks: Tasks[X, Y, XE, YE]) -> None:
        known = list(self.model.hashes)[1:2]
        note = len(self.model.tasks) + self.model.n_calls
        (key,) = tasks.write_hashes(keys=known or None, note=[note])
        self.model.write_hash(key, note=note)
        agree("the hash that was written", tasks.read_hash(key, ["note"]), {"note": note})

    def _reset(self, *, workers: bool) -> None:
        self._fetch_new("manager")
        self._dropped += self.model.tasks
        self.network.reset(workers=workers)
        self.model.reset(workers=workers)
        self._settled.clear()
        xss, yss = self.next_xss(1), self.next_yss(1)
        keys = self.network.push_finished_tasks(xss, yss)
        self.model.create("finished", keys, xss, yss=yss)
        self._fetch_new("manager")
        if workers:
            self._replace("first")
            self._replace("second")

    @rule(room=st.none() | st.integers(0, 3))
    def set_budget(self, *, room: int | None) -> None:
        """Set the budget to a few tasks more than have finished, or out of reach."""
        self._set_budget(_NO_LIMIT if room is None else len(self.model.finished) + room)

    @rule(who=READER, forget=st.booleans())
    def fetch_new_tasks(self, *, who: str, forget: bool) -> None:
        """Fetch what has finished since the last time."""
        if forget:
            self._readers[who].reset_cache()
        self._fetch_new(who)

    def _fetch_new(self, who: str) -> None:
        frame = self._readers[who].fetch_new_tasks()
        n_resets, seen = self._seen.get(who, (0, 0))
        if n_resets < self.model.n_resets:
            seen = 0
        check_frame(self.model, frame, self.model.finished[seen:], self._schema)
        self._seen[who] = (self.model.n_resets, len(self.model.finished))

    @precondition(lambda self: self._settled)
    @rule(number=st.integers(0, 5))
    def repeat_late(self, *, number: int) -> None:
        """Repeat a request that did all it was sent for, after others have gone on."""
        request = self._settled[-1 - number % len(self._settled)]
        again: Any = request.send_again()
        if request.script == "finish_tasks":
            agree("the late reply to finish_tasks", again[2:], request.reply[2:])
