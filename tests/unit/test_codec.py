"""Instances become bytes and come back equal; what cannot is refused with its place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import (
    AfterValidator,
    AwareDatetime,
    Field,
    PrivateAttr,
    RootModel,
    computed_field,
    create_model,
    field_validator,
    model_validator,
)

from rushtyped.codec import (
    MAX_VALUE_BYTES,
    ModelCodec,
    as_extra,
    check_free_names,
    decode_condition,
    encode_condition,
    free_names,
    pack_value,
    task_codec,
    unpack_value,
)
from rushtyped.errors import (
    ColumnCollisionError,
    CorruptDataError,
    InvalidTaskError,
    InvalidTypeError,
    TooLargeError,
)
from rushtyped.models import AnyExtra, Condition, Extra, Xs, Ys
from rushtyped.schema import Models, network_schema
from tests.annotations import CASE_NAMES, CASES, Case, Colour, Point, equal

PLUS_TWO = timezone(timedelta(hours=2))
FIRST, LAST = datetime.min, datetime.max  # noqa: DTZ901 - times without a zone are meant


class Params(Xs):
    x1: float = Field(ge=0)
    point: Point
    tags: list[Annotated[str, Field(min_length=1)]] = ["a"]  # noqa: RUF012 - pydantic copies it


class Scores(Ys):
    y: float


class Start(Extra):
    batch: int = Field(alias="Batch")


PARAMS = Params(x1=1.0, point=Point(x=2.0))
CODEC = ModelCodec(Params)


def one(annotation: Any, **config: Any) -> type[Xs]:
    """Make a model with one field."""
    model: type[Xs] = create_model("One", __base__=Xs, x=(annotation, ...), **config)
    return model


@pytest.mark.parametrize("case", CASES, ids=CASE_NAMES)
@settings(max_examples=25)
@given(data=st.data())
def test_values_of_every_annotation_come_back_equal(case: Case, data: st.DataObject) -> None:
    model: Any = one(case.annotation)
    instance = model(x=data.draw(case.values))
    codec: Any = ModelCodec(model)
    decoded = codec.decode(codec.encode(instance))
    assert type(decoded) is model
    assert equal(decoded.x, instance.x)


@pytest.mark.parametrize(
    ("annotation", "value", "stored"),
    [
        (int, 2**63 - 1, 2**63 - 1),
        (float, 1, 1.0),
        (datetime, FIRST, -62135596800000000),
        (datetime, LAST, 253402300799999999),
        (AwareDatetime, datetime(1970, 1, 1, 2, 0, 0, 1, tzinfo=PLUS_TWO), 1),
        (date, date(1969, 12, 31), -1),
        (time, time(0, 0, 1, 5), 1_000_005),
        (timedelta, timedelta(microseconds=-1), -1),
        (Decimal, Decimal("1.50"), "1.50"),
        (Colour, Colour.RED, "red"),
        (UUID, UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Path, Path("a/b"), "a/b"),
        (set[str], {"b", "a"}, ["a", "b"]),
        (set[int], {300, -1, 2}, [-1, 2, 300]),
        (tuple[int, int], (1, 2), [1, 2]),
        (dict[str, Point], {"p": Point(x=0.0)}, {"p": {"x": 0.0, "when": None}}),
        (NDArray[np.float64], np.array([1.0, 2.0]), [1.0, 2.0]),
        (int | None, None, None),
    ],
)
def test_stored_form_of_a_value(annotation: Any, value: Any, stored: Any) -> None:
    model: Any = one(annotation)
    assert msgpack.unpackb(ModelCodec(model).encode(model(x=value))) == {"x": stored}


@pytest.mark.parametrize(
    ("annotation", "value", "reason"),
    [
        (int, 2**63, "less than or equal to 9223372036854775807"),
        (int, -(2**63) - 1, "greater than or equal to -9223372036854775808"),
        (Annotated[int, Field(le=2**70)], 2**63, "it should fit in 64 bits"),
        (int, True, "valid integer"),
        (int, 1.0, "valid integer"),
        (float, "1", "valid number"),
        (float, True, "valid number"),
        (bool, 1, "valid boolean"),
        (str, b"a", "valid string"),
        (str, "\ud800", "valid Unicode"),
        (bytes, "a", "valid bytes"),
        (datetime, datetime(2020, 1, 1, tzinfo=UTC), "not have timezone"),
        (datetime, date(2020, 1, 1), "valid datetime"),
        (AwareDatetime, FIRST, "have timezone"),
        (AwareDatetime, datetime(1, 1, 1, tzinfo=PLUS_TWO), "years 1 to 9999"),
        (date, FIRST, "valid date"),
        (time, time(1, tzinfo=UTC), "must not have a time zone"),
        (timedelta, timedelta.max, "64 bits of microseconds"),
        (Decimal, Decimal("nan"), "finite"),
        (Decimal, Decimal("1E-19"), "18 after the point"),
        (Decimal, Decimal("1E20"), "20 digits before"),
        (Colour, "red", "instance of Colour"),
        (UUID, "00000000-0000-0000-0000-000000000001", "UUID"),
        (Path, "a", "Path"),
        (list[int], (1,), "valid list"),
        (list[int], [1, "a"], "valid integer"),
        (tuple[int, ...], [1], "valid tuple"),
        (set[int], [1], "should be a set"),
        (tuple[int, int], (1, 2, 3), "at most 2 items"),
        (dict[str, int], {1: 1}, "valid string"),
        (dict[str, int], {"\udfff": 1}, "valid Unicode"),
        (Point, {"x": 1.0}, "instance of Point"),
        (Point, Point.model_construct(x="a"), "valid number"),
        (Point, Point.model_construct(), "the field is missing"),
        (list[Point], [Point.model_construct(x=1.0, when=3)], "valid datetime"),
        (NDArray[np.float64], np.zeros((2, 2)), "1 dimension"),
        (NDArray[np.float64], [1.0], "numpy array"),
        (NDArray[np.float64], np.array([2**53 + 1]), "dtype float64, not int64"),
        (NDArray[np.float32], np.array([0.1]), "dtype float32, not float64"),
        (NDArray[np.int8], np.array([300]), "dtype int8, not int64"),
        (Annotated[NDArray[np.int8], Field(min_length=2)], np.zeros(1, "int8"), "at least 2"),
        (Annotated[str, Field(pattern="^a+$")], "b", "pattern"),
        (Annotated[float | None, Field(gt=0)], 0.0, "greater than 0"),
        (Annotated[list[int], Field(max_length=1)], [1, 2], "at most 1 item"),
    ],
)
def test_constructed_instance_that_breaks_its_schema_is_refused(
    annotation: Any, value: Any, reason: str
) -> None:
    model = one(annotation)
    with pytest.raises(InvalidTaskError) as caught:
        ModelCodec(model).encode(model.model_construct(x=value))
    assert str(caught.value).startswith("One.x")
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ({"x1": -1.0}, r"^Params\.x1: .*greater than or equal to 0, got -1\.0 \(float\)"),
        ({"tags": ["a", ""]}, r"^Params\.tags\.1: .*at least 1 character"),
        ({"x2": 1.0}, r"^Params\.x2: no such field is declared, got 1\.0"),
        ({"point": PARAMS}, r"^Params\.point: it should be an instance of Point"),
    ],
)
def test_copied_instance_that_breaks_its_schema_is_refused(
    update: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidTaskError, match=message):
        CODEC.encode(PARAMS.model_copy(update=update))


def test_missing_fields_are_named() -> None:
    with pytest.raises(InvalidTaskError) as caught:
        CODEC.encode(Params.model_construct(x1=1.0, tags=[]))
    assert str(caught.value) == "Params.point: the field is missing"


@pytest.mark.parametrize("given", [Scores(y=1.0), {"x1": 1.0}, None])
def test_instance_of_another_model_is_refused(given: Any) -> None:
    with pytest.raises(InvalidTypeError, match="expected an instance of Params, got"):
        CODEC.encode(given)


def test_instance_of_a_subclass_is_refused_when_it_has_more_fields() -> None:
    class More(Params):
        x2: float

    class Renamed(Params):
        pass

    with pytest.raises(InvalidTypeError, match="expected an instance of Params"):
        CODEC.encode(More(x1=1.0, x2=1.0, point=Point(x=1.0)))
    assert CODEC.decode(CODEC.encode(Renamed(x1=1.0, point=Point(x=2.0)))) == PARAMS


def test_users_validators_do_not_run_again() -> None:
    calls: list[str] = []

    def double(value: float) -> float:
        return 2 * value

    class Checked(Xs):
        x: Annotated[float, AfterValidator(double)]
        name: str

        @field_validator("name")
        @classmethod
        def shout(cls, name: str) -> str:
            return name + "!"

        @model_validator(mode="after")
        def note(self) -> Checked:
            calls.append("note")
            return self

    checked = Checked(x=1.0, name="a")
    codec = ModelCodec(Checked)
    decoded = codec.decode(codec.encode(checked))
    assert (decoded.x, decoded.name, calls) == (2.0, "a!", ["note"])


def test_private_derived_and_computed_values_are_not_stored() -> None:
    class Derived(Xs):
        x: float
        _hidden: int = PrivateAttr(default=3)

        @cached_property
        def square(self) -> float:
            return self.x**2

        @computed_field  # type: ignore[prop-decorator]  # as pydantic documents it
        @property
        def half(self) -> float:
            return self.x / 2

        def model_post_init(self, context: Any, /) -> None:  # noqa: ARG002 - pydantic's signature
            object.__setattr__(self, "x", self.x + 1)

    derived = Derived(x=3.0)
    assert derived.square == 16.0
    codec = ModelCodec(Derived)
    data = codec.encode(derived)
    decoded = codec.decode(data)
    assert msgpack.unpackb(data) == {"x": 4.0}
    assert (decoded.x, decoded._hidden, decoded.square) == (4.0, 3, 16.0)


def test_decoded_instance_is_frozen_and_hashable() -> None:
    class Flat(Xs):
        x: float

    codec = ModelCodec(Flat)
    decoded = codec.decode(codec.encode(Flat(x=1.0)))
    assert hash(decoded) == hash(Flat(x=1.0))
    assert decoded.model_copy(update={"x": 2.0}) == Flat(x=2.0)
    with pytest.raises(ValueError, match="frozen"):
        setattr(decoded, "x", 3.0)  # noqa: B010 - type checkers refuse the plain assignment


def test_root_model_as_a_field_comes_back() -> None:
    class Names(RootModel[list[str]]):
        pass

    model: Any = one(Names)
    codec = ModelCodec(model)
    decoded: Any = codec.decode(codec.encode(model(x=Names(["a"]))))
    assert decoded == model(x=Names(["a"]))
    assert decoded.x.__dict__ == {"root": ["a"]}


def test_fields_are_stored_by_name_not_by_alias() -> None:
    data = ModelCodec(Start).encode(Start(Batch=3))
    assert msgpack.unpackb(data) == {"batch": 3}
    assert ModelCodec(Start).decode(data) == Start(Batch=3)


def test_unknown_names_are_ignored_and_missing_ones_take_their_default() -> None:
    class Old(Xs):
        x: float

    class New(Xs):
        x: float
        tags: list[str] = Field(default_factory=lambda: ["new"])

    class Later(Xs):
        x: float
        z: int

    old, new = ModelCodec(Old), ModelCodec(New)
    assert new.decode(old.encode(Old(x=1.0))) == New(x=1.0, tags=["new"])
    assert old.decode(new.encode(New(x=1.0))) == Old(x=1.0)
    with pytest.raises(CorruptDataError, match=r"Later\.z: the field is missing"):
        ModelCodec(Later).decode(old.encode(Old(x=1.0)))


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"\xc1", b"\x01", b"\xc0", b"\x93", b"\x80"),
        CODEC.encode(PARAMS)[:-1],
        CODEC.encode(PARAMS) + b"\x00",
        msgpack.packb({"x1": "1", "point": {"x": 1.0}}),
        msgpack.packb({"x1": -1.0, "point": {"x": 1.0}}),
        msgpack.packb({"x1": 1.0, "point": {"x": 1.0, "when": 2**62}}),
        msgpack.packb({b"x1": 1.0}),
        b"\x91" * 10_000,
    ],
)
def test_damaged_data_are_reported(data: bytes) -> None:
    with pytest.raises(CorruptDataError, match="stored"):
        CODEC.decode(data)


@given(st.binary(max_size=60))
def test_arbitrary_bytes_never_raise_anything_else(data: bytes) -> None:
    for decode in (CODEC.decode, ModelCodec(AnyExtra).decode, unpack_value, decode_condition):
        read: Callable[[bytes], object] = decode
        try:
            read(data)
        except CorruptDataError:
            continue


ATOMS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.datetimes()
    | st.datetimes(timezones=st.just(UTC))
    | st.dates()
    | st.times()
    | st.timedeltas(timedelta(days=-(10**6)), timedelta(days=10**6))
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.uuids()
)
FREE = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(), inner, max_size=3)
        | st.sets(ATOMS, max_size=3)
        | st.frozensets(ATOMS, max_size=3)
    ),
    max_leaves=8,
)


@given(FREE)
def test_free_values_come_back_equal(value: Any) -> None:
    unpacked = unpack_value(pack_value(value))
    assert unpacked == value
    assert type(unpacked) is type(value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (object(), "got builtins.object"),
        (2**63, "64 bits"),
        (np.float32(1), "got numpy.float32"),
        (Colour.RED, "Colour"),
        ({1: 2}, "keys of a dict should be str, got 1"),
        (Decimal("nan"), "finite"),
        (time(1, tzinfo=UTC), "must not have a time zone"),
        (["\ud800"], "valid Unicode"),
        ({"a": {"b": object()}}, r"note\['a'\]\['b'\]"),
    ],
)
def test_free_value_without_a_form_is_refused(value: Any, reason: str) -> None:
    extra = AnyExtra.model_construct(note=value)
    with pytest.raises(InvalidTaskError, match=reason) as caught:
        ModelCodec(AnyExtra).encode(extra)
    assert str(caught.value).startswith("AnyExtra.note")


def test_value_that_contains_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InvalidTaskError, match="nested deeper than 64 levels"):
        pack_value(endless)


def test_value_beyond_the_limit_of_redis_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_VALUE_BYTES == 536_870_912
    monkeypatch.setattr("rushtyped.codec.free.MAX_VALUE_BYTES", 10)
    with pytest.raises(TooLargeError, match="takes 13 bytes, Redis stores at most 10"):
        pack_value(b"12345678901")
    with pytest.raises(TooLargeError, match="Params"):
        CODEC.encode(PARAMS)


def test_free_form_extra_comes_back_with_its_declared_fields() -> None:
    class Open(Extra, extra="allow"):
        batch: int

    extra = Open.model_validate({"batch": 1, "note": ("a", {1}), "at": date(2020, 1, 1)})
    codec = ModelCodec(Open)
    decoded = codec.decode(codec.encode(extra))
    assert decoded == extra
    assert free_names(decoded) == {"note", "at"}
    with pytest.raises(InvalidTaskError, match=r"Open\.batch"):
        codec.encode(extra.model_copy(update={"batch": "x"}))


def test_mapping_is_taken_as_an_extra() -> None:
    assert as_extra(Start, {"batch": 3}) == Start(Batch=3)
    assert as_extra(AnyExtra, {"a": 1}) == AnyExtra.model_validate({"a": 1})
    with pytest.raises(InvalidTaskError, match=r"Start\.seed: no such field is declared"):
        as_extra(Start, {"batch": 3, "seed": 1})
    with pytest.raises(InvalidTypeError, match="expected an instance of Start or a mapping"):
        as_extra(Start, AnyExtra())


def test_free_names_must_not_take_columns_of_the_network() -> None:
    schema = network_schema(Models(Params, Scores, AnyExtra, AnyExtra))
    check_free_names(schema, "xs_extra", ["note"])
    with pytest.raises(ColumnCollisionError) as caught:
        check_free_names(schema, "xs_extra", ["y", "key", "note"])
    assert str(caught.value) == (
        "xs_extra: 'key' belongs to rushtyped, as a reserved name; 'y' belongs to ys (Scores.y); "
        "give what the extra holds names of its own"
    )


def test_codecs_of_the_same_models_are_made_once() -> None:
    codec = task_codec(Models(Params, Scores, Start, AnyExtra))
    assert codec is task_codec(Models(Params, Scores, Start, AnyExtra))
    assert codec.group("xs_extra") is codec.xs_extra
    assert codec.ys.decode(codec.ys.encode(Scores(y=1.0))) == Scores(y=1.0)


def test_condition_comes_back_and_keeps_odd_text_readable() -> None:
    condition = Condition.from_exception(ValueError("no \ud800 é"))
    decoded = decode_condition(encode_condition(condition))
    assert decoded == Condition(type="ValueError", message="no \\ud800 é")
    with pytest.raises(InvalidTaskError, match=r"Condition\.type"):
        encode_condition(Condition.model_construct(type=3, message="a"))


def test_same_set_gives_the_same_bytes() -> None:
    assert pack_value({"a", "b", 1}) == pack_value({1, "b", "a"})


@pytest.mark.parametrize("data", [b"\x01", b"\x90", b"\xc1", b""])
def test_stored_values_that_are_no_map_are_reported(data: bytes) -> None:
    assert CODEC.decode_values(CODEC.encode(PARAMS))["x1"] == 1.0
    with pytest.raises(CorruptDataError, match="stored Params"):
        CODEC.decode_values(data)
