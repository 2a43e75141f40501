"""Loops that a network cannot start, each on its own line."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

from rushtyped import Extra, Network, Task, Worker, WorkerLoop, X, Xs, Y, Ys


class Params(Xs):
    x: float


class Scores(Ys):
    y: float


class OtherParams(Xs):
    z: float


class OtherScores(Ys):
    w: float


class Origin(Extra):
    batch: int


def loop(worker: Worker[Params, Scores]) -> None: ...


def with_options(worker: Worker[Params, Scores], *, sigma: float, n: int = 1) -> None: ...


def with_positions(worker: Worker[Params, Scores], sigma: float) -> None: ...


def of_other_params(worker: Worker[OtherParams, Scores], *, sigma: float = 1.0) -> None: ...


def of_other_scores(worker: Worker[Params, OtherScores], *, sigma: float = 1.0) -> None: ...


def with_origin(worker: Worker[Params, Scores, Origin]) -> None: ...


def of_a_network(network: Network[Params, Scores]) -> None: ...


def of_a_task(task: Task[Params, Scores]) -> None: ...


def of_nothing() -> None: ...


def proposed_by(worker: Worker[X, Y], *, propose: Callable[[], X]) -> None: ...


def propose_other() -> OtherParams:
    return OtherParams(z=1)


class Search:
    def run(self, worker: Worker[OtherParams, Scores]) -> None: ...
    def __call__(self, worker: Worker[OtherParams, Scores]) -> None: ...


class Evaluator(Worker[Params, Scores]):
    def evaluate(self) -> None: ...


def of_a_subclass(worker: Evaluator) -> None: ...


def functions(network: Network[Params, Scores], on: Executor) -> None:
    network.start_local_workers(of_other_params)  # error: arg-type | reportArgumentType
    network.start_workers(of_other_params, executor=on)  # error: arg-type | reportArgumentType
    network.worker_script(of_other_params)  # error: arg-type | reportArgumentType
    network.start_local_workers(of_other_scores)  # error: arg-type | reportArgumentType
    network.start_local_workers(with_origin)  # error: arg-type | reportArgumentType
    network.start_local_workers(of_a_network)  # error: arg-type | reportArgumentType
    network.start_local_workers(of_a_task)  # error: arg-type | reportArgumentType
    network.start_local_workers(of_nothing)  # error: arg-type | reportArgumentType
    network.start_local_workers(with_options)  # error: arg-type | reportArgumentType
    network.worker_script(with_positions)  # error: arg-type | reportArgumentType
    network.start_local_workers(of_a_subclass)  # error: arg-type | reportArgumentType
    network.start_local_workers("loop")  # error: arg-type | reportArgumentType
    network.start_local_workers(None)  # error: arg-type | reportArgumentType
    network.start_local_workers()  # error: call-arg | reportCallIssue


def methods(network: Network[Params, Scores], search: Search) -> None:
    network.start_local_workers(search.run)  # error: arg-type | reportArgumentType
    network.start_local_workers(search)  # error: arg-type | reportArgumentType
    network.start_local_workers(Search.run)  # error: arg-type | reportArgumentType
    network.start_local_workers(lambda: None)  # error: arg-type | reportArgumentType


def partials(network: Network[Params, Scores], on: Executor, search: Search) -> None:
    network.start_local_workers(partial(of_other_params))  # error: arg-type | reportArgumentType
    other = partial(of_other_params, sigma=0.5)
    network.start_local_workers(other)  # error: arg-type | reportArgumentType
    network.start_workers(other, executor=on)  # error: arg-type | reportArgumentType
    network.worker_script(other)  # error: arg-type | reportArgumentType
    scores = partial(of_other_scores, sigma=0.5)
    network.start_local_workers(scores)  # error: arg-type | reportArgumentType
    network.start_local_workers(partial(with_origin))  # error: arg-type | reportArgumentType
    network.start_local_workers(partial(with_options))  # error: arg-type | reportArgumentType
    network.start_local_workers(partial(with_options, n=2))  # error: arg-type | reportArgumentType
    partial(with_options, sigma="wide")  # error: arg-type | reportArgumentType
    partial(with_options, sigm=0.5)  # error: call-arg | reportCallIssue
    partial(with_positions, 0.5)  # error: arg-type | reportArgumentType
    network.start_local_workers(partial(search.run))  # error: arg-type | reportArgumentType
    network.start_local_workers(partial(search))  # error: arg-type | reportArgumentType
    asked = partial(proposed_by, propose=propose_other)
    network.start_local_workers(asked)  # error: arg-type | reportArgumentType


def options(network: Network[Params, Scores], on: Executor) -> None:
    network.start_local_workers(loop, 2)  # error: call-arg | reportCallIssue
    network.start_local_workers(loop, workers=2)  # error: call-arg | reportCallIssue
    network.start_local_workers(loop, n_workers=2.5)  # error: arg-type | reportArgumentType
    network.start_local_workers(loop, imports=[loop])  # error: list-item | reportArgumentType
    network.start_local_workers(loop, executor=on)  # error: call-arg | reportCallIssue
    network.start_local_workers(loop, sigma=0.5)  # error: call-arg | reportCallIssue
    network.start_local_workers(loop, heartbeat_period="1s")  # error: arg-type | reportArgumentType
    network.start_local_workers(loop, message_log=True)  # error: arg-type | reportArgumentType
    network.start_workers(loop, executor="dask")  # error: arg-type | reportArgumentType
    network.start_workers(loop, executor=Executor)  # error: arg-type | reportArgumentType
    network.worker_script(loop, n_workers=2)  # error: call-arg | reportCallIssue
    network.worker_script(loop, credentials="no")  # error: arg-type | reportArgumentType


def generic(network: Network[X, Y], other: Network[Params, Scores, Origin]) -> None:
    network.start_local_workers(loop)  # error: arg-type | reportArgumentType
    other.start_local_workers(loop)  # error: arg-type | reportArgumentType


def passed_on(network: Network[X, Y], loop: WorkerLoop[X, Y]) -> None:
    network.start_local_workers(loop)


def passes_on(network: Network[Params, Scores]) -> None:
    passed_on(network, of_other_params)  # error: misc | reportArgumentType
    passed_on(network, partial(of_other_params, sigma=0.5))  # error: misc | reportArgumentType
