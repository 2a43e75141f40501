"""Loops that one checker sees more of than the other: a `-` stands for the one that is content."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rushtyped import Network, Worker, Xs, Ys


class Params(Xs):
    x: float


class Scores(Ys):
    y: float


class OtherParams(Xs):
    z: float


def of_others(worker: Worker[OtherParams, Scores], *, sigma: float = 1.0) -> None:
    print(worker.worker_id, sigma)


class Search:
    def __call__(self, worker: Worker[Params, Scores]) -> None:
        print(worker.worker_id)


def bound(sigma: float) -> partial[None]:
    return partial(of_others, sigma=sigma)


def starts(network: Network[Params, Scores]) -> None:
    network.start_local_workers(Search())  # error: arg-type | -
    network.start_local_workers(bound(0.5))  # error: arg-type | -
    network.start_local_workers(lambda worker: worker.key)  # error: - | reportAttributeAccessIssue
    twice = partial(partial(of_others, sigma=0.5))
    network.start_local_workers(twice)  # error: - | reportArgumentType
    loops: list[Callable[[Worker[Params, Scores]], None]] = []
    loops.append(partial(of_others, sigma=0.5))  # error: - | reportArgumentType
    network.start_local_workers(loops[0])
