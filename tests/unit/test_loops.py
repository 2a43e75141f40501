"""Loops are packed whole or by name, signed, and refused where the signature is wrong."""

from __future__ import annotations

import pickle
import random
import threading
from functools import partial
from random import uniform
from typing import Any

import msgpack
import pytest

from rushtyped import (
    AnyExtra,
    InvalidArgumentError,
    InvalidTypeError,
    UntrustedLoopError,
    Worker,
    Xs,
    Ys,
)
from rushtyped.loops import check_loop, name_of, new_secret, pack_loop, unpack_loop
from rushtyped.schema import Models
from tests.models import Params, Scores, search

MODELS = Models(Params, Scores, AnyExtra, AnyExtra)


class OtherParams(Xs):
    z: float


class OtherScores(Ys):
    w: float


def test_a_loop_that_can_be_imported_travels_by_name() -> None:
    packed = pack_loop(search, MODELS, b"secret")
    assert len(packed.signed) < 300
    assert unpack_loop(packed.signed, b"secret") == (MODELS, search)


def test_a_closure_travels_whole() -> None:
    offset = 41
    packed = pack_loop(lambda _: offset + 1, MODELS, b"secret")
    models, loop = unpack_loop(packed.signed, b"secret")
    assert (models, loop(None)) == (MODELS, 42)


@pytest.mark.parametrize("flaw", ["other secret", "changed payload", "no signature", "empty"])
def test_a_loop_without_the_right_signature_is_refused_unread(flaw: str) -> None:
    signed = pack_loop(search, MODELS, b"secret").signed
    forged = {
        "other secret": pack_loop(search, MODELS, b"other").signed,
        "changed payload": signed[:-1] + bytes([signed[-1] ^ 1]),
        "no signature": signed[32:],
        "empty": b"",
    }[flaw]
    with pytest.raises(UntrustedLoopError, match="not signed with this worker's secret"):
        unpack_loop(forged, b"secret")


def test_the_envelope_is_as_described() -> None:
    envelope = msgpack.unpackb(pack_loop(search, MODELS, b"secret").signed[32:])
    assert envelope.keys() == {"version", "name", "payload"}
    assert (envelope["version"], envelope["name"]) == (1, "tests.models:search")
    assert pickle.loads(envelope["payload"]) == (tuple(MODELS), search)


def test_secrets_differ() -> None:
    assert len(new_secret()) == 32
    assert new_secret() != new_secret()


def test_global_random_generators_do_not_travel_with_their_state() -> None:
    from_random: Any = lambda _: uniform(0.0, 1.0)  # noqa: E731 - by value, as in a script
    signed = pack_loop(from_random, MODELS, b"secret").signed
    state = random.getstate()
    _, loop = unpack_loop(signed, b"secret")
    random.setstate(state)
    expected = random.random()
    random.setstate(state)
    assert loop(None) == expected
    assert len(signed) < 2000


def test_numpy_generators_do_not_travel_with_their_state() -> None:
    numpy_random: Any = pytest.importorskip("numpy").random
    draw = numpy_random.random_sample
    _, loop = unpack_loop(pack_loop(lambda _: draw(), MODELS, b"s").signed, b"s")
    numpy_random.seed(1)
    expected = numpy_random.random_sample()
    numpy_random.seed(1)
    assert loop(None) == expected


def takes_two(worker: Worker[Params, Scores], sigma: float) -> None: ...


def takes_others(worker: Worker[OtherParams, OtherScores]) -> None: ...


@pytest.mark.parametrize(
    ("loop", "message"),
    [
        (3, "must be callable"),
        (takes_two, "needs sigma: bind others with functools.partial"),
        (lambda: None, "needs no argument at all"),
        (takes_others, r"takes a Worker\[OtherParams, OtherScores\] but this network has"),
        (partial(takes_others), r"takes a Worker\[OtherParams, OtherScores\]"),
    ],
)
def test_what_cannot_be_a_loop_is_refused(loop: Any, message: str) -> None:
    with pytest.raises(InvalidTypeError, match=message):
        check_loop(loop, MODELS)


@pytest.mark.parametrize("loop", [search, partial(takes_two, sigma=1.0), print, lambda _: 1])
def test_what_can_be_a_loop_is_accepted(loop: Any) -> None:
    check_loop(loop, MODELS)


def test_what_cannot_be_pickled_is_refused_with_its_name() -> None:
    lock = threading.Lock()
    with pytest.raises(InvalidArgumentError, match=r"<lambda>.*inside the"):
        pack_loop(lambda _: lock, MODELS, b"secret")


def test_a_partial_is_named_by_its_function() -> None:
    assert name_of(partial(takes_two, sigma=1.0)) == "tests.unit.test_loops:takes_two"
