"""Annotations become column types, or are refused with the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, Optional, TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import (
    UUID4,
    AfterValidator,
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    EmailStr,
    Field,
    Json,
    PastDate,
    PlainSerializer,
    PlainValidator,
    SecretStr,
    SkipValidation,
    StringConstraints,
    WrapValidator,
    field_validator,
)
from typing_extensions import TypeAliasType
from typing_extensions import TypeVar as TypeVarWithDefault

from rushtyped.dtypes import ColumnType, Kind, column_type, model_columns
from rushtyped.errors import UnsupportedFieldError
from tests.annotations import CASE_NAMES, CASES, Case

T = TypeVar("T")
U = TypeVar("U")
D = TypeVarWithDefault("D", default=float)
Reals = TypeAliasType("Reals", list[float])
Many = TypeAliasType("Many", tuple[T, ...], type_params=(T,))
Turned = TypeAliasType("Turned", dict[U, T], type_params=(T, U))
Same = TypeAliasType("Same", bool, type_params=(T,))


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
        (Turned[int, str], "List(Struct{key: String, value: Int64})"),
        (Same[str], "Boolean"),
        (D, "Float64"),
        (EmailStr, "String"),
        (PastDate, "Date"),
        (Json[list[int]], "List(Int64)"),
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
        (SecretStr, "it would be stored as plain text"),
        (Json, "Json[list[int]]"),
        (T, "it is a type variable"),
        (None, "leave it out"),
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


class Rbf(BaseModel):
    """Tagged by two strings."""

    kernel: Literal["rbf", "gauss"]
    gamma: float


class Poly(BaseModel):
    kernel: Literal["poly"] = "poly"
    gamma: float | None
    degree: int


class Linear(BaseModel):
    kernel: Literal["linear"]


BY_KERNEL = Field(discriminator="kernel")
Kernel = TypeAliasType("Kernel", Annotated[Rbf | Poly, BY_KERNEL])


def test_union_is_a_struct_of_the_fields_of_its_members() -> None:
    column = column_type(Annotated[Rbf | Poly, BY_KERNEL])
    assert str(column) == (
        "Struct{kernel: Enum('rbf', 'gauss', 'poly'), gamma: Float64?, degree: Int64?}"
    )
    assert column.tag == "kernel"
    assert [(variant.python, str(variant)) for variant in column.variants] == [
        (Rbf, "Struct{kernel: Enum('rbf', 'gauss'), gamma: Float64}"),
        (Poly, "Struct{kernel: Enum('poly'), gamma: Float64?, degree: Int64}"),
    ]


@pytest.mark.parametrize(
    ("annotation", "column"),
    [
        (Annotated[Rbf | Linear, Discriminator("kernel")], "UNION"),
        (Annotated[Rbf | Linear, Field(discriminator=Discriminator("kernel"))], "UNION"),
        (Annotated[Rbf | Linear | None, BY_KERNEL], "UNION?"),
        (Annotated[Rbf | Linear, BY_KERNEL] | None, "UNION?"),
        (Annotated[Annotated[Rbf | Linear, BY_KERNEL], "a note"], "UNION"),
        (list[Annotated[Rbf | Linear, BY_KERNEL]], "List(UNION)"),
    ],
)
def test_union_may_be_declared_in_other_ways(annotation: Any, column: str) -> None:
    union = "Struct{kernel: Enum('rbf', 'gauss', 'linear'), gamma: Float64?}"
    assert str(column_type(annotation)) == column.replace("UNION", union)


def test_unions_in_a_union_are_one_union() -> None:
    column = column_type(Annotated[Kernel | Linear | Rbf | None, BY_KERNEL])
    assert [variant.python for variant in column.variants] == [Rbf, Poly, Linear]
    assert column.nullable


@pytest.mark.parametrize(
    ("annotation", "n_constraints"),
    [
        (Annotated[int, Field(ge=0), BeforeValidator(abs)], 1),
        (Annotated[int, Field(ge=0), PlainSerializer(str)], 1),
        (Annotated[int, AfterValidator(abs), Field(ge=0)], 1),
        (Annotated[int, Field(ge=0), AfterValidator(abs)], 0),
        (Annotated[int, Field(ge=0), WrapValidator(lambda value, check: check(value))], 0),
        (Annotated[int, Field(ge=0), PlainValidator(abs)], 0),
        (Annotated[int, Field(ge=0), SkipValidation], 0),
        (Annotated[str, Field(pattern="a"), StringConstraints(to_upper=True)], 0),
        (Annotated[str, StringConstraints(to_lower=True, max_length=2)], 0),
        (Annotated[str, StringConstraints(strip_whitespace=True, max_length=2)], 1),
    ],
)
def test_constraints_hold_unless_a_validator_may_change_the_value_after_them(
    annotation: Any, n_constraints: int
) -> None:
    assert len(column_type(annotation).constraints) == n_constraints


def test_a_validator_of_the_whole_frees_its_items_from_their_constraints() -> None:
    inner = Annotated[int, Field(ge=0)]
    changed = column_type(Annotated[tuple[inner, inner], AfterValidator(sorted)])
    assert changed.inner is not None
    assert (changed.inner.constraints, changed.items[1].constraints) == ((), ())


def test_a_field_validator_frees_its_field_from_its_constraints() -> None:
    class Checked(BaseModel):
        before: int = Field(ge=0)
        after: int = Field(ge=0)

        @field_validator("before", mode="before")
        @classmethod
        def first(cls, value: int) -> int:
            return value

        @field_validator("after")
        @classmethod
        def then(cls, value: int) -> int:
            return -value

    columns = model_columns(Checked)
    assert len(columns["before"].constraints) == 1
    assert columns["after"].constraints == ()
