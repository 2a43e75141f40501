"""Extras that are declared by models."""

from __future__ import annotations

from typing import assert_type

from rushtyped import AnyExtra, Extra, Network, Task, TaskRecord, Worker, Xs, Ys


class Params(Xs):
    x: float


class Scores(Ys):
    y: float


class Origin(Extra):
    batch: int
    proposer: str | None = None


class Timing(Extra):
    seconds: float


BothNetwork = Network[Params, Scores, Origin, Timing]
BothWorker = Worker[Params, Scores, Origin, Timing]


def evaluate(task: Task[Params, Scores, Origin, Timing]) -> int:
    task.finish(Scores(y=task.xs.x), ys_extra=Timing(seconds=0.5))
    return task.xs_extra.batch if task.xs_extra is not None else 0


def loop(worker: BothWorker) -> None:
    for task in worker.queue(timeout=0.2):
        assert_type(task, Task[Params, Scores, Origin, Timing])
        evaluate(task)


def propose(worker: BothWorker) -> None:
    keys = worker.push_running_tasks([Params(x=1)], xss_extra=[Origin(batch=1)])
    worker.finish_tasks(keys, [Scores(y=1)], yss_extra=[Timing(seconds=1)])
    with worker.running_task(Params(x=1), xs_extra=Origin(batch=1)) as task:
        assert_type(task.xs_extra, Origin | None)
        evaluate(task)


def use(redis: str) -> tuple[Origin | None, Timing | None]:
    network = BothNetwork("study", redis=redis)
    keys = network.push_tasks([Params(x=1)], xss_extra=[Origin(batch=1, proposer="grid")])
    network.push_tasks([Params(x=1)], xss_extra=[{"batch": 2}])
    network.start_local_workers(loop)
    record = network.read_tasks(keys)[0]
    assert_type(record, TaskRecord[Params, Scores, Origin, Timing])
    return record.xs_extra, record.ys_extra


def only_of_xs(network: Network[Params, Scores, Origin]) -> None:
    record = network.read_tasks(network.tasks)[0]
    assert_type(record.xs_extra, Origin | None)
    assert_type(record.ys_extra, AnyExtra | None)


def only_of_ys(network: Network[Params, Scores, AnyExtra, Timing]) -> None:
    network.push_finished_tasks([Params(x=1)], [Scores(y=1)], yss_extra=[Timing(seconds=1)])
    assert_type(network.read_tasks(network.tasks)[0].ys_extra, Timing | None)
