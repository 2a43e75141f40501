"""Wrong uses of tasks, of their records and of their models, each on its own line."""

from __future__ import annotations

from rushtyped import Condition, Network, Task, TaskRecord, Tasks, TaskState, Worker, Xs, Ys


class Params(Xs):
    x: float


class Scores(Ys):
    y: float


class OtherParams(Xs):
    z: float


class OtherScores(Ys):
    w: float


def evaluate(xs: Params) -> Scores:
    return Scores(y=xs.x)


def analyse(network: Network[Params, Scores]) -> None: ...


def watch(tasks: Tasks[Params, Scores]) -> None: ...


def run(worker: Worker[Params, Scores]) -> None: ...


def settle(task: Task[Params, Scores]) -> None: ...


def models() -> None:
    Params()  # error: call-arg | reportCallIssue
    Params(1.0)  # error: call-arg | reportCallIssue
    Params(x=None)  # error: arg-type | reportArgumentType
    Params(x=1, z=2)  # error: call-arg | reportCallIssue
    Scores(y=[1.0])  # error: arg-type | reportArgumentType
    xs = Params(x=1)
    xs.x = 2.0  # error: misc | reportAttributeAccessIssue
    xs.z = 2.0  # error: attr-defined | reportAttributeAccessIssue
    evaluate(Scores(y=1))  # error: arg-type | reportArgumentType


def of_another_network(
    network: Network[OtherParams, Scores],
    worker: Worker[Params, OtherScores],
    task: Task[OtherParams, OtherScores],
) -> None:
    analyse(network)  # error: arg-type | reportArgumentType
    watch(network)  # error: arg-type | reportArgumentType
    watch(worker)  # error: arg-type | reportArgumentType
    run(worker)  # error: arg-type | reportArgumentType
    settle(task)  # error: arg-type | reportArgumentType
    evaluate(task.xs)  # error: arg-type | reportArgumentType
    analyse(worker)  # error: arg-type | reportArgumentType
    same: Network[Params, Scores] = network  # error: assignment | reportAssignmentType
    print(same)


def held(task: Task[Params, Scores], worker: Worker[Params, Scores]) -> None:
    print(task.xs.z)  # error: attr-defined | reportAttributeAccessIssue
    print(task.ys)  # error: attr-defined | reportAttributeAccessIssue
    print(task.state)  # error: attr-defined | reportAttributeAccessIssue
    task.xs = Params(x=2)  # error: misc | reportAttributeAccessIssue
    task.key = "other"  # error: misc | reportAttributeAccessIssue
    task.finish(OtherScores(w=1))  # error: arg-type | reportArgumentType
    task.finish({"y": 1.0})  # error: arg-type | reportArgumentType
    task.finish()  # error: call-arg | reportCallIssue
    task.finish(Scores(y=1), Scores(y=2))  # error: arg-type,call-arg | reportCallIssue
    task.fail()  # error: call-arg | reportCallIssue
    task.fail(404)  # error: arg-type | reportArgumentType
    task.fail(ValueError)  # error: arg-type | reportArgumentType
    worker.pop_task().finish(Scores(y=1))  # error: union-attr | reportOptionalMemberAccess
    for (
        popped
    ) in worker.pop_task():  # error: union-attr | reportGeneralTypeIssues,reportOptionalIterable
        print(popped)
    worker.running_task([Params(x=1)])  # error: arg-type | reportArgumentType
    with worker.pop_task() as perhaps:  # error: union-attr | reportOptionalContextManager
        print(perhaps)


def stored(record: TaskRecord[Params, Scores], records: list[TaskRecord[Params, Scores]]) -> None:
    print(record.xs.z)  # error: attr-defined | reportAttributeAccessIssue
    print(record.ys.y)  # error: union-attr | reportOptionalMemberAccess
    print(record.y)  # error: attr-defined | reportAttributeAccessIssue
    print(record["xs"])  # error: index | reportIndexIssue
    print(record.condition.message)  # error: union-attr | reportOptionalMemberAccess
    print(record.finished_at - record.created_at)  # error: operator | reportOptionalOperand
    print(records.xs)  # error: attr-defined | reportAttributeAccessIssue
    record.ys = Scores(y=1)  # error: misc | reportAttributeAccessIssue
    record.state = TaskState.FINISHED  # error: misc | reportAttributeAccessIssue
    print(record.state == TaskState.DONE)  # error: attr-defined | reportAttributeAccessIssue
    TaskRecord(key="a", xs=Params(x=1))  # error: call-arg | reportCallIssue
    record.finish(Scores(y=1))  # error: attr-defined | reportAttributeAccessIssue


def explained(condition: Condition) -> None:
    Condition("no")  # error: call-arg | reportCallIssue
    Condition(type="No")  # error: call-arg | reportCallIssue
    Condition(type="No", message=None)  # error: arg-type | reportArgumentType
    Condition(type="No", message="no", code=1)  # error: call-arg | reportCallIssue
    Condition.from_exception("no")  # error: arg-type | reportArgumentType
    condition.message = "yes"  # error: misc | reportAttributeAccessIssue
    print(condition.traceback.splitlines())  # error: union-attr | reportOptionalMemberAccess
