"""Wrong use of a network: a named error that says what to do, and nothing written."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from rushtyped import (
    ColumnCollisionError,
    InvalidArgumentError,
    InvalidTaskError,
    InvalidTypeError,
    LengthMismatchError,
    Network,
    RushTypedError,
    UnknownTaskError,
)
from tests.models import ParamNetwork, Params, ParamWorker, Scores, points

KEY = "0" * 24  # of no task
POINT = Params(x1=1.0, x2=2.0)
SCORE = Scores(y=1.0)

Call = Callable[[Any, Any], object]  # of a network and a worker, whose types these calls violate
Case = tuple[Call, type[RushTypedError], str]

WRONG_TASKS: dict[str, Case] = {
    "another model": (
        lambda n, _: n.push_tasks([POINT, SCORE]),
        InvalidTypeError,
        r"Params.*Scores",
    ),
    "a dict for xs": (
        lambda n, _: n.push_tasks([{"x1": 1.0, "x2": 2.0}]),
        InvalidTypeError,
        "dict",
    ),
    "None for xs": (lambda n, _: n.push_tasks([None]), InvalidTypeError, "NoneType"),
    "a single model": (
        lambda n, _: n.push_tasks(POINT),
        InvalidTypeError,
        r"xss must be a list but is a single Params: write xss=\[...\]",
    ),
    "None": (lambda n, _: n.push_tasks(None), InvalidTypeError, "NoneType"),
    "a text": (lambda n, _: n.push_tasks("xs"), InvalidTypeError, "single str"),
    "a single ys": (
        lambda n, _: n.push_finished_tasks([POINT], SCORE),
        InvalidTypeError,
        "yss must be a list but is a single Scores",
    ),
    "xs for ys": (
        lambda n, _: n.push_finished_tasks([POINT], [POINT]),
        InvalidTypeError,
        r"Scores.*Params",
    ),
    "too few ys": (
        lambda n, _: n.push_finished_tasks([POINT] * 3, [SCORE]),
        LengthMismatchError,
        "yss has 1 elements but there are 3 tasks",
    ),
    "too many ys": (
        lambda n, _: n.push_finished_tasks([], [SCORE]),
        LengthMismatchError,
        "yss has 1 elements but there are 0 tasks",
    ),
    "too few extras": (
        lambda n, _: n.push_tasks([POINT] * 3, xss_extra=[{"a": 1}, {"a": 2}]),
        LengthMismatchError,
        "xss_extra has 2 elements but there are 3 tasks",
    ),
    "too many extras of results": (
        lambda n, _: n.push_finished_tasks([POINT], [SCORE], yss_extra=[{"a": 1}, {"a": 2}]),
        LengthMismatchError,
        "yss_extra has 2 elements but there are 1 tasks",
    ),
    "too few conditions": (
        lambda n, _: n.push_failed_tasks([POINT] * 3, conditions=["a", "b"]),
        LengthMismatchError,
        "conditions has 2 elements but there are 3 tasks",
    ),
    "a number as condition": (
        lambda n, _: n.push_failed_tasks([POINT], conditions=[7]),
        InvalidTypeError,
        r"a condition must be a Condition, an exception or a str but is 7 \(int\)",
    ),
    "an exception class": (
        lambda n, _: n.push_failed_tasks([POINT], conditions=[ValueError]),
        InvalidTypeError,
        "condition must be",
    ),
    "a single extra": (
        lambda n, _: n.push_tasks([POINT], xss_extra={"a": 1}),
        InvalidTypeError,
        "xss_extra must be a list but is a single dict",
    ),
    "an extra that is no mapping": (
        lambda n, _: n.push_tasks([POINT], xss_extra=[7]),
        InvalidTypeError,
        r"mapping, got 7 \(int\)",
    ),
    "a value of an extra that cannot be stored": (
        lambda n, _: n.push_tasks([POINT], xss_extra=[{"a": threading.Lock()}]),
        InvalidTaskError,
        "lock",
    ),
    "an extra over 64 bits": (
        lambda n, _: n.push_tasks([POINT], xss_extra=[{"a": 2**64}]),
        InvalidTaskError,
        "a: an int should fit in 64 bits, got 0x10000000000000000",
    ),
    "an instance that breaks its model": (
        lambda n, _: n.push_tasks([Params.model_construct(x1="one", x2=2.0)]),
        InvalidTaskError,
        "x1",
    ),
    "an instance that lacks a field": (
        lambda n, _: n.push_tasks([Params.model_construct(x1=1.0)]),
        InvalidTaskError,
        "x2",
    ),
}
WRONG_COLUMNS: dict[str, Case] = {
    "a declared name": (
        lambda n, _: n.push_tasks([POINT], xss_extra=[{"x1": 1.0}]),
        ColumnCollisionError,
        r"'x1' belongs to xs \(Params.x1\)",
    ),
    "a declared name of the results": (
        lambda _, w: w.running_task(POINT, xs_extra={"y": 1.0}),
        ColumnCollisionError,
        r"'y' belongs to ys \(Scores.y\)",
    ),
    "a reserved name": (
        lambda n, _: n.push_finished_tasks([POINT], [SCORE], yss_extra=[{"worker_id": "a"}]),
        ColumnCollisionError,
        "'worker_id' belongs to rushtyped, as a reserved name",
    ),
    "a name of the other extras": (
        lambda n, _: n.push_finished_tasks([POINT], [SCORE], yss_extra=[{"batch": 2}]),
        ColumnCollisionError,
        "ys_extra has the free-form names 'batch'",
    ),
    "a good and a taken name": (
        lambda n, _: n.push_finished_tasks([POINT], [SCORE], yss_extra=[{"a": 1, "batch": 2}]),
        ColumnCollisionError,
        "'batch'",
    ),
}
WRONG_KEYS: dict[str, Case] = {
    "a key of no task": (lambda _, w: w.finish_tasks([KEY], [SCORE]), UnknownTaskError, KEY),
    "a key of no task among others": (
        lambda _, w: w.fail_tasks([*w.running_tasks, KEY]),
        UnknownTaskError,
        f"network 'network-.*' has no task '{KEY}': .*nothing was changed",
    ),
    "a manager's unknown key": (lambda n, _: n.fail_tasks([KEY]), UnknownTaskError, KEY),
    "retrying an unknown key": (lambda n, _: n.retry_tasks([KEY]), UnknownTaskError, KEY),
    "reading an unknown key": (lambda n, _: n.read_tasks([KEY]), UnknownTaskError, KEY),
    "waiting for an unknown key": (lambda n, _: n.wait_for_tasks([KEY]), UnknownTaskError, KEY),
    "a single key": (
        lambda _, w: w.finish_tasks(KEY, [SCORE]),
        InvalidTypeError,
        "keys must be a list but is a single str",
    ),
    "None for keys": (
        lambda n, _: n.retry_tasks(None),
        InvalidTypeError,
        "keys must be a list",
    ),
    "a number as key": (lambda n, _: n.read_tasks([7]), InvalidTypeError, r"is 7 \(int\)"),
    "a key of other signs": (
        lambda n, _: n.is_failed_task(["a b"]),
        InvalidArgumentError,
        "'a b'",
    ),
    "fewer results than keys": (
        lambda _, w: w.finish_tasks([*w.running_tasks, KEY], [SCORE]),
        LengthMismatchError,
        "yss has 1 elements but there are 2 tasks",
    ),
}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("case", WRONG_TASKS)
def test_wrong_tasks_are_refused(network: ParamNetwork, worker: ParamWorker, case: str) -> None:
    call, error, message = WRONG_TASKS[case]
    with pytest.raises(error, match=message):
        call(network, worker)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("case", WRONG_COLUMNS)
def test_colliding_columns_are_refused(
    network: ParamNetwork, worker: ParamWorker, case: str
) -> None:
    call, error, message = WRONG_COLUMNS[case]
    with pytest.raises(error, match=message):
        call(network, worker)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("case", WRONG_KEYS)
def test_wrong_keys_are_refused(network: ParamNetwork, worker: ParamWorker, case: str) -> None:
    call, error, message = WRONG_KEYS[case]
    with pytest.raises(error, match=message):
        call(network, worker)


@pytest.mark.usefixtures("untouched")
def test_the_key_of_another_network_is_unknown(worker: ParamWorker, redis_url: str) -> None:
    with Network[Params, Scores](redis=redis_url) as other:
        (key,) = other.push_tasks([POINT])
        with pytest.raises(UnknownTaskError, match=key):
            worker.finish_tasks([key], [SCORE])
        assert other.queued_tasks == [key]


@pytest.mark.usefixtures("untouched")
def test_a_push_of_many_is_refused_as_a_whole(network: ParamNetwork) -> None:
    bad: Any = SCORE
    with pytest.raises(InvalidTypeError):
        network.push_tasks([*points(2500), bad])
