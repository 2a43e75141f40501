"""`frame_value` says what a frame shows of a value."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from pydantic import AnyUrl

from rushtyped import AnyExtra, Xs
from rushtyped.dtypes import column_type
from rushtyped.testing import frame_value
from tests.annotations import CASE_NAMES, CASES, Case, Colour, Kernel, Point, Poly, Rbf, equal
from tests.testing.drawing import QUICK

PLUS_FIVE = timezone(timedelta(hours=5))


@pytest.mark.parametrize("case", CASES, ids=CASE_NAMES)
def test_it_shows_what_the_table_of_annotations_says(case: Case) -> None:
    column = column_type(case.annotation)

    @QUICK
    @given(case.values)
    def shown(value: Any) -> None:
        expected = None if value is None else case.shown(value)
        assert equal(frame_value(value, column), plain(expected))

    shown()


def plain(value: Any) -> Any:
    """Take a str Enum for its value, as the table does."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.value if isinstance(value, Enum) else value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (
            datetime(2020, 1, 1, 5, tzinfo=timezone(timedelta(hours=5))),
            datetime(2020, 1, 1, tzinfo=UTC),
        ),
        (Colour.RED, "red"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (PurePosixPath("a/b"), "a/b"),
        (AnyUrl("http://a.b"), "http://a.b/"),
        (Decimal("1.50"), Decimal("1.50")),
        ((1, 2), [1, 2]),
        (np.array([1.5, 2.5]), [1.5, 2.5]),
        ({"b": (1,), "a": (2,)}, [{"key": "b", "value": [1]}, {"key": "a", "value": [2]}]),
        ({3, 1, 2}, [1, 2, 3]),
        ({Decimal(9), Decimal(10)}, [Decimal(10), Decimal(9)]),
        ({Colour.RED, Colour.GREEN}, ["green", "red"]),
        (frozenset({date(2020, 1, 2), date(2020, 1, 1)}), [date(2020, 1, 1), date(2020, 1, 2)]),
        (frozenset({(2, 1), (1, 2)}), [[1, 2], [2, 1]]),
        ({1, None}, [1, None]),
        (AnyExtra.model_validate({"a": (1,)}), {"a": [1]}),
        (None, None),
    ],
)
def test_shown_form_of_a_value(value: object, shown: object) -> None:
    assert equal(frame_value(value), shown)


class Fit(Xs):
    kernel: Kernel
    kernels: list[Kernel | None] = []  # noqa: RUF012 - pydantic copies it


POLY_ROW = {"kernel": "poly", "gamma": None, "seen": None, "centre": None, "degree": 3}


def test_the_member_of_a_union_has_the_fields_of_all() -> None:
    poly = Poly(degree=3)
    rbf = Rbf(kernel="rbf", gamma=1.0, centre=Point(x=2.0))
    assert frame_value(poly) == {"kernel": "poly", "degree": 3, "seen": None}
    assert frame_value(poly, column_type(Kernel)) == POLY_ROW
    assert frame_value([poly, None], column_type(list[Kernel | None])) == [POLY_ROW, None]
    assert frame_value({"a": poly}, column_type(dict[str, Kernel])) == [
        {"key": "a", "value": POLY_ROW}
    ]
    assert frame_value(Fit(kernel=rbf, kernels=[poly])) == {
        "kernel": {
            "kernel": "rbf",
            "gamma": 1.0,
            "seen": [],
            "centre": {"x": 2.0, "when": None},
            "degree": None,
        },
        "kernels": [POLY_ROW],
    }
