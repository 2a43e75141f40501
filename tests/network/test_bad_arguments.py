"""What a network is made with, and what it is to run: refused by name, with nothing written."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rushtyped import (
    InvalidArgumentError,
    InvalidNetworkIdError,
    InvalidTaskError,
    InvalidTypeError,
    Network,
    RushTypedError,
    Worker,
    Xs,
)
from tests.contents import contents_of
from tests.models import ParamNetwork, Params, ParamWorker, Scores, search


class Counted(Xs):
    n: int


@pytest.mark.parametrize(
    "network_id", ["", "a b", "a{b}", "a:b", "ü", "a" * 129, "a\n", 7, b"a", ["a"]]
)
def test_an_illegal_network_id_is_refused(redis_url: str, network_id: Any) -> None:
    with pytest.raises(InvalidNetworkIdError) as caught:
        Network[Params, Scores](network_id, redis=redis_url)
    assert repr(network_id) in str(caught.value)
    assert "1 to 128 of A-Z a-z 0-9 . _ -" in str(caught.value)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("worker_id", ["", "a b", "a:b", 7])
def test_an_illegal_worker_id_is_refused(
    network: ParamNetwork, redis_url: str, worker_id: Any
) -> None:
    with pytest.raises(InvalidArgumentError, match="worker_id must be"):
        Worker[Params, Scores](network.network_id, redis=redis_url, worker_id=worker_id)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "budget",
    [
        {"max_tasks": 0},
        {"max_tasks": -1},
        {"max_tasks": 1.5},
        {"max_tasks": True},
        {"max_tasks": "9"},
        {"max_seconds": -1},
        {"max_seconds": float("nan")},
        {"max_seconds": "9"},
        {"retry_timeout": -1},
        {"retry_timeout": "9"},
    ],
)
def test_a_wrong_budget_is_refused(
    network: ParamNetwork, redis_url: str, budget: dict[str, Any]
) -> None:
    ((name, value),) = budget.items()
    with pytest.raises((InvalidArgumentError, InvalidTypeError), match=f"{name} must be") as caught:
        Network[Params, Scores](network.network_id, redis=redis_url, **budget)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("n", [2**63, -(2**63) - 1, 2**70])
def test_an_integer_over_64_bits_is_refused(redis_url: str, network_id: str, n: int) -> None:
    network = Network[Counted, Scores](network_id, redis=redis_url)
    before = contents_of(network)
    with pytest.raises(InvalidTaskError, match=f"n.*{n}"):
        network.push_tasks([Counted(n=1), Counted(n=n)])
    assert contents_of(network) == before


@pytest.mark.parametrize("n", [2**63 - 1, -(2**63)])
def test_the_largest_integers_are_kept(redis_url: str, network_id: str, n: int) -> None:
    network = Network[Counted, Scores](network_id, redis=redis_url)
    keys = network.push_tasks([Counted(n=n)])
    assert network.read_tasks(keys)[0].xs.n == n
    assert network.fetch_tasks()["n"].to_list() == [n]


def needs_more(worker: ParamWorker, sigma: float) -> None: ...


def takes_nothing() -> None: ...


class OtherParams(Xs):
    z: float


def for_others(worker: Worker[OtherParams, Scores]) -> None: ...


def unpicklable() -> Callable[[ParamWorker], object]:
    lock = threading.Lock()
    return lambda _worker: lock.acquire()


LOOPS: dict[str, tuple[Any, type[RushTypedError], str]] = {
    "not callable": (7, InvalidTypeError, r"worker_loop must be callable .* is 7 \(int\)"),
    "None": (None, InvalidTypeError, "worker_loop must be callable"),
    "needs more": (needs_more, InvalidTypeError, "needs sigma: bind others with functools.partial"),
    "takes nothing": (takes_nothing, InvalidTypeError, "must take the Worker"),
    "for other models": (
        for_others,
        InvalidTypeError,
        r"takes a Worker\[OtherParams, Scores\] but this network has the models Params, Scores",
    ),
    "unpicklable": (unpicklable(), InvalidArgumentError, "cannot be sent to another process.*lock"),
}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_that_cannot_run_is_refused(network: ParamNetwork, name: str) -> None:
    loop, error, message = LOOPS[name]
    with pytest.raises(error, match=message):
        network.start_local_workers(loop, n_workers=1)


@pytest.mark.usefixtures("untouched")
def test_a_log_directory_that_is_a_file_is_refused(network: ParamNetwork, tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text("")
    with pytest.raises(InvalidArgumentError, match="message_log"):
        network.start_local_workers(search, n_workers=1, message_log=file)
