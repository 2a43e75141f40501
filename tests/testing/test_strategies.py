"""Strategies draw all that a model takes, and nothing else."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    Field,
    FilePath,
    RootModel,
    field_validator,
    model_validator,
)

from rushtyped import AnyExtra, Extra, InvalidArgumentError, InvalidTypeError, Xs, Ys
from rushtyped.codec import ModelCodec, free_names
from rushtyped.testing import extra_strategy, xs_strategy, ys_strategy
from tests.annotations import CASE_NAMES, CASES, Case, Point
from tests.testing.drawing import QUICK, check_accepted, drawn, one, reach


@pytest.mark.parametrize("case", CASES, ids=CASE_NAMES)
def test_every_value_for_an_annotation_is_taken_and_comes_back(case: Case) -> None:
    check_accepted(one(case.annotation))


@pytest.mark.parametrize("case", CASES, ids=CASE_NAMES)
def test_strict_models_take_every_value_too(case: Case) -> None:
    check_accepted(one(case.annotation, strict=True))


class Circle(BaseModel):
    kind: Literal["circle"] = "circle"
    radius: float = Field(gt=0)


class Square(BaseModel):
    kind: Literal["square", "box"]
    side: float = Field(gt=0)


class Names(RootModel[list[str]]):
    pass


Shape = Annotated[Circle | Square, Field(discriminator="kind")]


@pytest.mark.parametrize("shown", [Circle, Square, type(None)])
def test_every_member_of_a_union_is_drawn(shown: type) -> None:
    model = one(Shape | None)
    check_accepted(model)
    reach(xs_strategy(model), lambda xs: isinstance(xs.x, shown))


def test_root_models_are_drawn() -> None:
    check_accepted(one(Names))
    reach(xs_strategy(one(Names)), lambda xs: isinstance(xs.x, Names) and xs.x.root != [])


def test_fields_are_filled_by_name_whatever_their_alias() -> None:
    class Aliased(Xs):
        size: int = Field(alias="Size", ge=1)
        name: str = Field(validation_alias=AliasChoices("Name", "title"), min_length=1)

    @QUICK
    @given(xs_strategy(Aliased))
    def filled(xs: Aliased) -> None:
        assert xs.size >= 1
        assert xs.name

    filled()


class Ordered(Xs):
    low: int = Field(ge=0, le=9)
    high: Annotated[int, Field(ge=0, le=9), AfterValidator(lambda value: value + 100)]
    name: str

    @field_validator("name")
    @classmethod
    def in_upper_case(cls, name: str) -> str:
        return name.upper()

    @model_validator(mode="after")
    def in_order(self) -> Ordered:
        if self.low > self.high - 100:
            raise ValueError("low is above high")
        return self


@QUICK
@given(xs_strategy(Ordered))
def test_validators_refuse_and_change_values_once(xs: Ordered) -> None:
    assert 0 <= xs.low <= xs.high - 100 <= 9
    assert xs.name == xs.name.upper()


def test_a_value_that_a_validator_makes_too_large_is_not_drawn() -> None:
    model = one(Annotated[int, Field(ge=2**63 - 9), AfterValidator(lambda value: value + 5)])

    @QUICK
    @given(xs_strategy(model))
    def stored(xs: Any) -> None:
        assert ModelCodec(model).encode(xs)

    stored()


def test_a_model_that_refuses_everything_is_named() -> None:
    class Source(Xs):
        path: FilePath

    with pytest.raises(
        InvalidArgumentError, match="values of Source passes its validators"
    ) as caught:
        find(xs_strategy(Source), lambda _: True, settings=settings(database=None))
    assert "give strategies that do for the fields which they check, by name" in str(caught.value)
    here = find(xs_strategy(Source, path=st.just(__file__)), lambda _: True)
    assert str(here.path) == __file__


class Params(Xs):
    x1: float = Field(ge=0)
    x2: list[int] = []  # noqa: RUF012 - pydantic copies it


class Scores(Ys):
    y: float


class Start(Extra):
    batch: int


class Open(Extra, extra="allow"):
    batch: int = Field(ge=1)


@QUICK
@given(
    xs_strategy(Params, x1=st.just(0.5)),
    ys_strategy(Scores, y=st.floats(1, 2)),
    extra_strategy(Start, batch=st.integers(3, 4)),
)
def test_a_strategy_for_a_field_replaces_its_own(
    params: Params, scores: Scores, start: Start
) -> None:
    assert params.x1 == 0.5
    assert 1 <= scores.y <= 2
    assert start.batch in {3, 4}


@QUICK
@given(extra_strategy(AnyExtra, ["y"], "a"), extra_strategy(Open, note=st.just(1)))
def test_free_form_extras_have_names_of_their_own(free: AnyExtra, declared: Open) -> None:
    assert all(name.startswith("a") for name in free_names(free))
    assert ModelCodec(AnyExtra).encode(free)
    assert declared.batch >= 1
    assert "note" in free_names(declared)


def test_free_names_avoid_what_is_taken() -> None:
    names = [free_names(extra) for extra in drawn(extra_strategy(AnyExtra, ["0", "1"]))]
    assert any(names)
    assert not {"0", "1", "key", "state"} & set().union(*names)


@pytest.mark.parametrize(
    ("make", "model", "message"),
    [
        (xs_strategy, Params(x1=1.0), r"expected a subclass of Xs, got Params\(x1=1.0.*\(Params\)"),
        (xs_strategy, int, "expected a subclass of Xs, got int$"),
        (xs_strategy, None, r"expected a subclass of Xs, got None \(NoneType\)"),
        (xs_strategy, Scores, "expected a subclass of Xs, got Scores, a subclass of Ys"),
        (ys_strategy, Params, "expected a subclass of Ys, got Params, a subclass of Xs"),
        (ys_strategy, Point, "expected a subclass of Ys, got Point$"),
        (extra_strategy, Params, "expected a subclass of Extra, got Params, a subclass of Xs"),
    ],
)
def test_a_model_in_the_wrong_place_is_refused(make: Any, model: Any, message: str) -> None:
    with pytest.raises(InvalidTypeError, match=message):
        make(model)


def test_the_name_of_no_field_is_refused() -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        xs_strategy(Params, x3=st.integers())
    assert str(caught.value) == "Params has no field 'x3'; its fields are x1, x2"


def test_what_is_no_strategy_is_refused() -> None:
    value: Any = 3
    with pytest.raises(
        InvalidTypeError, match=r"Params\.x1: expected a Hypothesis strategy, got 3 \(int\)"
    ):
        xs_strategy(Params, x1=value)
