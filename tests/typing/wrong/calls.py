"""Wrong calls of a network and of a worker, each on its own line."""

from __future__ import annotations

from rushtyped import Extra, Network, Worker, Xs, Ys


class Params(Xs):
    x: float


class Scores(Ys):
    y: float


class OtherScores(Ys):
    w: float


class Study(Network[Params, Scores]):
    def ask(self, x: float) -> list[str]:
        return self.push_tasks([Params(x=x)])


def makes() -> None:
    Network("study", Params, Scores)  # error: arg-type,call-arg | reportCallIssue
    Network[Params]("study")  # error: misc | reportInvalidTypeArguments
    Network[Params, Scores](max_seconds="1h")  # error: arg-type | reportArgumentType
    Network[Params, Scores](retry_timeout=None)  # error: arg-type | reportArgumentType
    Network[Params, Scores](url="redis://host")  # error: call-arg | reportCallIssue
    Worker[Params, Scores]()  # error: call-arg | reportCallIssue
    Worker[Params, Scores]("study", "a")  # error: call-arg | reportCallIssue
    Worker[Params, Scores]("study", worker_id=1)  # error: arg-type | reportArgumentType
    Worker[Params, Scores]("study", max_tasks=1)  # error: call-arg | reportCallIssue
    Worker[Params, Scores]("study", heartbeat_period="1s")  # error: arg-type | reportArgumentType
    Study[Params, Scores]("study")  # error: misc | reportInvalidTypeArguments


def opens(opened: Network[Xs, Ys, Extra, Extra]) -> None:
    Network.open()  # error: call-arg | reportCallIssue
    Network.open("study", max_tasks=1)  # error: call-arg | reportCallIssue
    Network.open("study", "redis://host")  # error: call-arg | reportCallIssue
    typed: Study = Network.open("study")  # error: assignment | reportAssignmentType
    print(typed)
    for record in opened.read_tasks(opened.tasks):
        print(record.xs.x)  # error: attr-defined | reportAttributeAccessIssue
        if record.ys is not None:
            print(record.ys.y)  # error: attr-defined | reportAttributeAccessIssue


def pushes(network: Network[Params, Scores], study: Study) -> None:
    xss = [Params(x=1)]
    yss = [Scores(y=1)]
    results = list(zip(xss, yss, strict=True))
    network.push_tasks()  # error: call-arg | reportCallIssue
    network.push_tasks(x=1.0)  # error: call-arg | reportCallIssue
    network.push_tasks(Params)  # error: arg-type | reportArgumentType
    network.push_tasks([Params])  # error: list-item | reportArgumentType
    network.push_tasks(set(xss))  # error: arg-type | reportArgumentType
    network.push_finished_tasks(results)  # error: arg-type,call-arg | reportCallIssue
    network.push_finished_tasks(yss, xss)  # error: arg-type | reportArgumentType
    network.push_running_tasks([Params(x=1)])  # error: attr-defined | reportAttributeAccessIssue
    network.push_failed_tasks(xss, "no")  # error: call-arg,arg-type | reportCallIssue
    network.push_failed_tasks(xss, conditions={"a": 1})  # error: arg-type | reportArgumentType
    study.ask(Params(x=1))  # error: arg-type | reportArgumentType


def transitions(network: Network[Params, Scores], worker: Worker[Params, Scores]) -> None:
    network.fail_tasks([1])  # error: list-item | reportArgumentType
    network.retry_tasks()  # error: call-arg | reportCallIssue
    network.finish_tasks(["a"], [Scores(y=1)])  # error: attr-defined | reportAttributeAccessIssue
    network.empty_queue("a")  # error: call-arg | reportCallIssue
    network.wait_for_tasks(["a"], 10)  # error: call-arg | reportCallIssue
    network.wait_for_tasks(["a"], timeout="10")  # error: arg-type | reportArgumentType
    worker.finish_tasks(["a"], Scores(y=1))  # error: arg-type | reportArgumentType
    worker.finish_tasks(["a"])  # error: call-arg | reportCallIssue
    worker.finish_tasks(["a"], [OtherScores(w=1)])  # error: list-item | reportArgumentType
    worker.fail_tasks()  # error: call-arg | reportCallIssue
    worker.fail_tasks(["a"], conditions=[ValueError])  # error: list-item | reportArgumentType
    worker.pop_task(1.0)  # error: call-arg | reportCallIssue
    worker.pop_task(timeout=None)  # error: arg-type | reportArgumentType
    worker.queue(5)  # error: call-arg | reportCallIssue


def fetches(network: Network[Params, Scores]) -> None:
    network.fetch_tasks(fields=["y"])  # error: list-item | reportArgumentType
    network.fetch_tasks(field=["ys"])  # error: call-arg | reportCallIssue
    network.fetch_tasks(fields="ys")  # error: arg-type | reportArgumentType
    network.fetch_tasks_with_state(states=["done"])  # error: list-item | reportArgumentType
    network.fetch_tasks_with_state(["queued"])  # error: call-arg | reportCallIssue
    network.fetch_new_tasks(timeout="1")  # error: arg-type | reportArgumentType
    network.tasks_with_state("queued")  # error: arg-type | reportArgumentType
    network.fetch_finished_tasks().y  # error: attr-defined | reportAttributeAccessIssue
    network.is_running_task(1)  # error: arg-type | reportArgumentType
    network.read_hashes(["a"])  # error: call-arg | reportCallIssue
    network.write_hashes(note="a", weight=1.0)  # error: arg-type | reportArgumentType
    network.write_hashes(["a"], note=["a"])  # error: call-arg | reportCallIssue


def properties(network: Network[Params, Scores], worker: Worker[Params, Scores]) -> None:
    network.n_tasks = 0  # error: misc | reportAttributeAccessIssue
    network.tasks = []  # error: misc | reportAttributeAccessIssue
    network.connector = None  # error: misc,assignment | reportAttributeAccessIssue
    network.worker_info()  # error: operator | reportCallIssue
    network.n_tasks()  # error: operator | reportCallIssue
    worker.worker_id = "b"  # error: misc | reportAttributeAccessIssue
    worker.network_id = "b"  # error: misc | reportAttributeAccessIssue
    worker.wait_until_done()  # error: attr-defined | reportAttributeAccessIssue


def results(network: Network[Params, Scores], worker: Worker[Params, Scores]) -> None:
    len(network.wait_for_tasks(["a"]))  # error: arg-type,func-returns-value | reportArgumentType
    len(network.stop_workers())  # error: arg-type,func-returns-value | reportArgumentType
    list(network.print_log())  # error: call-overload,func-returns-value | reportArgumentType
    network.push_tasks(worker.stop())  # error: arg-type,func-returns-value | reportArgumentType


def stops(network: Network[Params, Scores]) -> None:
    network.stop_workers("stop")  # error: arg-type | reportArgumentType
    network.stop_workers("kill", ["a"])  # error: call-arg | reportCallIssue
    network.stop_workers(worker_ids=[1])  # error: list-item | reportArgumentType
    network.wait_for_workers("2")  # error: arg-type | reportArgumentType
    network.wait_for_workers(2, ["a"])  # error: call-arg | reportCallIssue
    network.wait_until_done(60)  # error: call-arg | reportCallIssue
    network.wait_until_done(progress="bar")  # error: arg-type | reportArgumentType
    network.detect_lost_workers(max_attempts=1.5)  # error: arg-type | reportArgumentType
    network.detect_lost_workers(True)  # error: call-arg | reportCallIssue
    network.verify(True)  # error: call-arg | reportCallIssue
    network.verify(repair="yes")  # error: arg-type | reportArgumentType
    network.verify().repaired()  # error: attr-defined | reportAttributeAccessIssue
    network.read_log(["a"])  # error: call-arg | reportCallIssue
    network.read_log(time_difference=1.0)  # error: arg-type | reportArgumentType
    network.print_log("INFO")  # error: call-arg | reportCallIssue
    network.reset(True)  # error: call-arg | reportCallIssue
    network.reset(worker=False)  # error: call-arg | reportCallIssue
    network.expire()  # error: call-arg | reportCallIssue
    network.expire("60")  # error: arg-type | reportArgumentType
    network.expire(60, workers=True)  # error: call-arg | reportCallIssue
