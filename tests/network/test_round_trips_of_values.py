"""Every kind of value comes back equal to what went in: as a frame and as a model."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel, ConfigDict, HttpUrl, create_model

from rushtyped import Network, Worker, Xs, Ys
from rushtyped.keys import new_network_id
from tests.annotations import CASE_NAMES, CASES, Case, equal

pytestmark = pytest.mark.not_on(
    *("cluster", "sentinel", "tls", "acl"),
    reason="values are stored alike however their server is reached",
)
FEW = settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
POINT = pl.Struct({"x": pl.Float64, "when": pl.Datetime("us")})
DTYPES: dict[str, Any] = {
    "Int64": pl.Int64(),
    "Float64": pl.Float64(),
    "Boolean": pl.Boolean(),
    "String": pl.String(),
    "Binary": pl.Binary(),
    "Datetime": pl.Datetime("us"),
    "Datetime(UTC)": pl.Datetime("us", "UTC"),
    "Date": pl.Date(),
    "Time": pl.Time(),
    "Duration": pl.Duration("us"),
    "Decimal(38, 18)": pl.Decimal(38, 18),
    "Decimal(5, 2)": pl.Decimal(5, 2),
    "Enum('red', 'green')": pl.Enum(["red", "green"]),
    "Enum('round', 'square')": pl.Enum(["round", "square"]),
    "Enum('a', 'b')": pl.Enum(["a", "b"]),
    "List(Int64)": pl.List(pl.Int64),
    "List(List(String?))": pl.List(pl.List(pl.String)),
    "List(Datetime)": pl.List(pl.Datetime("us")),
    "List(Time)": pl.List(pl.Time),
    "List(Decimal(38, 18))": pl.List(pl.Decimal(38, 18)),
    "List(Float64)": pl.List(pl.Float64),
    "List(Date)": pl.List(pl.Date),
    "List(Int32)": pl.List(pl.Int32),
    "List(Boolean)": pl.List(pl.Boolean),
    "Array(Float64, 2)": pl.Array(pl.Float64, 2),
    "Array(Float32, 2)": pl.Array(pl.Float32, 2),
    "Array(Enum('red', 'green'), 2)": pl.Array(pl.Enum(["red", "green"]), 2),
    "Struct{x: Float64, when: Datetime?}": POINT,
    "List(Struct{x: Float64, when: Datetime?}?)": pl.List(POINT),
    "List(Struct{key: String, value: Int64})": pl.List(
        pl.Struct({"key": pl.String, "value": pl.Int64})
    ),
}
"""What Polars calls the column types; that of the tree is left to its values."""

MOMENTS = [
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]
EXTREMES: dict[Any, list[Any]] = {
    int: [-(2**63), 2**63 - 1, 2**53 + 1, 0],
    float: [
        *(float("nan"), float("inf"), float("-inf"), -0.0, 0.0),
        *(5e-324, sys.float_info.max, -sys.float_info.max, 0.1, 2.0**53 + 2),
    ],
    str: ["", "\0", "a\0b", "\ufeff", "🦀", "é", "e\u0301", "nan", "null", " ", "\x7f\x80"],
    bytes: [b"", b"\0", b"\0\xff\0", bytes(range(256))],
    bool: [True, False],
    datetime: [moment.replace(tzinfo=None) for moment in MOMENTS],
    AwareDatetime: MOMENTS,
    date: [date.min, date.max, date(1970, 1, 1)],
    time: [time.min, time.max],
    timedelta: [
        timedelta(0),
        timedelta(microseconds=-(2**63)),
        timedelta(microseconds=2**63 - 1),
        timedelta(microseconds=-1),
    ],
    Decimal: [
        Decimal(0),
        Decimal("-0.000000000000000001"),
        Decimal("99999999999999999999.999999999999999999"),
    ],
    UUID: [UUID(int=0), UUID(int=2**128 - 1)],
    HttpUrl: [HttpUrl("https://müller.example/ü?q=ä%20b#c"), HttpUrl("http://u:p@[::1]:8080")],
    Path: [Path("/ü/日本"), Path("a b/c"), Path()],
}
"""Values at the edges of their type, all pushed every time."""


class Inner(BaseModel):
    """A model around any value, to be subclassed with the field `value`."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)


class Zoo(NamedTuple):
    """The models of one annotation: plain, optional, in all containers, and nested."""

    xs: type[Xs]
    ys: type[Ys]
    inner: type[BaseModel]


def zoo_of(annotation: Any) -> Zoo:
    inner = create_model("Nested", __base__=Inner, value=(annotation, ...))
    containers: dict[str, Any] = {
        "value": annotation,
        "optional": annotation | None,
        "several": list[annotation],
        "optionals": list[annotation | None],
        "many": tuple[annotation, ...],
        "pair": tuple[annotation, annotation],
        "table": dict[str, annotation],
        "tables": dict[str, list[annotation | None]],
        "nested": inner,
        "deeper": list[inner],  # type: ignore[valid-type]  # made at run time
    }
    fields: dict[str, Any] = {name: (each, ...) for name, each in containers.items()}
    xs = create_model("ZooXs", __base__=Xs, **fields)
    ys = create_model(
        "ZooYs", __base__=Ys, result=(annotation, ...), maybe=(annotation | None, ...)
    )
    return Zoo(xs, ys, inner)


def filled(zoo: Zoo, values: Sequence[Any]) -> dict[str, Any]:
    """Spread some values, at least two, over all fields."""
    first, second = values[0], values[-1]
    return {
        "value": first,
        "optional": second if len(values) % 2 else None,
        "several": list(values[:3]),
        "optionals": [None, *values[:2]],
        "many": tuple(values[2:4]),
        "pair": (first, second),
        "table": {"": first, "ü": second} if len(values) % 3 else {},
        "tables": {"a": [None, first], "b": []},
        "nested": zoo.inner(value=second),
        "deeper": [zoo.inner(value=value) for value in values[:2]],
    }


def shown_row(row: dict[str, Any], show: Callable[[Any], Any]) -> dict[str, Any]:
    """Say what a frame shows of one task's fields."""

    def all_of(values: Iterable[Any]) -> list[Any]:
        return [show(value) for value in values]

    def pairs(mapping: dict[str, Any], show: Callable[[Any], Any]) -> list[dict[str, Any]]:
        return [{"key": key, "value": show(value)} for key, value in mapping.items()]

    return {
        **{name: show(row[name]) for name in ("value", "optional")},
        **{name: all_of(row[name]) for name in ("several", "optionals", "many", "pair")},
        "table": pairs(row["table"], show),
        "tables": pairs(row["tables"], all_of),
        "nested": {"value": show(row["nested"].value)},
        "deeper": [{"value": show(nested.value)} for nested in row["deeper"]],
    }


def shown_by(case: Case) -> Callable[[Any], Any]:
    def show(value: Any) -> Any:
        if value is None or isinstance(value, set | frozenset):
            return value
        return case.shown(value)

    return show


def dtypes_of(dtype: Any) -> dict[str, Any]:
    """Say which dtypes the columns of a zoo have."""
    listed = pl.List(dtype)
    return {
        "key": pl.String(),
        **dict.fromkeys(("value", "optional"), dtype),
        **dict.fromkeys(("several", "optionals", "many"), listed),
        "pair": pl.Array(dtype, 2),
        "table": pl.List(pl.Struct({"key": pl.String, "value": dtype})),
        "tables": pl.List(pl.Struct({"key": pl.String, "value": listed})),
        "nested": pl.Struct({"value": dtype}),
        "deeper": pl.List(pl.Struct({"value": dtype})),
    }


def alike(shown: Any, expected: Any) -> bool:
    """Compare plain values: nan is nan, -0.0 is not 0.0, and a set has no order."""
    if isinstance(expected, set | frozenset):
        return len(shown) == len(expected) and set(shown) == expected
    if isinstance(expected, dict):
        return list(shown) == list(expected) and all(
            alike(shown[name], expected[name]) for name in expected
        )
    if isinstance(expected, list):
        return len(shown) == len(expected) and all(map(alike, shown, expected))
    if isinstance(expected, float):
        return repr(shown) == repr(expected)
    return bool(shown == expected) and isinstance(shown, bool) == isinstance(expected, bool)


@pytest.mark.parametrize("case", CASES, ids=CASE_NAMES)
def test_values_come_back_as_frames_and_as_models(case: Case, redis_url: str) -> None:
    zoo = zoo_of(case.annotation)
    network_type: Any = Network
    worker_type: Any = Worker
    show = shown_by(case)
    network_id = new_network_id()
    with network_type[zoo.xs, zoo.ys](network_id, redis=redis_url) as network:
        worker = worker_type[zoo.xs, zoo.ys](network_id, redis=redis_url)

        def check(groups: list[list[Any]]) -> None:
            rows = [filled(zoo, values) for values in groups]
            results = [{"result": row["value"], "maybe": row["optional"]} for row in rows]
            xss = [zoo.xs(**row) for row in rows]
            yss = [zoo.ys(**result) for result in results]
            keys = worker.push_running_tasks(xss)
            assert worker.finish_tasks(keys, yss) == keys
            queued = network.push_tasks(xss)
            shown = [shown_row(row, show) for row in rows]
            for record, xs, ys in zip(network.read_tasks(keys), xss, yss, strict=True):
                assert equal(record.xs, xs), f"{record.xs!r} is not {xs!r}"
                assert equal(record.ys, ys), f"{record.ys!r} is not {ys!r}"
            by_key = dict(zip(keys, shown, strict=True))
            check_xs(network.fetch_new_tasks(fields=["xs"]), case, by_key)
            ys_frame = network.fetch_finished_tasks(fields=["ys"]).tail(len(keys))
            for found, result in zip(ys_frame.to_dicts(), results, strict=True):
                assert alike(found["result"], show(result["result"]))
                assert alike(found["maybe"], show(result["maybe"]))
            check_xs(
                network.fetch_queued_tasks(fields=["xs"]),
                case,
                dict(zip(queued, shown, strict=True)),
            )
            network.empty_queue()

        extremes = EXTREMES.get(case.annotation, [])
        if extremes:
            check([[*extremes, *extremes][at : at + 4] for at in range(len(extremes))])
        values = st.lists(case.values, min_size=2, max_size=4)
        FEW(given(st.lists(values, min_size=1, max_size=8))(check))()
        worker.reconnect()


def check_xs(frame: pl.DataFrame, case: Case, shown: dict[str, dict[str, Any]]) -> None:
    dtype = DTYPES.get(case.column.rstrip("?"))
    if dtype is not None:
        assert dict(frame.schema) == dtypes_of(dtype)
    assert frame["key"].to_list() == list(shown)
    for row in frame.to_dicts():
        expected = shown[row.pop("key")]
        for name, value in expected.items():
            assert alike(row[name], value), f"{name}: {row[name]!r} is not {value!r}"
