"""Every annotation that has a column type, with values for it and what a frame shows of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, NewType
from uuid import UUID

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    HttpUrl,
    NaiveDatetime,
    PositiveInt,
)

INT64 = st.integers(-(2**63), 2**63 - 1)
FLOAT = st.floats()  # with nan, inf and -0.0
TEXT = st.text()
ZONES = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))
NAIVE = st.datetimes()
AWARE = NAIVE.filter(lambda value: 1 < value.year < 9999).flatmap(
    lambda value: ZONES.map(lambda zone: value.replace(tzinfo=zone))
)
DURATION = st.timedeltas(timedelta(microseconds=-(2**63)), timedelta(microseconds=2**63 - 1))
DECIMAL = st.decimals(-(10**20) + 1, 10**20 - 1, allow_nan=False, allow_infinity=False, places=18)
MONEY = st.decimals(Decimal("-999.99"), Decimal("999.99"), places=2)


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Shape(Enum):
    ROUND = "round"
    SQUARE = "square"


class Point(BaseModel):
    model_config = ConfigDict(frozen=True)

    x: float
    when: datetime | None = None


class Tree(BaseModel):
    name: str
    points: list[Point]
    by_name: dict[str, Point]
    at: time


class Rbf(BaseModel):
    kernel: Literal["rbf", "gauss"]
    gamma: float = Field(ge=0)
    seen: dict[str, time] = {}
    centre: Point | None = None


class Poly(BaseModel):
    kernel: Literal["poly"] = "poly"
    degree: int
    seen: dict[str, time] | None = None


Kernel = Annotated[Rbf | Poly, Field(discriminator="kernel")]
UserId = NewType("UserId", int)
POINT = st.builds(Point, x=FLOAT, when=st.none() | NAIVE)
TREE = st.builds(
    Tree,
    name=TEXT,
    points=st.lists(POINT, max_size=3),
    by_name=st.dictionaries(TEXT, POINT, max_size=3),
    at=st.times(),
)
SEEN = st.dictionaries(TEXT, st.times(), max_size=2)
KERNEL = st.builds(
    Rbf,
    kernel=st.sampled_from(["rbf", "gauss"]),
    gamma=st.floats(min_value=0),
    seen=SEEN,
    centre=st.none() | POINT,
) | st.builds(Poly, degree=INT64, seen=st.none() | SEEN)


def point_row(point: Point) -> dict[str, object]:
    return {"x": point.x, "when": point.when}


def tree_row(tree: Tree) -> dict[str, object]:
    pairs = [{"key": name, "value": point_row(point)} for name, point in tree.by_name.items()]
    points = [point_row(point) for point in tree.points]
    return {"name": tree.name, "points": points, "by_name": pairs, "at": tree.at}


def kernel_row(kernel: Rbf | Poly) -> dict[str, object]:
    """Show the fields of all kernels, with null for those that this one lacks."""
    pairs = None
    if kernel.seen is not None:
        pairs = [{"key": name, "value": at} for name, at in kernel.seen.items()]
    row: dict[str, object] = {"kernel": kernel.kernel, "gamma": None, "seen": pairs}
    if isinstance(kernel, Poly):
        return {**row, "centre": None, "degree": kernel.degree}
    centre = None if kernel.centre is None else point_row(kernel.centre)
    return {**row, "gamma": kernel.gamma, "centre": centre, "degree": None}


def same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Case:
    """An annotation, the name of its column type, its values, and how a frame shows one."""

    annotation: Any
    column: str
    values: st.SearchStrategy[Any]
    shown: Callable[[Any], Any] = same


def array(dtype: str, items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(items).map(lambda values: np.array(values, dtype=dtype))


CASES = [
    Case(int, "Int64", INT64),
    Case(UserId, "Int64", INT64),
    Case(Annotated[int, Field(ge=-5, lt=7)], "Int64", st.integers(-5, 6)),
    Case(PositiveInt, "Int64", st.integers(1, 2**63 - 1)),
    Case(float, "Float64", FLOAT),
    Case(FiniteFloat, "Float64", st.floats(allow_nan=False, allow_infinity=False)),
    Case(bool, "Boolean", st.booleans()),
    Case(str, "String", TEXT),
    Case(bytes, "Binary", st.binary()),
    Case(datetime, "Datetime", NAIVE),
    Case(NaiveDatetime, "Datetime", NAIVE),
    Case(AwareDatetime, "Datetime(UTC)", AWARE),
    Case(date, "Date", st.dates()),
    Case(time, "Time", st.times()),
    Case(timedelta, "Duration", DURATION),
    Case(Decimal, "Decimal(38, 18)", DECIMAL),
    Case(Annotated[Decimal, Field(max_digits=5, decimal_places=2)], "Decimal(5, 2)", MONEY),
    Case(Colour, "Enum('red', 'green')", st.sampled_from(Colour)),
    Case(Shape, "Enum('round', 'square')", st.sampled_from(Shape), lambda shape: shape.value),
    Case(Literal["a", "b"], "Enum('a', 'b')", st.sampled_from(["a", "b"])),
    Case(UUID, "String", st.uuids(), str),
    Case(Path, "String", st.sampled_from([Path("a/b"), Path("/"), Path()]), str),
    Case(PurePosixPath, "String", st.just(PurePosixPath("/a")), str),
    Case(HttpUrl, "String", st.just(HttpUrl("https://a.b:81/c?d=e#f")), str),
    Case(list[int], "List(Int64)", st.lists(INT64)),
    Case(list[list[str | None]], "List(List(String?))", st.lists(st.lists(st.none() | TEXT))),
    Case(list[datetime], "List(Datetime)", st.lists(NAIVE, max_size=3)),
    Case(list[time], "List(Time)", st.lists(st.times(), max_size=3)),
    Case(list[Decimal], "List(Decimal(38, 18))", st.lists(DECIMAL, max_size=3)),
    Case(tuple[float, ...], "List(Float64)", st.lists(FLOAT).map(tuple), list),
    Case(set[int], "List(Int64)", st.sets(INT64), sorted),
    Case(frozenset[date], "List(Date)", st.frozensets(st.dates(), max_size=3), sorted),
    Case(tuple[float, float], "Array(Float64, 2)", st.tuples(FLOAT, FLOAT), list),
    Case(tuple[Colour, Colour], "Array(Enum('red', 'green'), 2)",
         st.tuples(*[st.sampled_from(Colour)] * 2), list),
    Case(Point, "Struct{x: Float64, when: Datetime?}", POINT, point_row),
    Case(list[Point | None], "List(Struct{x: Float64, when: Datetime?}?)",
         st.lists(st.none() | POINT, max_size=3),
         lambda points: [None if point is None else point_row(point) for point in points]),
    Case(Tree, "Struct{name: String, points: List(Struct{x: Float64, when: Datetime?}), "
         "by_name: List(Struct{key: String, value: Struct{x: Float64, when: Datetime?}}), "
         "at: Time}", TREE, tree_row),
    Case(Kernel, "Struct{kernel: Enum('rbf', 'gauss', 'poly'), gamma: Float64?, "
         "seen: List(Struct{key: String, value: Time})?, "
         "centre: Struct{x: Float64, when: Datetime?}?, degree: Int64?}", KERNEL, kernel_row),
    Case(dict[str, int], "List(Struct{key: String, value: Int64})",
         st.dictionaries(TEXT, INT64, max_size=3),
         lambda mapping: [{"key": key, "value": value} for key, value in mapping.items()]),
    Case(int | None, "Int64?", st.none() | INT64),
    Case(Annotated[float | None, Field(gt=0)], "Float64?", st.none() | st.floats(1e-9, 1e9)),
    Case(NDArray[np.float64], "List(Float64)", array("float64", FLOAT), np.ndarray.tolist),
    Case(NDArray[np.int32], "List(Int32)",
         array("int32", st.integers(-(2**31), 2**31 - 1)), np.ndarray.tolist),
    Case(NDArray[np.bool_], "List(Boolean)", array("bool", st.booleans()), np.ndarray.tolist),
    Case(Annotated[NDArray[np.float32], Field(min_length=2, max_length=2)],
         "Array(Float32, 2)",
         st.tuples(*[st.floats(width=32)] * 2).map(lambda pair: np.array(pair, dtype="float32")),
         np.ndarray.tolist),
]  # fmt: skip
CASE_NAMES = [f"{index}-{case.column}" for index, case in enumerate(CASES)]


def equal(one: Any, other: Any) -> bool:
    """Say whether two values are the same: nan is, -0.0 is not 0.0, types count."""
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f")) and (
            one.dtype == other.dtype
        )
    if isinstance(one, float) and isinstance(other, float):
        return repr(one) == repr(other)
    if isinstance(one, BaseModel) and type(one) is type(other):
        return equal(dict(one), dict(other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and type(one) is type(other):
        return len(one) == len(other) and all(map(equal, one, other))
    same_zone = not isinstance(one, datetime) or (one.tzinfo is None) == (other.tzinfo is None)
    return (
        bool(one == other)
        and (isinstance(one, Path | Enum) or type(one) is type(other))
        and (same_zone)
    )
