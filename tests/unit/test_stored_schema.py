"""Column types are read back from their text, and models from recorded schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import reduce
from itertools import cycle, islice
from operator import getitem
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import create_model

from rushtyped.dtypes import ColumnType, Kind, model_columns
from rushtyped.errors import CorruptDataError
from rushtyped.models import AnyExtra, Extra, Xs, Ys
from rushtyped.schema import Models, compare_schemas, network_schema, schema_json
from rushtyped.stored_schema import parse_column, stored_models
from tests.annotations import CASE_NAMES, CASES, Case
from tests.wire_dump import Params as WireParams

NAMES = st.from_regex(r"[^\W\d]\w{0,5}", fullmatch=True)
_OTHER = {Kind.ENUM, Kind.DECIMAL, Kind.LIST, Kind.ARRAY, Kind.STRUCT}
PLAIN = st.builds(
    ColumnType, st.sampled_from([kind for kind in Kind if kind not in _OTHER]), st.booleans()
)
ENUMS = st.builds(
    ColumnType,
    st.just(Kind.ENUM),
    st.booleans(),
    categories=st.lists(st.text(), min_size=1, max_size=3).map(tuple),
)
DECIMALS = st.builds(
    ColumnType, st.just(Kind.DECIMAL), precision=st.integers(1, 38), scale=st.integers(0, 38)
)


def containers(inner: st.SearchStrategy[ColumnType]) -> st.SearchStrategy[ColumnType]:
    fields = st.lists(st.tuples(NAMES, inner), min_size=1, max_size=3).map(tuple)
    flag = st.booleans()
    return (
        st.builds(ColumnType, st.just(Kind.LIST), flag, inner)
        | st.builds(ColumnType, st.just(Kind.ARRAY), flag, inner, width=st.integers(1, 99))
        | st.builds(ColumnType, st.just(Kind.STRUCT), flag, fields=fields)
    )


COLUMNS = st.recursive(PLAIN | ENUMS | DECIMALS, containers, max_leaves=6)


@given(COLUMNS)
def test_a_column_type_is_read_back_from_its_text(column: ColumnType) -> None:
    assert parse_column(str(column)) == column


@pytest.mark.parametrize(
    "text",
    [
        *("", "Int63", "Int64 ", "Int64??", "List", "List()", "List(Int64", "Enum()", "Enum('a)"),
        *("Decimal(3)", "Decimal(1, 2, 3)", "Array(Int64)", "Array(Int64, x)", "Struct{}"),
        *("Struct{a: }", "Struct{a: Int64", "Struct{a: Int64}}", "List(" * 5000),
    ],
)
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(CorruptDataError, match="the column type"):
        parse_column(text)


class Scores(Ys):
    y: float


class Start(Extra):
    batch: int = 0


@pytest.mark.parametrize("case", CASES, ids=CASE_NAMES)
def test_models_are_made_with_the_columns_that_were_recorded(case: Case) -> None:
    fields: Any = {"value": (case.annotation, ...), "values": (list[case.annotation], ...)}  # type: ignore[name-defined]  # at run time
    model = create_model("Params", __base__=Xs, **fields)
    columns = model_columns(model)
    read = stored_models(schema_json(Models(model, Scores, AnyExtra, AnyExtra)))
    assert read.xs.__name__ == "Params"
    assert issubclass(read.xs, Xs)
    assert model_columns(read.xs) == columns
    assert read[2:] == (AnyExtra, AnyExtra)


class Shuffled(Xs):
    z: int
    b: float
    a: str = "one"
    model_b: int | None = None


class OpenStart(Extra, extra="allow"):
    stage: int


def test_fields_keep_their_order_and_their_need() -> None:
    read = stored_models(schema_json(Models(Shuffled, Scores, Start, OpenStart)))
    assert list(network_schema(read).xs.columns) == ["z", "b", "a", "model_b"]
    required = {name for name, info in read.xs.model_fields.items() if info.is_required()}
    assert required == {"z", "b"}
    assert str(network_schema(read).xs_extra.columns["batch"]) == "Int64?"
    assert not network_schema(read).xs_extra.free_form
    assert network_schema(read).ys_extra.free_form
    assert list(network_schema(read).ys_extra.columns) == ["stage"]


def test_a_name_that_its_declarer_was_warned_of_gives_no_further_warning() -> None:
    fields: Any = {"copy": (float, ...)}
    with pytest.warns(UserWarning, match="shadows an attribute"):
        model = create_model("Params", __base__=Xs, **fields)
    read = stored_models(schema_json(Models(model, Scores, AnyExtra, AnyExtra)))
    assert list(read.xs.model_fields) == ["copy"]


def test_the_same_schemas_give_the_same_models() -> None:
    schemas = schema_json(Models(Shuffled, Scores, Start, OpenStart))
    assert stored_models(schemas) is stored_models(bytes(bytearray(schemas)))


WHOLE = Models(WireParams, Scores, Start, OpenStart)
OTHER_VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, "", "_x", "key", "Int64", "Struct{: Int64}", "Struct{_a: Int64}"),
    *("List(Struct{key: Int64})", [], ["x"], [1], {}, {"column": "Int64"}, {"a": None}),
)


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """List where something stands in a JSON document."""
    parts = node.items() if isinstance(node, dict) else enumerate(node)
    for name, part in parts:
        yield (*path, name)
        if isinstance(part, dict | list):
            yield from places(part, (*path, name))


def damaged() -> Iterator[bytes]:
    """Put other values in every place of recorded schemas, and other names."""
    whole = schema_json(WHOLE)
    others = cycle(OTHER_VALUES)
    for *path, last in places(json.loads(whole)):
        for other in islice(others, 5):
            document = json.loads(whole)
            node = reduce(getitem, path, document)
            node[last] = other
            yield json.dumps(document).encode()
            if isinstance(node, dict) and isinstance(other, str):
                node[other] = node.pop(last)
                yield json.dumps(document).encode()


def test_damaged_schemas_are_read_or_refused_by_name() -> None:
    """Whoever wrote to `meta` must not make other errors come out of the library."""
    refused = n = 0
    for schemas in damaged():
        n += 1
        try:
            stored_models.__wrapped__(schemas)
        except CorruptDataError:
            refused += 1
        with suppress(CorruptDataError):
            compare_schemas(schemas, WHOLE)
    assert n > 1500
    assert refused > n / 3


@pytest.mark.parametrize("schemas", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b"{}"])
def test_what_are_no_schemas_is_refused(schemas: bytes) -> None:
    with pytest.raises(CorruptDataError, match="recorded in the network cannot be read"):
        stored_models(schemas)
