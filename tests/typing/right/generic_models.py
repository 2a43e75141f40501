"""Models that are generic themselves."""

from __future__ import annotations

from typing import Generic, TypeVar, assert_type

from rushtyped import Extra, Network, Task, TaskRecord, Worker, Xs, Ys

T = TypeVar("T")
U = TypeVar("U")


class Params(Xs):
    x: float


class Point(Xs, Generic[T]):
    at: T


class Scores(Ys, Generic[T]):
    y: T


class Pair(Ys, Generic[T, U]):
    first: T
    second: U


class Origin(Extra, Generic[T]):
    batch: T


PairNetwork = Network[Point[int], Pair[str, list[float]], Origin[str]]


def loop(worker: Worker[Params, Scores[float]]) -> None:
    for task in worker.queue(timeout=0.2):
        assert_type(task, Task[Params, Scores[float]])
        task.finish(Scores(y=task.xs.x))


def loop_of_pairs(worker: Worker[Point[int], Pair[str, list[float]], Origin[str]]) -> None:
    for task in worker.queue(timeout=0.2):
        assert_type(task.xs.at, int)
        assert_type(task.xs_extra, Origin[str] | None)
        task.finish(Pair(first=str(task.xs.at), second=[0.5]))


def use(redis: str) -> None:
    network = Network[Params, Scores[float]]("study", redis=redis)
    network.push_finished_tasks([Params(x=1)], [Scores(y=1.0)])
    network.start_local_workers(loop)
    assert_type(network.read_tasks(network.tasks), list[TaskRecord[Params, Scores[float]]])
    pairs = PairNetwork("pairs", redis=redis)
    pairs.push_tasks([Point(at=1)], xss_extra=[Origin(batch="a")])
    pairs.start_local_workers(loop_of_pairs)
    ys = pairs.read_tasks(pairs.tasks)[0].ys
    assert_type(ys, Pair[str, list[float]] | None)
    if ys is not None:
        assert_type(ys.second, list[float])
