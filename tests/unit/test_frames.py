"""Stored tasks become frames whose columns and dtypes the models decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgpack
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loguru import logger
from pydantic import Field as ModelField
from pydantic import create_model

from rushtyped.codec import encode_condition, task_codec
from rushtyped.dtypes import column_type
from rushtyped.errors import CorruptDataError, InvalidArgumentError
from rushtyped.frames import Blobs, build_frame, column_dtype, concat_frames, empty_frame
from rushtyped.models import AnyExtra, Condition, Extra, Xs, Ys
from rushtyped.schema import DEFAULT_FIELDS, Field, Models, network_schema
from tests.annotations import CASE_NAMES, CASES, Case, Point, equal

ALL_FIELDS: tuple[Field, ...] = (*DEFAULT_FIELDS, "times")


class Params(Xs):
    x1: float
    point: Point


class Scores(Ys):
    y: float


class Start(Extra):
    batch: int


MODELS = Models(Params, Scores, Start, AnyExtra)
SCHEMA = network_schema(MODELS)
CODEC = task_codec(MODELS)
XS = CODEC.xs.encode(Params(x1=1.0, point=Point(x=2.0)))
YS = CODEC.ys.encode(Scores(y=float("inf")))


def stored(n: int, **columns: Sequence[bytes | None]) -> dict[str, Blobs]:
    """List what is stored of n tasks: nothing but keys and what is given."""
    names = (
        *("state", "xs", "ys", "xs_extra", "ys_extra", "worker_id", "condition"),
        *("created_at", "started_at", "finished_at", "attempt"),
    )
    keys: list[bytes | None] = [f"k{i}".encode() for i in range(n)]
    return {"key": keys, **{name: [None] * n for name in names}, **columns}


def free(*extras: dict[str, Any] | None, group: str = "ys_extra") -> dict[str, Blobs]:
    """List tasks with free-form extras."""
    codec = task_codec(Models(Params, Scores, AnyExtra, AnyExtra)).ys_extra
    blobs = [
        None if extra is None else codec.encode(AnyExtra.model_validate(extra)) for extra in extras
    ]
    return stored(len(blobs), **{group: blobs})


@pytest.fixture
def warnings() -> Iterator[list[str]]:
    """What is logged while the test runs."""
    messages: list[str] = []
    sink = logger.add(lambda message: messages.append(message.record["message"]), level="WARNING")
    yield messages
    logger.remove(sink)


@pytest.mark.parametrize("case", CASES, ids=CASE_NAMES)
@settings(max_examples=25)
@given(data=st.data())
def test_values_of_every_annotation_are_shown_equal(case: Case, data: st.DataObject) -> None:
    model: Any = create_model("One", __base__=Xs, x=(case.annotation, ...))
    models = Models(model, Scores, AnyExtra, AnyExtra)
    values = data.draw(st.lists(case.values, max_size=3))
    encode: Any = task_codec(models).xs.encode
    columns = stored(len(values), xs=[encode(model(x=value)) for value in values])
    frame = build_frame(network_schema(models), columns, ["xs"])
    shown = [None if value is None else case.shown(value) for value in values]
    assert frame.schema == {"key": pl.String(), "x": column_dtype(column_type(case.annotation))}
    assert equal_rows(frame["x"].to_list(), shown)


def equal_rows(rows: list[Any], expected: list[Any]) -> bool:
    """Compare with nan equal to itself and enum members to their strings."""
    return len(rows) == len(expected) and all(
        one == other or equal(one, other) for one, other in zip(rows, expected, strict=True)
    )


def test_columns_come_in_the_order_of_the_schema() -> None:
    columns = stored(
        1,
        state=[b"finished"],
        xs=[XS],
        ys=[YS],
        xs_extra=[CODEC.xs_extra.encode(Start(batch=3))],
        ys_extra=[CODEC.ys_extra.encode(AnyExtra.model_validate({"note": "a"}))],
        worker_id=[b"w1"],
        condition=[encode_condition(Condition(type="E", message="m"))],
        created_at=[b"0"],
        started_at=[b"1000000"],
        finished_at=[b"1700000000123456"],
        attempt=[b"2"],
    )
    frame = build_frame(SCHEMA, columns, ALL_FIELDS, with_state=True)
    assert frame.to_dicts() == [
        {
            "key": "k0",
            "state": "finished",
            "x1": 1.0,
            "point": {"x": 2.0, "when": None},
            "y": float("inf"),
            "batch": 3,
            "note": "a",
            "worker_id": "w1",
            "condition": {"type": "E", "message": "m", "traceback": None},
            "created_at": datetime(1970, 1, 1, tzinfo=UTC),
            "started_at": datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC),
            "finished_at": datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC),
            "attempt": 2,
        }
    ]
    assert list(frame.columns) == list(frame.to_dicts()[0])


def test_empty_frame_has_the_schema_of_a_full_one() -> None:
    full = build_frame(SCHEMA, stored(2, xs=[XS, XS]), ALL_FIELDS, with_state=True)
    empty = empty_frame(SCHEMA, ALL_FIELDS, with_state=True)
    assert empty.schema == full.schema
    assert empty.height == 0
    assert full.schema == {
        "key": pl.String(),
        "state": pl.Enum(["queued", "running", "finished", "failed"]),
        "x1": pl.Float64(),
        "point": pl.Struct({"x": pl.Float64(), "when": pl.Datetime("us")}),
        "y": pl.Float64(),
        "batch": pl.Int64(),
        "worker_id": pl.String(),
        "condition": pl.Struct(dict.fromkeys(("type", "message", "traceback"), pl.String())),
        "created_at": pl.Datetime("us", "UTC"),
        "started_at": pl.Datetime("us", "UTC"),
        "finished_at": pl.Datetime("us", "UTC"),
        "attempt": pl.Int64(),
    }


def test_fields_choose_columns_but_not_their_order() -> None:
    frame = build_frame(SCHEMA, stored(1, xs=[XS]), ["worker_id", "xs"])
    assert frame.columns == ["key", "x1", "point", "worker_id"]
    with pytest.raises(InvalidArgumentError, match="unknown fields 'zs'; choose from xs, ys"):
        build_frame(SCHEMA, stored(0), ["zs"])  # type: ignore[list-item]  # the wrong use


def test_unfinished_tasks_have_null_ys() -> None:
    frame = build_frame(SCHEMA, stored(3, xs=[XS] * 3, ys=[None, YS, None]), DEFAULT_FIELDS)
    assert frame["y"].to_list() == [None, float("inf"), None]
    assert frame["condition"].to_list() == [None, None, None]


def test_rows_of_several_chunks_keep_their_order() -> None:
    ys = [CODEC.ys.encode(Scores(y=float(i))) for i in range(4500)]
    frame = build_frame(SCHEMA, stored(4500, ys=ys), ["ys"])
    assert frame["y"].to_list() == [float(i) for i in range(4500)]
    assert frame["y"].n_chunks() == 1


def test_rows_from_before_an_extension_read_the_default() -> None:
    class Extended(Xs):
        x1: float
        point: Point
        level: int = 7
        maybe: str | None = None
        tags: list[str] = ModelField(default_factory=lambda: ["t"])
        broken: int = "x"  # type: ignore[assignment]  # a default that breaks its own field

    models = Models(Extended, Scores, Start, AnyExtra)
    new = task_codec(models).xs.encode(
        Extended(x1=1.0, point=Point(x=1.0), level=1, maybe="a", tags=[], broken=2)
    )
    frame = build_frame(network_schema(models), stored(2, xs=[XS, new]), ["xs"])
    assert frame.select("maybe", "broken").rows() == [(None, None), ("a", 2)]


def test_rows_from_before_an_extension_read_plain_and_made_defaults() -> None:
    class Extended(Xs):
        x1: float
        point: Point
        level: int = 7
        tags: list[str] = ModelField(default_factory=lambda: ["t"])

    models = Models(Extended, Scores, Start, AnyExtra)
    frame = build_frame(network_schema(models), stored(2, xs=[XS, None]), ["xs"])
    assert frame.select("level", "tags").rows() == [(7, ["t"]), (None, None)]


def test_names_of_a_later_model_are_ignored_in_typed_groups() -> None:
    later = msgpack.packb({"y": 1.0, "z": 2})
    assert build_frame(SCHEMA, stored(1, ys=[later]), ["ys"]).columns == ["key", "y"]


@pytest.mark.parametrize(
    ("column", "blob", "message"),
    [
        ("xs", XS[:-1], "task 'k1', xs: stored Params cannot be read"),
        ("xs", b"\x01", "task 'k1', xs: stored data do not fit"),
        ("xs", msgpack.packb({"x1": 1.0}), r"task 'k1', xs: .*Params\.point: the field is missing"),
        ("ys", msgpack.packb({"y": "a"}), r"task 'k1', ys: .*Scores\.y: .*valid number"),
        ("ys_extra", b"\xc1", "task 'k1', ys_extra: stored AnyExtra cannot be read"),
        ("ys_extra", b"\x01", "task 'k1', ys_extra: stored data do not fit their model"),
        ("condition", b"\x01", "task 'k1', condition: "),
        ("worker_id", b"\xff", "task 'k1', worker_id: "),
        ("created_at", b"soon", "task 'k1', created_at: .*soon"),
        ("state", b"lost", "task 'k1', state: .*lost"),
    ],
)
def test_damaged_data_are_reported_with_key_and_field(
    column: str, blob: bytes, message: str
) -> None:
    good = {"xs": XS, "ys": YS, "state": b"queued"}.get(column)
    columns = {**stored(2, state=[b"queued", b"queued"]), column: [good, blob]}
    with pytest.raises(CorruptDataError, match=message):
        build_frame(SCHEMA, columns, ALL_FIELDS, with_state=True)


@pytest.mark.parametrize(
    ("values", "dtype", "shown"),
    [
        ([1, None, 2], pl.Int64(), [1, None, 2]),
        ([1, 2.5], pl.Float64(), [1.0, 2.5]),
        ([True, None], pl.Boolean(), [True, None]),
        ([b"a"], pl.Binary(), [b"a"]),
        ([None, None], pl.Null(), [None, None]),
        ([date(2020, 1, 1)], pl.Date(), [date(2020, 1, 1)]),
        ([time(1)], pl.Time(), [time(1)]),
        ([timedelta(1)], pl.Duration("us"), [timedelta(1)]),
        (
            [datetime(1, 1, 1, tzinfo=UTC)],
            pl.Datetime("us", "UTC"),
            [datetime(1, 1, 1, tzinfo=UTC)],
        ),
        ([Decimal("1.5")], pl.Decimal(38, 18), [Decimal("1.5")]),
        ([UUID(int=1)], pl.String(), ["00000000-0000-0000-0000-000000000001"]),
        ([[1], [], None, [2.5, None]], pl.List(pl.Float64()), [[1.0], [], None, [2.5, None]]),
        ([(2, 1), {30, 4}], pl.List(pl.Int64()), [[2, 1], [4, 30]]),
        (
            [{"a": 1}, {"b": 2.5}],
            pl.List(pl.Struct({"key": pl.String(), "value": pl.Float64()})),
            [[{"key": "a", "value": 1.0}], [{"key": "b", "value": 2.5}]],
        ),
    ],
)
def test_free_column_takes_the_dtype_that_holds_its_values(
    values: list[Any], dtype: pl.DataType, shown: list[Any]
) -> None:
    columns = free(*({"note": value} for value in values))
    frame = build_frame(SCHEMA, columns, ["ys_extra"])
    assert frame.schema == {"key": pl.String(), "note": dtype}
    assert frame["note"].to_list() == shown


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([1, "a", None], ["1", "a", None]),
        ([2**53 + 1, 0.5], ["9007199254740993", "0.5"]),
        ([True, 1], ["True", "1"]),
        ([[1], 1], ["[1]", "1"]),
        ([[1, "a"]], ["[1, 'a']"]),
        ([Decimal("1E+30")], ["Decimal('1E+30')"]),
    ],
)
def test_free_column_of_mixed_values_is_text(
    values: list[Any], shown: list[Any], warnings: list[str]
) -> None:
    frame = build_frame(SCHEMA, free(*({"note": value} for value in values)), ["ys_extra"])
    assert frame["note"].to_list() == shown
    assert warnings == ["Column 'note' holds values of several types: it is read as text"]


def test_free_columns_come_in_order_of_appearance() -> None:
    columns = free({"b": 1}, None, {"a": 2, "b": 3})
    frame = build_frame(SCHEMA, columns, ["ys_extra"])
    assert frame.columns == ["key", "b", "a"]
    assert frame.rows() == [("k0", 1, None), ("k1", None, None), ("k2", 3, 2)]


def test_free_column_never_replaces_another(warnings: list[str]) -> None:
    frame = build_frame(SCHEMA, free({"y": 1, "key": "a"}), ["ys", "ys_extra"])
    assert frame.columns == ["key", "y", "ys_extra.y", "ys_extra.key"]
    assert warnings[0] == "Column 'y' exists already: that of ys_extra is named 'ys_extra.y'"


def test_frames_with_different_free_columns_are_put_together() -> None:
    one = build_frame(SCHEMA, free({"b": 1, "n": None}), DEFAULT_FIELDS)
    other = build_frame(SCHEMA, free({"c": "x", "b": 0.5, "n": [1]}), DEFAULT_FIELDS)
    frame = concat_frames([one, other])
    assert frame.columns == [
        *("key", "x1", "point", "y", "batch", "c", "b", "n"),
        *("worker_id", "condition"),
    ]
    assert frame.select("b", "n", "c").rows() == [(1.0, None, None), (0.5, [1], "x")]


def test_frames_with_irreconcilable_free_columns_become_text() -> None:
    frames = [build_frame(SCHEMA, free({"b": b}), ["ys_extra"]) for b in (2**53 + 1, 0.5, "x")]
    assert concat_frames(frames)["b"].to_list() == ["9007199254740993", "0.5", "x"]


def test_frames_without_free_columns_are_put_together() -> None:
    frame = build_frame(SCHEMA, stored(1, xs=[XS]), ["xs"])
    assert concat_frames([frame, frame, frame]).equals(pl.concat([frame] * 3))
