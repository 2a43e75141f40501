"""A machine with a wrong rule, importable by a process that runs what its failure printed."""

from __future__ import annotations

from typing import ClassVar

from hypothesis.stateful import rule

from rushtyped.connect import Server
from rushtyped.testing import NetworkMachine
from tests.stateful.machines import Cost, Design, Origin, Outcome


class ForgetfulMachine(NetworkMachine[Design, Outcome, Origin, Cost]):
    """Does not tell the model of a task with many values that only code of their own makes."""

    redis: ClassVar[Server | None] = None

    @rule()
    def push_and_forget(self) -> None:
        xss, yss = self.next_xss(1), self.next_yss(1)
        keys = self.network.push_finished_tasks(xss, yss)
        if len(yss[0].curve) == 0:
            self.model.create("finished", keys, xss, yss=yss)
