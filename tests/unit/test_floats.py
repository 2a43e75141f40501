"""Groups of floats are read from their packed bytes, and nothing else is taken for one."""

from __future__ import annotations

import math
import struct

import msgpack
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushtyped.dtypes import model_columns
from rushtyped.frames.columns import Column
from rushtyped.frames.floats import Layout, float_series, layout_of
from rushtyped.models import Xs


class Two(Xs):
    a: float
    ba: float


class Many(Xs):
    """More fields than a short map of msgpack has."""

    x0: float
    x1: float
    x2: float
    x3: float
    x4: float
    x5: float
    x6: float
    x7: float
    x8: float
    x9: float
    x10: float
    x11: float
    x12: float
    x13: float
    x14: float
    x15: float
    a_name_of_more_than_thirty_one_bytes_of_text: float


class Mixed(Xs):
    a: float
    n: int


class Optional(Xs):
    a: float | None


class Nothing(Xs):
    """No field."""


def layout(model: type[Xs]) -> Layout | None:
    return layout_of([Column.of(name, each) for name, each in model_columns(model).items()])


def read(model: type[Xs], blobs: list[bytes | None]) -> dict[str, list[float | None]] | None:
    found = layout(model)
    assert found is not None
    series = float_series(found, blobs)
    return None if series is None else {each.name: each.to_list() for each in series}


FLOATS = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.none() | st.tuples(FLOATS, FLOATS), max_size=20))
def test_all_floats_come_back_bit_by_bit(rows: list[tuple[float, float] | None]) -> None:
    blobs = [row and msgpack.packb({"a": row[0], "ba": row[1]}) for row in rows]
    found = read(Two, blobs)
    assert found is not None
    assert list(found) == ["a", "ba"]
    for place, column in enumerate(found.values()):
        expected = [None if row is None else struct.pack(">d", row[place]) for row in rows]
        assert [None if x is None else struct.pack(">d", x) for x in column] == expected


def test_a_model_of_many_fields_with_long_names_is_read() -> None:
    row = {name: float(place) for place, name in enumerate(Many.model_fields)}
    found = read(Many, [msgpack.packb(row), None])
    assert found == {name: [value, None] for name, value in row.items()}


def test_rows_of_nothing_have_the_columns_of_full_ones() -> None:
    found = layout(Two)
    assert found is not None
    for blobs in ([], [None], [None, None]):
        series = float_series(found, blobs)
        assert series is not None
        assert [each.dtype for each in series] == [pl.Float64(), pl.Float64()]
        assert [each.to_list() for each in series] == [blobs, blobs]


GOOD = msgpack.packb({"a": 1.5, "ba": math.nan})


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"\x00",
        GOOD[:-1],
        GOOD + b"\x00",
        msgpack.packb({"ba": 1.5, "a": 2.5}),
        msgpack.packb({"a": 1.5, "bb": 2.5}),
        msgpack.packb({"a": 1.5, "ba": 2}),
        msgpack.packb({"a": 1, "ba": 2**63}),
        msgpack.packb({"a": 1.5, "ba": None}),
        msgpack.packb({"a": 1.5, "ba": "12345678"}),
        msgpack.packb(["a", 1.5, "ba", 2.5]),
        GOOD.replace(b"\xcb", b"\xcf", 1),
        b"\x83" + GOOD[1:],
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_row_that_is_laid_out_else_is_never_taken_for_one(bad: bytes, place: int) -> None:
    blobs: list[bytes | None] = [GOOD, None, GOOD]
    blobs[place] = bad
    assert read(Two, blobs) is None


@pytest.mark.parametrize("model", [Mixed, Nothing])
def test_other_models_have_no_such_layout(model: type[Xs]) -> None:
    assert layout(model) is None


def test_optional_floats_are_read_where_all_are_there() -> None:
    full, empty = (msgpack.packb({"a": value}) for value in (1.5, None))
    assert read(Optional, [full, None]) == {"a": [1.5, None]}
    assert read(Optional, [full, empty]) is None
