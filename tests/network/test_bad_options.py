"""Options that are misspelt or out of range: refused by name, with nothing written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rushtyped import (
    InvalidArgumentError,
    InvalidTypeError,
    RushTypedError,
)
from tests.models import ParamNetwork, ParamWorker, search

Call = Callable[[Any, Any], object]  # of a network and a worker, whose types these calls violate
Case = tuple[Call, type[RushTypedError], str]

WRONG_OPTIONS: dict[str, Case] = {
    "a misspelt state": (
        lambda n, _: n.tasks_with_state(["queud"]),
        InvalidArgumentError,
        "states holds 'queud': each must be one of failed, finished, queued, running",
    ),
    "a single state": (
        lambda n, _: n.tasks_with_state("queued"),
        InvalidTypeError,
        "states must",
    ),
    "a misspelt field": (
        lambda n, _: n.fetch_tasks(fields=["xs", "extra"]),
        InvalidArgumentError,
        "fields holds 'extra': each must be one of condition, times, worker_id, xs",
    ),
    "a single field": (
        lambda n, _: n.fetch_tasks(fields="xs"),
        InvalidTypeError,
        "fields must be",
    ),
    "a misspelt stop": (
        lambda n, _: n.stop_workers("stop"),
        InvalidArgumentError,
        "type holds 'stop': each must be one of kill, terminate",
    ),
    "a single worker id": (
        lambda n, _: n.stop_workers(worker_ids="abc"),
        InvalidTypeError,
        "worker_ids must be a list",
    ),
    "a single worker id to wait for": (
        lambda n, _: n.wait_for_workers(worker_ids="abc", timeout=0),
        InvalidTypeError,
        "worker_ids must be a list",
    ),
    "a worker id of other signs": (
        lambda n, _: n.stop_workers(worker_ids=["a b"]),
        InvalidArgumentError,
        "worker_id must be .* but is 'a b'",
    ),
    "neither n nor ids": (
        lambda n, _: n.wait_for_workers(),
        InvalidArgumentError,
        "n, worker_ids",
    ),
    "a negative number of workers": (
        lambda n, _: n.wait_for_workers(-1),
        InvalidArgumentError,
        "-1",
    ),
    "no workers to start": (
        lambda n, _: n.start_local_workers(search, n_workers=0),
        InvalidArgumentError,
        "n_workers must be at least 1 but is 0",
    ),
    "a fraction of workers": (
        lambda n, _: n.start_local_workers(search, n_workers=1.5),
        InvalidTypeError,
        r"n_workers must be a whole number but is 1.5 \(float\)",
    ),
    "a single module to import": (
        lambda n, _: n.start_local_workers(search, n_workers=1, imports="math"),
        InvalidTypeError,
        "imports must be a list",
    ),
}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("case", WRONG_OPTIONS)
def test_wrong_options_are_refused(network: ParamNetwork, worker: ParamWorker, case: str) -> None:
    call, error, message = WRONG_OPTIONS[case]
    with pytest.raises(error, match=message):
        call(network, worker)


TIMED: dict[str, Callable[[Any, Any, Any], object]] = {
    "pop_task": lambda _, w, seconds: w.pop_task(timeout=seconds),
    "queue": lambda _, w, seconds: list(w.queue(timeout=seconds)),
    "fetch_new_tasks": lambda n, _, seconds: n.fetch_new_tasks(timeout=seconds),
    "wait_for_tasks": lambda n, _, seconds: n.wait_for_tasks(n.tasks, timeout=seconds),
    "wait_for_workers": lambda n, _, seconds: n.wait_for_workers(1, timeout=seconds),
    "wait_until_done": lambda n, _, seconds: n.wait_until_done(timeout=seconds),
}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize("seconds", [-1, -0.5, float("nan"), True, "1", [1]])
def test_wrong_timeouts_are_refused(
    network: ParamNetwork, worker: ParamWorker, name: str, seconds: object
) -> None:
    with pytest.raises((InvalidArgumentError, InvalidTypeError)) as caught:
        TIMED[name](network, worker, seconds)
    assert "timeout must be" in str(caught.value)
    assert repr(seconds) in str(caught.value)
