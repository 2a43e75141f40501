"""State machines over networks of one's own models, typed by them."""

from __future__ import annotations

from typing import assert_type

from hypothesis.stateful import rule

from rushtyped import Extra, Network, TaskState, Worker, Xs, Ys
from rushtyped.testing import LoopRunner, NetworkMachine
from rushtyped.testing.machine import Model, ModelTask, ModelWorker


class Params(Xs):
    x: float


class Scores(Ys):
    y: float


class Origin(Extra):
    batch: int


class Timing(Extra):
    seconds: float


class StudyMachine(NetworkMachine[Params, Scores]):
    @rule()
    def push(self) -> None:
        xss = self.next_xss(2)
        assert_type(xss, list[Params])
        keys = self.network.push_tasks(xss)
        self.model.create("queued", keys, xss)
        self.check_laws()

    @rule()
    def look(self) -> None:
        assert_type(self.network, Network[Params, Scores])
        assert_type(self.workers["first"], Worker[Params, Scores])
        assert_type(self.next_yss(1), list[Scores])
        for task in self.model.tasks.values():
            assert_type(task.xs, Params)
            assert_type(task.ys, Scores | None)
        self.check_model()


class ExtrasMachine(NetworkMachine[Params, Scores, Origin, Timing]):
    @rule()
    def look(self) -> None:
        assert_type(self.network, Network[Params, Scores, Origin, Timing])
        extras = [task.xs_extra for task in self.model.tasks.values()]
        assert_type(extras, list[Origin | None])


def described(model: Model[Params, Scores, Origin, Timing]) -> list[str]:
    workers: dict[str, ModelWorker] = model.workers
    tasks: dict[str, ModelTask[Params, Scores, Origin, Timing]] = model.tasks
    return [*workers, *tasks]


def climb(worker: Worker[Params, Scores]) -> None:
    worker.push_running_tasks([Params(x=0.0)])


def run(run_loop: LoopRunner) -> list[float]:
    frame = run_loop(climb, n_workers=2, max_tasks=3, max_seconds=1.0, place="process", timeout=9.0)
    return frame["y"].to_list()


StudyMachine.redis = "redis://localhost:6379"
TestStudy = StudyMachine.TestCase
STATES = list(TaskState)
