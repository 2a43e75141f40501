"""Constraints bound what is drawn: nothing beyond them, and all up to their edges."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import partial
from math import nextafter
from typing import Annotated, Any, Literal

import annotated_types
import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import (
    UUID1,
    UUID4,
    UUID7,
    AnyUrl,
    AwareDatetime,
    Field,
    FileUrl,
    FiniteFloat,
    FutureDate,
    HttpUrl,
    Json,
    MongoDsn,
    NegativeInt,
    PastDate,
    PositiveInt,
    PostgresDsn,
    StringConstraints,
    UrlConstraints,
)

from rushtyped import InvalidArgumentError
from rushtyped.codec import ModelCodec
from rushtyped.testing import xs_strategy
from tests.annotations import Colour, Point, equal
from tests.testing.drawing import QUICK, check_accepted, drawn, one, raw_values, reach

AFTER_ONE = nextafter(1, 2)
QUARTER = Decimal("0.25")
YEAR, LAST = datetime(2020, 1, 1), datetime.max  # noqa: DTZ001, DTZ901 - without a zone
PLUS_FIVE = timezone(timedelta(hours=5))


class OwnUrl(AnyUrl):
    _constraints = UrlConstraints(allowed_schemes=["own"], max_length=40)


CONSTRAINED: list[tuple[Any, list[Any]]] = [
    (Annotated[int, Field(ge=-5, lt=7)], [-5, 6]),
    (Annotated[int, Field(gt=2**62)], [2**62 + 1, 2**63 - 1]),
    (Annotated[int, Field(le=2**70)], [2**63 - 1, -(2**63)]),
    (Annotated[int, Field(multiple_of=7, ge=1, le=30)], [7, 14, 21, 28]),
    (Annotated[int, Field(multiple_of=4), Field(multiple_of=6), Field(gt=0)], [12]),
    (Annotated[PositiveInt, Field(gt=3)], [4]),
    (Annotated[float, Field(gt=0, le=1)], [1.0, 5e-324]),
    (Annotated[float, Field(gt=1, lt=nextafter(AFTER_ONE, 2))], [AFTER_ONE]),
    (Annotated[float, Field(multiple_of=0.25, ge=-1, lt=1)], [-1.0, 0.75]),
    (Annotated[float, Field(multiple_of=0.1)], [0.0]),
    (Annotated[float, Field(ge=0)], [0.0, float("inf")]),
    (Annotated[float | None, Field(ge=0)], [0.0, None]),
    (Annotated[Decimal, Field(max_digits=3, decimal_places=1)], [Decimal("99.9")]),
    (Annotated[Decimal, Field(max_digits=3, decimal_places=3)], [Decimal("-0.999")]),
    (Annotated[Decimal, Field(max_digits=2)], [Decimal(99), Decimal("0.99")]),
    (Annotated[Decimal, Field(max_digits=38, decimal_places=0)], [Decimal(10**38 - 1)]),
    (Annotated[Decimal, Field(ge=Decimal("0.1"), lt=1, decimal_places=1)], [Decimal("0.9")]),
    (Annotated[Decimal, Field(gt=0.1, lt=0.2, decimal_places=2)], [Decimal("0.11")]),
    (Annotated[Decimal, annotated_types.MultipleOf(QUARTER), Field(ge=0)], [QUARTER]),
    (Annotated[str, Field(min_length=2, max_length=3)], []),
    (Annotated[str, Field(min_length=100)], []),
    (Annotated[str, Field(pattern="^[ab]{2}$")], ["aa", "bb"]),
    (Annotated[str, Field(pattern=r"\d\z")], []),
    (Annotated[str, Field(pattern="b", max_length=2)], []),
    (Annotated[str, Field(pattern=r"^[$]\$$")], ["$$"]),
    (Annotated[str, Field(pattern=re.compile("^b$"))], ["b", "b\n"]),
    (Annotated[str, StringConstraints(strip_whitespace=True, min_length=2)], []),
    (Annotated[str, StringConstraints(to_upper=True, pattern="^[ab]$")], ["a"]),
    (Annotated[str, StringConstraints(ascii_only=True)], [""]),
    (Annotated[bytes, Field(min_length=1, max_length=1)], [b"\0", b"\xff"]),
    (Annotated[date, Field(gt=date(2020, 1, 1), le=date(2020, 1, 3))], [date(2020, 1, 2)]),
    (Annotated[PastDate, Field(gt=date(2020, 1, 1))], [date(2020, 1, 2)]),
    (FutureDate, []),
    (Annotated[datetime, Field(ge=YEAR)], []),
    (Annotated[AwareDatetime, Field(ge=datetime(2020, 1, 1, tzinfo=PLUS_FIVE))], []),
    (Annotated[time, Field(gt=time(1), lt=time(1, 0, 0, 3))], [time(1, 0, 0, 1)]),
    (Annotated[timedelta, Field(ge=timedelta(0))], [timedelta(0)]),
    (Annotated[timedelta, Field(gt=timedelta(-1), lt=timedelta(0))], []),
    (Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=1)], [[0]]),
    (Annotated[set[Literal["a", "b"]], Field(min_length=2)], [{"a", "b"}]),
    (Annotated[frozenset[bool], Field(min_length=2)], [frozenset({True, False})]),
    (Annotated[tuple[int, ...], Field(max_length=1)], [()]),
    (Annotated[list[list[int]], Field(min_length=12)], []),
    (Annotated[list[Annotated[list[bool], Field(min_length=9)]], Field(min_length=1)], []),
    (Annotated[dict[Annotated[str, Field(pattern="^k$")], PositiveInt], Field(min_length=1)],
     [{"k": 1}]),
    (tuple[PositiveInt, NegativeInt], [(1, -1)]),
    (Annotated[NDArray[np.int8], Field(min_length=1, max_length=2)], []),
    *((UUID1, []), (UUID4, []), (UUID7, [])),
    (Annotated[HttpUrl, UrlConstraints(max_length=25)], []),
    *((AnyUrl, []), (PostgresDsn, []), (MongoDsn, []), (OwnUrl, [])),
    (FileUrl, [FileUrl("file:" + "///")]),
    (Annotated[int, annotated_types.Predicate(lambda value: value % 2 == 0)], [0]),
    (annotated_types.LowerCase[str], []),
    (annotated_types.UpperCase[str], []),
    (annotated_types.IsDigit[str], ["0"]),
    (annotated_types.IsAscii[str], ["0"]),
    (Annotated[str, Field(pattern="b", min_length=5)], []),
    (Annotated[str, Field(pattern="b$", min_length=3, max_length=3)], []),
    (Annotated[HttpUrl, UrlConstraints(max_length=9)], [HttpUrl("http://a/")]),
    (FiniteFloat, [0.0]),
    (Json[list[int]], ["[]"]),
]  # fmt: skip


@pytest.mark.parametrize(("annotation", "edges"), CONSTRAINED, ids=range(len(CONSTRAINED)))
def test_constraints_are_met_and_their_edges_reached(annotation: Any, edges: list[Any]) -> None:
    model = one(annotation)
    values = raw_values(model)
    check_accepted(model)
    for edge in edges:
        reach(values, partial(equal, edge))


@pytest.mark.parametrize(
    ("annotation", "simplest"),
    [
        (int, 0),
        (Annotated[int, Field(ge=3)], 3),
        (int | None, None),
        (float, 0.0),
        (Decimal, Decimal(0)),
        (str, ""),
        (Annotated[str, Field(min_length=2)], "00"),
        (Annotated[datetime, Field(gt=YEAR)], YEAR.replace(microsecond=1)),
        (
            Annotated[AwareDatetime, Field(ge=datetime(2020, 1, 1, tzinfo=PLUS_FIVE))],
            datetime(2019, 12, 31, 19, tzinfo=UTC),
        ),
        (Annotated[time, Field(gt=time(1))], time(1, 0, 0, 1)),
        (Annotated[timedelta, Field(gt=timedelta(0))], timedelta(microseconds=1)),
        (list[int], []),
        (dict[str, int], {}),
        (Colour, Colour.RED),
        (Point, Point(x=0.0)),
    ],
)
def test_values_shrink_to_the_simplest(annotation: Any, simplest: Any) -> None:
    found = find(xs_strategy(one(annotation)), lambda _: True, settings=settings(database=None))
    assert equal(found.x, simplest)


@pytest.mark.parametrize(
    ("annotation", "edges"),
    [
        (int, [2**63 - 1, -(2**63)]),
        (float, [float("nan"), float("inf"), float("-inf"), -0.0, 5e-324]),
        (str, [""]),
        (list[int], [[]]),
        (set[str], [set()]),
        (NDArray[np.float32], [np.array([float("nan")], "float32")]),
        (Literal["a", None], ["a", None]),
    ],
)
def test_edges_of_a_type_are_reached(annotation: Any, edges: list[Any]) -> None:
    values = xs_strategy(one(annotation)).map(lambda xs: xs.x)
    for edge in edges:
        reach(values, partial(equal, edge))


def test_text_holds_any_character_that_utf_8_encodes() -> None:
    reach(raw_values(one(str)), lambda text: "\0" in text)
    reach(raw_values(one(str)), lambda text: max(text, default="") > "\uffff")


def test_instants_are_shown_by_several_zones() -> None:
    values = raw_values(one(AwareDatetime))
    reach(values, lambda value: value.utcoffset() == timedelta(0))
    reach(values, lambda value: value.utcoffset() < timedelta(0))
    reach(values, lambda value: getattr(value.tzinfo, "key", "") == "Europe/Berlin")


def test_an_hour_that_a_clock_shows_twice_comes_back() -> None:
    hour = Field(ge=datetime(2020, 10, 25, tzinfo=UTC), lt=datetime(2020, 10, 25, 2, tzinfo=UTC))
    model = one(Annotated[AwareDatetime, hour])
    codec: Any = ModelCodec(model)
    for instance in drawn(xs_strategy(model)):  # Berlin ends its summer time in these hours
        assert codec.decode(codec.encode(instance)) == instance


@pytest.mark.parametrize(
    ("annotation", "config", "fits"),
    [
        (str, {"str_min_length": 2, "str_max_length": 3}, lambda value: 2 <= len(value) <= 3),
        (list[str], {"str_max_length": 1}, lambda value: all(len(item) <= 1 for item in value)),
        (str, {"str_strip_whitespace": True, "str_min_length": 1}, lambda value: len(value) >= 1),
        (str, {"str_to_lower": True}, lambda value: value is not None),
        (float, {"allow_inf_nan": False}, lambda value: abs(value) < float("inf")),
        (dict[str, float], {"allow_inf_nan": False}, lambda value: value is not None),
        (
            Annotated[str, Field(pattern="b$")],
            {"regex_engine": "python-re"},
            lambda value: "b" in value,
        ),
    ],
)
def test_the_config_of_a_model_is_kept(
    annotation: Any, config: dict[str, Any], fits: Callable[[Any], bool]
) -> None:
    model = one(annotation, **config)
    check_accepted(model)

    @QUICK
    @given(raw_values(model))
    def kept(value: Any) -> None:
        assert fits(model(x=value).x)

    kept()


def test_a_field_says_more_than_the_config() -> None:
    model = one(Annotated[float, Field(allow_inf_nan=True)], allow_inf_nan=False)
    check_accepted(model)
    reach(raw_values(model), lambda value: value == float("inf"))


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (Annotated[int, Field(ge=5, le=3)], r"One\.x: no Int64 .* \(ge=5, le=3\); correct them"),
        (Annotated[int, Field(ge=2**64)], "ge=18446744073709551616"),
        (Annotated[int, Field(multiple_of=10, gt=0, lt=10)], "gt=0, lt=10, multiple_of=10"),
        (Annotated[float, Field(gt=1, lt=1)], "gt=1, lt=1"),
        (Annotated[float, Field(multiple_of=10, gt=0, lt=10)], "gt=0, lt=10, multiple_of=10"),
        (Annotated[Decimal, Field(ge=1, lt=1)], "ge=1, lt=1"),
        (Annotated[Decimal, Field(max_digits=2, decimal_places=2, ge=1)], "max_digits=2"),
        (Annotated[str, Field(min_length=3, max_length=2)], "min_length=3, max_length=2"),
        (Annotated[str, Field(pattern=r"\p{L}")], r"Python cannot read the pattern: bad escape"),
        (Annotated[str, Field(pattern="[[:alpha:]]")], r"Python cannot read the pattern"),
        (Annotated[bytes, Field(min_length=3, max_length=2)], "min_length=3"),
        (Annotated[date, Field(ge=date(2020, 1, 2), le=date(2020, 1, 1))], "no Date"),
        (Annotated[datetime, Field(gt=LAST)], "no Datetime"),
        (Annotated[time, Field(gt=time.max)], "not a time of day"),
        (Annotated[timedelta, Field(ge=timedelta.max)], "no Duration"),
        (Annotated[list[int], Field(min_length=2, max_length=1)], "min_length=2"),
        (Annotated[set[bool], Field(min_length=3)], "only 2 distinct elements"),
        (list[Annotated[int, Field(ge=5, le=3)]], r"One\.x: no Int64"),
        (Annotated[HttpUrl, UrlConstraints(allowed_schemes=["ftp"])], "allowed_schemes"),
        (Annotated[HttpUrl, UrlConstraints(max_length=8)], "no String"),
        (Annotated[str, Field(pattern="b", min_length=3, max_length=2)], "max_length=2"),
    ],
)
def test_constraints_that_nothing_meets_are_named(annotation: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        xs_strategy(one(annotation))


def test_a_strategy_for_the_field_helps_where_constraints_cannot_be_read() -> None:
    model = one(Annotated[str, Field(pattern=r"^\p{Lu}$")])
    assert find(xs_strategy(model, x=st.sampled_from("éÉ")), lambda _: True).x == "É"
