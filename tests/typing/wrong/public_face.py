"""Uses of the public face that every type checker must reject, each on its own line."""

from __future__ import annotations

from functools import partial

from rushtyped import AnyExtra, Extra, Network, Task, Worker, Xs, Ys


class Params(Xs):
    x: float


class Scores(Ys):
    y: float


class OtherParams(Xs):
    z: float


class OtherScores(Ys):
    w: float


class NotAModel:
    x: float


def other_loop(worker: Worker[OtherParams, Scores]) -> None: ...


def loop_of_other_scores(worker: Worker[Params, OtherScores]) -> None: ...


def no_loop(worker: Worker[Params, Scores], sigma: float) -> None: ...


def with_option(worker: Worker[Params, Scores], *, sigma: float) -> None: ...


def make() -> None:
    Network[Scores, Params]("branin")  # error: type-var | reportInvalidTypeArguments
    Network[NotAModel, Scores]("branin")  # error: type-var | reportInvalidTypeArguments
    Network[Params, Scores](7)  # error: arg-type | reportArgumentType
    Network[Params, Scores](redis=7)  # error: arg-type | reportArgumentType
    Network[Params, Scores](max_task=7)  # error: call-arg | reportCallIssue
    Network[Params, Scores](max_tasks="7")  # error: arg-type | reportArgumentType
    Network[Params, Scores]("branin", "redis:")  # error: call-arg | reportCallIssue
    Params(x="one")  # error: arg-type | reportArgumentType
    Params(y=1)  # error: call-arg | reportCallIssue


def start(network: Network[Params, Scores]) -> None:
    network.start_local_workers(other_loop)  # error: arg-type | reportArgumentType
    network.start_local_workers(loop_of_other_scores)  # error: arg-type | reportArgumentType
    network.start_local_workers(no_loop)  # error: arg-type | reportArgumentType
    network.start_local_workers(with_option)  # error: arg-type | reportArgumentType
    loop = partial(with_option, sigma="wide")  # error: arg-type | reportArgumentType
    network.start_local_workers(loop, worker=2)  # error: call-arg | reportCallIssue
    network.start_local_workers(loop, 2)  # error: call-arg | reportCallIssue
    network.stop_workers(type="ask")  # error: arg-type | reportArgumentType
    network.network_id = "other"  # error: misc | reportAttributeAccessIssue


class Origin(Extra):
    batch: int


def extras(network: Network[Params, Scores, Origin]) -> None:
    xss = [Params(x=1)]
    network.push_tasks(xss, xss_extra=[AnyExtra()])  # error: list-item | reportArgumentType
    network.push_tasks(xss, xss_extra=[Params(x=1)])  # error: list-item | reportArgumentType
    Origin(batch="one")  # error: arg-type | reportArgumentType


def push_and_fetch(network: Network[Params, Scores]) -> None:
    network.push_tasks([OtherParams(z=1)])  # error: list-item | reportArgumentType
    network.push_tasks(Params(x=1))  # error: arg-type | reportArgumentType
    network.push_tasks([{"x": 1}])  # error: list-item | reportArgumentType
    xss = [Params(x=1)]
    network.push_finished_tasks(xss, [OtherScores(w=1)])  # error: list-item | reportArgumentType
    network.push_finished_tasks(xss)  # error: call-arg | reportCallIssue
    network.push_failed_tasks(xss, conditions=[3])  # error: list-item | reportArgumentType
    network.fail_tasks(["key"], conditions=3)  # error: arg-type | reportArgumentType
    network.fetch_tasks(fields=["zs"])  # error: list-item | reportArgumentType
    network.fetch_tasks(["xs"])  # error: call-arg | reportCallIssue
    network.tasks_with_state([1])  # error: list-item | reportArgumentType
    for record in network.read_tasks(["key"]):
        print(record.xs.z)  # error: attr-defined | reportAttributeAccessIssue
        print(record.ys.y)  # error: union-attr | reportOptionalMemberAccess


def evaluate(worker: Worker[Params, Scores], task: Task[Params, Scores]) -> None:
    task.finish(OtherScores(w=1))  # error: arg-type | reportArgumentType
    task.finish(1.0)  # error: arg-type | reportArgumentType
    print(task.xs.z)  # error: attr-defined | reportAttributeAccessIssue
    print(worker.pop_task().xs)  # error: union-attr | reportOptionalMemberAccess
    worker.finish_tasks(["key"], [OtherScores(w=1)])  # error: list-item | reportArgumentType
    worker.fail_tasks(["key"], conditions=[b"no"])  # error: list-item | reportArgumentType
    worker.running_task(OtherParams(z=1))  # error: arg-type | reportArgumentType
    worker.push_running_tasks([Scores(y=1)])  # error: list-item | reportArgumentType
    worker.terminated = True  # error: misc | reportAttributeAccessIssue
    worker.start_local_workers(other_loop)  # error: attr-defined | reportAttributeAccessIssue
