"""Subclasses of a network and of a worker, with methods of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_type

from typing_extensions import TypeVar

from rushtyped import AnyExtra, Extra, Network, Task, TaskRecord, Tasks, Worker, X, Xs, Y, Ys


class Params(Xs):
    x: float


class Scores(Ys):
    y: float


class Origin(Extra):
    batch: int


class Study(Network[Params, Scores]):
    """A network whose models are bound once and for all."""

    def ask(self, *xs: float) -> list[str]:
        return self.push_tasks([Params(x=each) for each in xs])

    def best(self) -> Params | None:
        done = [record for record in self.read_tasks(self.finished_tasks) if record.ys is not None]
        scores = [record.ys.y for record in done if record.ys is not None]
        return done[scores.index(min(scores))].xs if scores else None


class Batches(Network[Params, Scores, Origin]):
    """A network with an option of its own, and a declared extra."""

    def __init__(self, network_id: str, *, redis: str, batch: int) -> None:
        super().__init__(network_id, redis=redis, max_tasks=100)
        self.batch = batch

    def ask(self, *xs: float) -> list[str]:
        origin = Origin(batch=self.batch)
        return self.push_tasks([Params(x=each) for each in xs], xss_extra=[origin])


class Archive(Network[X, Y]):
    """A network of any models."""

    def results(self) -> list[tuple[X, Y]]:
        records = self.read_tasks(self.finished_tasks)
        return [(record.xs, record.ys) for record in records if record.ys is not None]


class SortedArchive(Archive[Params, Scores]):
    """The same, its models bound."""

    def best(self) -> Params:
        return min(self.results(), key=lambda result: result[1].y)[0]


MyXs = TypeVar("MyXs", bound=Xs)
MyYs = TypeVar("MyYs", bound=Ys)


class Renamed(Network[MyXs, MyYs]):
    """A network of any models, with type variables of its own."""

    def first(self) -> MyXs:
        return self.read_tasks(self.tasks[:1])[0].xs


class Evaluator(Worker[Params, Scores]):
    """A worker that knows how its tasks are evaluated."""

    def evaluate(self, task: Task[Params, Scores]) -> bool:
        return task.finish(Scores(y=task.xs.x**2))

    def work_off(self) -> int:
        return sum(self.evaluate(task) for task in self.queue(timeout=0.0))


def loop(worker: Worker[Params, Scores]) -> None:
    for task in worker.queue(timeout=0.2):
        task.finish(Scores(y=task.xs.x**2))


def count(tasks: Tasks[X, Y]) -> int:
    return tasks.n_tasks


def records_of(tasks: Tasks[X, Y], keys: Sequence[str]) -> list[TaskRecord[X, Y]]:
    return tasks.read_tasks(keys)


def use(redis: str) -> None:
    with Study("study", redis=redis) as study:
        assert_type(study, Study)
        assert_type(study.ask(1, 2), list[str])
        study.start_local_workers(loop)
        assert_type(study.best(), Params | None)
    assert_type(records_of(study, study.tasks), list[TaskRecord[Params, Scores]])
    assert_type(Batches("batches", redis=redis, batch=1).ask(1.0), list[str])
    archive = Archive[Params, Scores]("study", redis=redis)
    assert_type(archive, Archive[Params, Scores])
    assert_type(archive.results(), list[tuple[Params, Scores]])
    assert_type(SortedArchive("study").best(), Params)
    assert_type(Renamed[Params, Scores]("study").first(), Params)
    evaluator = Evaluator("study", redis=redis)
    assert_type(evaluator.work_off(), int)
    assert_type(count(evaluator) + count(study) + count(archive), int)
    as_network: Network[Params, Scores, AnyExtra, AnyExtra] = study
    assert_type(as_network.n_tasks, int)
