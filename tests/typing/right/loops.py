"""All that may be started as a worker loop."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Never

from rushtyped import XE, YE, AnyExtra, Extra, Network, Worker, WorkerLoop, X, Xs, Y, Ys


class Params(Xs):
    x: float


class Scores(Ys):
    y: float


class Origin(Extra):
    batch: int


def plain(worker: Worker[Params, Scores]) -> None:
    for task in worker.queue():
        task.finish(Scores(y=task.xs.x))


def under_another_name(w: Worker[Params, Scores]) -> None:
    plain(w)


def that_returns(worker: Worker[Params, Scores]) -> list[str]:
    return worker.tasks


def that_never_returns(worker: Worker[Params, Scores], *, n: int = 1) -> Never:
    raise RuntimeError(worker.worker_id * n)


async def asynchronous(worker: Worker[Params, Scores]) -> None:
    plain(worker)


def with_options(worker: Worker[Params, Scores], *, sigma: float, n: int = 2) -> int:
    return int(sigma) + n


def with_positions(worker: Worker[Params, Scores], sigma: float, n: int = 2) -> None:
    with_options(worker, sigma=sigma, n=n)


def with_any_options(worker: Worker[Params, Scores], **options: float) -> None:
    with_options(worker, sigma=options["sigma"])


def with_origin(worker: Worker[Params, Scores, Origin]) -> None:
    for task in worker.queue():
        task.finish(Scores(y=task.xs.x))


def of_any_models(worker: Worker[X, Y], *, attempts: int = 1) -> None:
    for task in worker.queue():
        if task.attempt > attempts:
            task.fail("no use")


def of_any_extras(worker: Worker[X, Y, XE, YE]) -> None:
    worker.fail_tasks(worker.running_tasks)


def proposed_by(worker: Worker[X, Y], *, propose: Callable[[], X]) -> None:
    worker.push_tasks([propose()])


def propose_params() -> Params:
    return Params(x=1)


class Search:
    """A loop that brings what it needs."""

    def __call__(self, worker: Worker[Params, Scores]) -> None:
        self.run(worker)

    def run(self, worker: Worker[Params, Scores], *, sigma: float = 1.0) -> None:
        with_options(worker, sigma=sigma)

    @classmethod
    def run_class(cls, worker: Worker[Params, Scores]) -> None:
        cls()(worker)

    @staticmethod
    def run_static(worker: Worker[Params, Scores]) -> None:
        plain(worker)


class Once:
    """A class that does all its work when it is made."""

    def __init__(self, worker: Worker[Params, Scores]) -> None:
        self.keys = worker.tasks


def functions(network: Network[Params, Scores], executor: Executor) -> None:
    network.start_local_workers(plain)
    network.start_workers(plain, executor=executor)
    network.worker_script(plain)
    network.start_local_workers(under_another_name)
    network.start_local_workers(that_returns)
    network.start_local_workers(that_never_returns)
    network.start_local_workers(asynchronous)
    network.start_local_workers(with_any_options)

    def nested(worker: Worker[Params, Scores]) -> None:
        with_options(worker, sigma=float(network.n_tasks))

    network.start_local_workers(nested)


def lambdas(network: Network[Params, Scores], executor: Executor) -> None:
    network.start_local_workers(lambda worker: worker.n_tasks)
    network.start_workers(lambda w: with_options(w, sigma=1.0), executor=executor)
    network.worker_script(lambda worker, sigma=1.0: with_options(worker, sigma=sigma))


def methods(network: Network[Params, Scores], search: Search) -> None:
    network.start_local_workers(search.run)
    network.start_local_workers(search.__call__)
    network.start_local_workers(Search.run_class)
    network.start_local_workers(Search.run_static)
    network.start_local_workers(Once)


def partials(network: Network[Params, Scores], executor: Executor, search: Search) -> None:
    network.start_local_workers(partial(with_options, sigma=0.5))
    network.start_workers(partial(with_options, sigma=1, n=3), executor=executor)
    network.worker_script(partial(with_positions, sigma=0.5))
    network.start_local_workers(partial(with_any_options, sigma=0.5))
    network.start_local_workers(partial(plain))
    network.start_local_workers(partial(under_another_name))
    network.start_local_workers(partial(that_never_returns, n=2))
    network.start_local_workers(partial(partial(with_options, sigma=0.5), n=3))
    network.start_local_workers(partial(search.run, sigma=0.5))
    network.start_local_workers(partial(search))
    loop = partial(with_options, sigma=0.5)
    network.start_local_workers(loop)
    for each in (partial(with_options, sigma=0.5), partial(with_options, sigma=1.0)):
        network.start_local_workers(each)
    for each in [partial(with_options, sigma=sigma) for sigma in (0.5, 1.0)]:
        network.start_local_workers(each)


def generic_loops(
    network: Network[Params, Scores], declared: Network[Params, Scores, Origin]
) -> None:
    network.start_local_workers(of_any_models)
    network.start_local_workers(partial(of_any_models, attempts=2))
    network.start_local_workers(of_any_extras)
    network.start_local_workers(partial(proposed_by, propose=propose_params))
    declared.start_local_workers(with_origin)
    declared.start_local_workers(of_any_extras)
    declared.start_local_workers(partial(with_origin))


def chosen(
    network: Network[Params, Scores], loop: Callable[[Worker[Params, Scores]], None]
) -> None:
    network.start_local_workers(loop)
    network.start_local_workers(partial(loop))
    declared: Callable[[Worker[Params, Scores]], object] = partial(with_options, sigma=0.5)
    network.start_local_workers(declared)
    loops: dict[str, Callable[[Worker[Params, Scores]], object]] = {
        "plain": plain,
        "options": partial(with_options, sigma=0.5),
        "search": Search(),
    }
    for each in loops.values():
        network.start_local_workers(each)
    network.start_local_workers(plain if network.n_tasks else partial(with_options, sigma=0.5))


def passed_on(network: Network[X, Y], loop: Callable[[Worker[X, Y]], object]) -> None:
    network.start_local_workers(loop)
    network.start_local_workers(of_any_models)


def passed_on_with_extras(
    network: Network[X, Y, XE, YE], loop: Callable[[Worker[X, Y, XE, YE]], object]
) -> list[str]:
    return network.start_local_workers(loop)


def passed_on_as_loop(
    network: Network[X, Y, XE, YE], loop: WorkerLoop[X, Y, XE, YE], n: int = 1
) -> list[str]:
    return network.start_local_workers(loop, n_workers=n)


def passes_on(network: Network[Params, Scores], declared: Network[Params, Scores, Origin]) -> None:
    passed_on(network, plain)
    passed_on(network, partial(with_options, sigma=0.5))
    passed_on_with_extras(network, of_any_models)
    passed_on_with_extras(declared, with_origin)
    passed_on_as_loop(network, plain)
    passed_on_as_loop(network, partial(with_options, sigma=0.5))
    passed_on_as_loop(declared, with_origin)


def by_default(network: Network[Params, Scores, AnyExtra, AnyExtra]) -> None:
    network.start_local_workers(plain)
