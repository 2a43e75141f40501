"""Annotations become column types, or are refused with the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, Optional, TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import UUID4, AliasChoices, AliasPath, BaseModel, ConfigDict, Field, Json, SecretStr
from typing_extensions import TypeAliasType

from rushtyped.dtypes import ColumnType, Kind, column_type, model_columns
from rushtyped.errors import UnsupportedFieldError
from tests.annotations import CASE_NAMES, CASES, Case

T = TypeVar("T")
Reals = TypeAliasType("Reals", list[float])
Many = TypeAliasType("Many", tuple[T, ...], type_params=(T,))


class Empty(BaseModel):
    pass


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    x: int


class Node(BaseModel):
    next: Node | None


class Values(BaseModel):
    model_config = ConfigDict(use_enum_values=True)
    x: int


class Swapped(BaseModel):
    x: int = Field(validation_alias=AliasChoices("y", AliasPath("z", 0)))
    y: int


class Level(IntEnum):
    LOW = 1


class Mixed(Enum):
    A = "a"
    B = 2


@pytest.mark.parametrize("case", CASES, ids=CASE_NAMES)
def test_annotation_has_its_column_type(case: Case) -> None:
    assert str(column_type(case.annotation)) == case.column


@pytest.mark.parametrize(
    ("annotation", "column"),
    [
        (Optional[str], "String?"),  # noqa: UP045 - the old spelling is allowed too
        (Literal["a", None], "Enum('a')?"),
        (Reals, "List(Float64)"),
        (Many[int], "List(Int64)"),
        (UUID4, "String"),
        (np.ndarray[tuple[int], np.dtype[np.uint8]], "List(UInt8)"),
        (Annotated[Decimal, Field(decimal_places=3)], "Decimal(38, 3)"),
        (Annotated[Annotated[int, Field(ge=0)] | None, "note"], "Int64?"),
    ],
)
def test_other_spellings_have_the_same_column_type(annotation: Any, column: str) -> None:
    assert str(column_type(annotation)) == column


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        (Any, "declare one type"),
        (object, "declare one type"),
        (list, "list[float]"),
        (dict, "dict[str, float]"),
        (Sequence[int], "list[T]"),
        (tuple[int, str], "its items differ in type"),
        (tuple[()], "it has no items"),
        (int | str, "one type"),
        (dict[int, str], "its keys are not strings"),
        (Literal[1, 2], "not strings"),
        (Level, "not strings"),
        (Mixed, "not strings"),
        (complex, "no rule covers it"),
        (Callable[[], int], "no rule covers it"),
        (SecretStr, "no rule covers it"),
        (Json, "no rule covers it"),
        (T, "no rule covers it"),
        (None, "no rule covers it"),
        (np.ndarray, "NDArray"),
        (NDArray[np.uint64], "its dtype is not supported"),
        (NDArray[np.floating], "its dtype is not supported"),
        (np.ndarray[tuple[int, int], np.dtype[np.float64]], "more than one dimension"),
        (Annotated[Decimal, Field(max_digits=40, decimal_places=2)], "38"),
        (Empty, "it has no fields"),
        (Open, 'extra="allow"'),
        (Node, "it contains itself"),
        (Values, "use_enum_values"),
        (Swapped, "the alias of its field 'x' is the name of its field 'y'"),
    ],
)
def test_other_annotations_are_refused_with_place_and_reason(annotation: Any, reason: str) -> None:
    with pytest.raises(UnsupportedFieldError) as caught:
        column_type(annotation, where="Params.x1")
    assert str(caught.value).startswith("Params.x1")
    assert reason in str(caught.value)


def test_refusal_of_a_nested_field_names_its_path() -> None:
    class Inner(BaseModel):
        ratio: complex

    class Outer(BaseModel):
        inner: list[Inner]

    with pytest.raises(UnsupportedFieldError, match=r"^Outer\.inner\.ratio: complex has no"):
        model_columns(Outer)


def test_fields_keep_the_order_of_declaration() -> None:
    class Later(BaseModel):
        z: int
        a: str

    assert list(model_columns(Later)) == ["z", "a"]


def test_unresolved_name_is_refused() -> None:
    class Unfinished(BaseModel):
        x: Missing  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(UnsupportedFieldError, match="not fully defined"):
        model_columns(Unfinished)


def test_columns_are_compared_without_constraints() -> None:
    bounded = column_type(int, [*Field(ge=0).metadata])
    assert bounded == ColumnType(Kind.INT64)
    assert len(bounded.constraints) == 1
