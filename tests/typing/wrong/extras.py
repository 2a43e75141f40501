"""Extras that do not fit what was declared, each on its own line."""

from __future__ import annotations

from rushtyped import AnyExtra, Extra, Network, Task, TaskRecord, Worker, Xs, Ys


class Params(Xs):
    x: float


class Scores(Ys):
    y: float


class Origin(Extra):
    batch: int


class Timing(Extra):
    seconds: float


Both = Network[Params, Scores, Origin, Timing]
XSS = [Params(x=1)]
YSS = [Scores(y=1)]


def makes() -> None:
    Network[Params, Scores, Params]()  # error: type-var | reportInvalidTypeArguments
    Network[Params, Scores, str]()  # error: type-var | reportInvalidTypeArguments
    Worker[Origin, Scores]("study")  # error: type-var | reportInvalidTypeArguments
    Network[Params, Scores, Origin, Timing, Origin]  # error: misc | reportInvalidTypeArguments
    Origin()  # error: call-arg | reportCallIssue
    Origin(batch="one")  # error: arg-type | reportArgumentType
    Origin(batch=1, proposer="grid")  # error: call-arg | reportCallIssue
    AnyExtra({"batch": 1})  # error: call-arg | reportCallIssue
    Origin(1)  # error: call-arg | reportCallIssue


def swapped(network: Both, worker: Worker[Params, Scores, Origin, Timing]) -> None:
    network.push_tasks(XSS, xss_extra=[Timing(seconds=1)])  # error: list-item | reportArgumentType
    network.push_tasks(XSS, xss_extra=Origin(batch=1))  # error: arg-type | reportArgumentType
    network.push_tasks(XSS, yss_extra=[Timing(seconds=1)])  # error: call-arg | reportCallIssue
    network.push_tasks(XSS, [Origin(batch=1)])  # error: call-arg | reportCallIssue
    timings = [Timing(seconds=1)]
    origins = [Origin(batch=1)]
    network.push_finished_tasks(XSS, YSS, xss_extra=timings)  # error: arg-type | reportArgumentType
    network.push_finished_tasks(XSS, YSS, yss_extra=origins)  # error: arg-type | reportArgumentType
    worker.push_running_tasks(XSS, xss_extra=timings)  # error: arg-type | reportArgumentType
    worker.finish_tasks(["key"], YSS, yss_extra=origins)  # error: arg-type | reportArgumentType
    worker.running_task(XSS[0], xs_extra=timings[0])  # error: arg-type | reportArgumentType
    worker.running_task(XSS[0], xss_extra=origins)  # error: call-arg | reportCallIssue


def of_another_network(network: Both, undeclared: Network[Params, Scores]) -> None:
    network.push_tasks(XSS, xss_extra=[AnyExtra()])  # error: list-item | reportArgumentType
    undeclared.push_tasks(XSS, xss_extra=[Origin(batch=1)])  # error: list-item | reportArgumentType
    undeclared.push_tasks(XSS, xss_extra=[{1: "batch"}])  # error: dict-item | reportArgumentType


def read(record: TaskRecord[Params, Scores, Origin, Timing]) -> None:
    print(record.xs_extra.batch)  # error: union-attr | reportOptionalMemberAccess
    if record.xs_extra is not None and record.ys_extra is not None:
        print(record.xs_extra.seconds)  # error: attr-defined | reportAttributeAccessIssue
        print(record.ys_extra.batch)  # error: attr-defined | reportAttributeAccessIssue
        record.xs_extra.batch = 2  # error: misc | reportAttributeAccessIssue
    print(record.extra)  # error: attr-defined | reportAttributeAccessIssue


def finish(task: Task[Params, Scores, Origin, Timing]) -> None:
    task.finish(YSS[0], ys_extra=Origin(batch=1))  # error: arg-type | reportArgumentType
    task.finish(YSS[0], Timing(seconds=1))  # error: call-arg | reportCallIssue
    task.finish(YSS[0], ys_extra=[Timing(seconds=1)])  # error: arg-type | reportArgumentType
    print(task.xs_extra.batch)  # error: union-attr | reportOptionalMemberAccess
    print(task.ys_extra)  # error: attr-defined | reportAttributeAccessIssue
