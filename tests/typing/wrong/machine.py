"""Wrong uses of the testing kit, each on its own line."""

from __future__ import annotations

from hypothesis.stateful import rule

from rushtyped import Worker, Xs, Ys
from rushtyped.testing import LoopRunner, NetworkMachine


class Params(Xs):
    x: float


class Scores(Ys):
    y: float


class OtherScores(Ys):
    w: float


class Swapped(NetworkMachine[Scores, Params]):  # error: type-var | reportInvalidTypeArguments
    pass


class StudyMachine(NetworkMachine[Params, Scores]):
    @rule()
    def push(self) -> None:
        self.network.push_tasks(self.next_yss(1))  # error: arg-type | reportArgumentType
        self.model.finish("w", ["k"], [OtherScores(w=1)])  # error: list-item | reportArgumentType
        self.workers["first"].finish_task("key")  # error: attr-defined | reportAttributeAccessIssue
        self.next_xss("2")  # error: arg-type | reportArgumentType


def climb(worker: Worker[Params, Scores], *, seed: int) -> None:
    worker.push_running_tasks([Params(x=float(seed))])


def evaluate(worker: Worker[Params, Scores]) -> None:
    worker.push_running_tasks([Params(x=0.0)])


def run(run_loop: LoopRunner) -> None:
    run_loop(climb)  # error: arg-type | reportArgumentType
    run_loop(evaluate, 2)  # error: call-arg | reportCallIssue
    run_loop(evaluate, place="host")  # error: arg-type | reportArgumentType
    run_loop(evaluate, max_tasks="7")  # error: arg-type | reportArgumentType
