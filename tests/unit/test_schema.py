"""The schema of a network: its columns, its JSON form, and who may join."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import AwareDatetime, BaseModel, Field, create_model

from rushtyped.errors import (
    ColumnCollisionError,
    CorruptDataError,
    InvalidTypeError,
    UnsupportedFieldError,
)
from rushtyped.models import AnyExtra, Extra, Xs, Ys
from rushtyped.schema import (
    Models,
    SchemaMatch,
    compare_schemas,
    network_schema,
    schema_json,
)


class Part(BaseModel):
    """A docstring that does not matter."""

    weight: float


class Params(Xs):
    x1: float = Field(ge=0, description="the first")
    part: Part
    path: tuple[str, ...] = ()


class Scores(Ys):
    y: float


class Start(Extra):
    batch: int


class OpenStart(Extra, extra="allow"):
    batch: int


MODELS = Models(Params, Scores, AnyExtra, AnyExtra)


def schema_differences(stored: bytes, declared: Models) -> list[str]:
    return list(compare_schemas(stored, declared).differences)


def with_xs(**fields: Any) -> Models:
    """Models whose xs has other fields."""
    namespace = {"__annotations__": {name: kind for name, (kind, _) in fields.items()}}
    defaults = {name: default for name, (_, default) in fields.items() if default is not ...}
    return Models(type("Params", (Xs,), {**namespace, **defaults}), Scores, AnyExtra, AnyExtra)


def test_columns_of_each_group_are_listed_in_order() -> None:
    schema = network_schema(Models(Params, Scores, Start, AnyExtra))
    assert {group.name: list(group.columns) for group in schema.groups} == {
        "xs": ["x1", "part", "path"],
        "ys": ["y"],
        "xs_extra": ["batch"],
        "ys_extra": [],
    }
    assert [group.free_form for group in schema.groups] == [False, False, False, True]


def test_same_models_give_the_same_schema_object() -> None:
    assert network_schema(MODELS) is network_schema(Models(Params, Scores, AnyExtra, AnyExtra))


def test_extra_may_declare_fields_and_allow_more() -> None:
    schema = network_schema(Models(Params, Scores, OpenStart, AnyExtra))
    assert schema.xs_extra.free_form
    assert list(schema.xs_extra.columns) == ["batch"]


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ((Scores, Params, AnyExtra, AnyExtra), "xs: expected a subclass of Xs, got Scores, a sub"),
        ((Params, Params, AnyExtra, AnyExtra), "ys: expected a subclass of Ys, got Params"),
        ((Params, Scores, Scores, AnyExtra), "xs_extra: expected a subclass of Extra, got Scores"),
        ((Params, Scores, AnyExtra, 3), "ys_extra: expected a subclass of Extra, got 3"),
    ],
)
def test_model_in_the_wrong_place_is_refused(models: Any, message: str) -> None:
    with pytest.raises(InvalidTypeError, match=message):
        network_schema(Models(*models))


def test_xs_that_take_any_names_are_refused() -> None:
    class Loose(Xs, extra="allow"):
        x: float

    with pytest.raises(InvalidTypeError, match="only an Extra may have"):
        network_schema(Models(Loose, Scores, AnyExtra, AnyExtra))


def test_field_without_a_column_type_is_refused_with_its_place() -> None:
    class Odd(Xs):
        x1: complex

    with pytest.raises(UnsupportedFieldError, match=r"Odd\.x1: complex"):
        network_schema(Models(Odd, Scores, AnyExtra, AnyExtra))


@pytest.mark.parametrize(
    "name",
    [
        *("key", "state", "worker_id", "condition"),
        *("created_at", "started_at", "finished_at", "attempt"),
    ],
)
def test_reserved_column_name_is_refused(name: str) -> None:
    with pytest.raises(ColumnCollisionError, match=rf"xs \(Params\.{name}\) takes the reserved"):
        network_schema(with_xs(**{name: (int, ...)}))


def test_column_that_two_models_declare_is_refused_with_both_places() -> None:
    class Clash(Extra):
        y: float

    with pytest.raises(ColumnCollisionError) as caught:
        network_schema(Models(Params, Scores, AnyExtra, Clash))
    assert "by ys (Scores.y) and by ys_extra (Clash.y)" in str(caught.value)


def test_json_schema_carries_the_column_of_each_property() -> None:
    document = json.loads(schema_json(MODELS))
    assert document["xs"]["properties"]["x1"]["column"] == "Float64"
    assert document["xs"]["properties"]["part"]["column"] == "Struct{weight: Float64}"
    assert document["xs"]["required"] == ["part", "x1"]
    assert document["ys_extra"]["additionalProperties"] is True
    assert "$ref" not in schema_json(MODELS).decode()


def test_json_schema_is_canonical() -> None:
    document = json.loads(schema_json(MODELS))
    assert schema_json(MODELS) == (
        json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    )


def test_json_schema_leaves_numpy_arrays_open() -> None:
    models = with_xs(a=(NDArray[np.float64], ...))
    document = json.loads(schema_json(models))
    assert document["xs"]["properties"]["a"] == {"column": "List(Float64)", "title": "A"}


def test_equal_models_match() -> None:
    comparison = compare_schemas(schema_json(MODELS), MODELS)
    assert comparison.match is SchemaMatch.SAME
    assert comparison.merged == schema_json(MODELS)


def test_titles_descriptions_and_defaults_do_not_matter() -> None:
    one = with_xs(x=(float, Field(default=1.0, title="A", description="b")))
    other = with_xs(x=(float, Field(default=2.0, examples=[3])))
    assert compare_schemas(schema_json(one), other).match is SchemaMatch.SAME


def test_added_field_with_a_default_extends_the_schema() -> None:
    old, new = with_xs(x=(float, ...)), with_xs(x=(float, ...), note=(str, "none"))
    comparison = compare_schemas(schema_json(old), new)
    assert comparison.match is SchemaMatch.EXTENDED
    assert compare_schemas(comparison.merged, new).match is SchemaMatch.SAME
    assert compare_schemas(comparison.merged, old).match is SchemaMatch.SAME


def test_two_extensions_are_both_kept() -> None:
    old = with_xs(x=(float, ...))
    one = with_xs(x=(float, ...), a=(int, 1))
    other = with_xs(x=(float, ...), b=(int, 1))
    merged = compare_schemas(schema_json(old), one).merged
    merged = compare_schemas(merged, other).merged
    assert schema_differences(merged, with_xs(x=(float, ...), a=(str, "1"))) == [
        "xs.a: stored Int64, declared String"
    ]
    assert schema_differences(merged, with_xs(x=(float, ...), b=(str, "1"))) == [
        "xs.b: stored Int64, declared String"
    ]


@pytest.mark.parametrize(
    ("fields", "difference"),
    [
        ({"x": (int, ...)}, "xs.x: stored Float64, declared Int64"),
        ({"x": (float | None, ...)}, "xs.x: stored Float64, declared Float64?"),
        ({}, "xs.x: stored Float64, not declared"),
        (
            {"x": (float, ...), "z": (int, ...)},
            "xs.z: not stored, declared Int64 without a default",
        ),
        (
            {"x": (float, Field(ge=1))},
            'xs.x: stored Float64, declared Float64 {"minimum": 1}',
        ),
    ],
)
def test_each_difference_is_one_line(fields: dict[str, Any], difference: str) -> None:
    stored = schema_json(with_xs(x=(float, ...)))
    assert schema_differences(stored, with_xs(**fields)) == [difference]


def test_field_that_rows_may_lack_cannot_become_required() -> None:
    old, new = with_xs(x=(float, ...)), with_xs(x=(float, ...), note=(str, "none"))
    merged = compare_schemas(schema_json(old), new).merged
    assert schema_differences(merged, with_xs(x=(float, ...), note=(str, ...))) == [
        "xs.note: stored rows may lack it, declared without a default"
    ]


def test_same_column_with_another_meaning_differs() -> None:
    stored = schema_json(with_xs(at=(AwareDatetime, ...), ids=(list[int], ...)))
    lines = schema_differences(stored, with_xs(at=(AwareDatetime, ...), ids=(set[int], ...)))
    assert lines == ['xs.ids: stored List(Int64), declared List(Int64) {"uniqueItems": true}']


def test_free_form_and_typed_extra_differ() -> None:
    typed = Models(Params, Scores, Start, AnyExtra)
    assert schema_differences(schema_json(MODELS), typed) == [
        "xs_extra: stored schema takes any names, declared model takes declared names only"
    ]


@pytest.mark.parametrize("stored", [b"", b"\xff", b"[]", b"{}", b'{"xs": 1}', b"null", b"[" * 9999])
def test_damaged_schema_is_reported(stored: bytes) -> None:
    with pytest.raises(CorruptDataError, match="cannot be read"):
        compare_schemas(stored, MODELS)


def rbf(name: str = "Rbf", **constraints: Any) -> Any:
    tags: Any = Literal["rbf", "gauss"]
    return create_model(name, kernel=(tags, "rbf"), gamma=(float, Field(**constraints)))


class Poly(BaseModel):
    kernel: Literal["poly"]
    degree: int


class Again(BaseModel):
    kernel: Literal["again"]
    gamma: float


class Last(BaseModel):
    kernel: Literal["last"]


def with_union(*members: Any) -> Models:
    """Models whose xs has a union in several places."""
    union: Any = members[0]
    for member in members[1:]:
        union |= member
    union = Annotated[union, Field(discriminator="kernel")]
    return with_xs(k=(union, ...), many=(list[union], ...), maybe=(union | None, ...))


def test_union_of_renamed_members_is_the_same() -> None:
    stored = schema_json(with_union(rbf(), Poly))
    assert compare_schemas(stored, with_union(rbf("Gauss"), Poly)).match is SchemaMatch.SAME
    assert b"$defs" not in stored


def test_constraint_of_a_member_is_named_with_its_tags() -> None:
    stored = schema_json(with_union(rbf(), Poly))
    assert schema_differences(stored, with_union(rbf(ge=0), Poly)) == [
        f'xs.{place}[rbf, gauss].gamma: stored number, declared number {{"minimum": 0}}'
        for place in ("k", "many[]", "maybe")
    ]


def test_one_more_member_is_a_difference() -> None:
    stored = schema_json(with_union(rbf(), Again))
    before = "Struct{kernel: Enum('rbf', 'gauss', 'again'), gamma: Float64}"
    after = "Struct{kernel: Enum('rbf', 'gauss', 'again', 'last'), gamma: Float64?}"
    assert schema_differences(stored, with_union(rbf(), Again, Last)) == [
        f"xs.k: stored {before}, declared {after}",
        f"xs.many: stored List({before}), declared List({after})",
        f"xs.maybe: stored {before}?, declared {after}?",
    ]


def test_a_tag_that_moves_to_another_member_is_a_difference() -> None:
    def pair(first: Any, second: Any) -> Models:
        one = create_model("One", kernel=(first, ...), x=(float, ...))
        other = create_model("Other", kernel=(second, ...), y=(float, ...))
        return with_union(one, other)

    stored = schema_json(pair(Literal["a", "b"], Literal["c"]))
    lines = schema_differences(stored, pair(Literal["a"], Literal["b", "c"]))
    assert len(lines) == 3
    assert lines[0].startswith("xs.k: stored Struct{kernel: Enum('a', 'b', 'c'), x: Float64?")


def test_difference_within_nested_models_is_named_by_its_path() -> None:
    def nested(**constraints: Any) -> Models:
        inner: Any = create_model("Inner", x=(float | None, Field(**constraints)))
        outer = create_model("Outer", inners=(dict[str, list[inner]], ...))
        return with_xs(outer=(outer, ...))

    assert schema_differences(schema_json(nested(ge=0)), nested(ge=1)) == [
        'xs.outer.inners[][].x: stored number {"minimum": 0}, declared number {"minimum": 1}'
    ]
