"""Values for each column type."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import PurePath
from typing import Any, TypeVar
from uuid import UUID

import annotated_types
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic import BaseModel, Json
from pydantic_core import to_json

from rushtyped.dtypes import ColumnType, Kind
from rushtyped.testing.strategies.addresses import paths, urls, uuids
from rushtyped.testing.strategies.building import Builder
from rushtyped.testing.strategies.constraints import Place, checked, sizes
from rushtyped.testing.strategies.moments import moments
from rushtyped.testing.strategies.numbers import decimals, floats, integers
from rushtyped.testing.strategies.texts import binaries, texts

M = TypeVar("M", bound=BaseModel)

_JSON: Any = Json  # a class, but for type checkers
_MOST_ITEMS = (None, 4, 2)
"""Length of containers that declare none, by how deep they are nested: examples stay small."""


def column_values(column: ColumnType, place: Place) -> SearchStrategy[Any]:
    """Draw what a field of a column type may hold.

    Raise InvalidArgumentError where its constraints contradict each other.
    """
    values = _values(column, place)
    for item in column.metadata:
        if isinstance(item, annotated_types.Predicate):
            values = values.filter(item.func)
        elif _JSON in (item, type(item)):
            values = values.map(_json)
    values = checked(values, column, place)
    return st.none() | values if column.nullable else values


def instances(
    model: type[M],
    columns: Mapping[str, ColumnType],
    *,
    depth: int = 0,
    replaced: Mapping[str, SearchStrategy[Any]] | None = None,
    free: SearchStrategy[dict[str, Any]] | None = None,
) -> SearchStrategy[M]:
    """Draw instances of a model, with some fields' strategies replaced, and free values beside."""
    given = replaced or {}
    config = dict(model.model_config)
    fields = {
        name: column_values(column, Place(f"{model.__name__}.{name}", config, depth))
        for name, column in columns.items()
        if name not in given
    }
    drawn: SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({**fields, **given})
    if free is not None:
        drawn = st.builds(lambda names, declared: {**names, **declared}, free, drawn)
    built: SearchStrategy[Any] = drawn.map(Builder(model))
    return built.filter(_is_built)


def _json(value: object) -> str:
    """Write what a field takes as JSON."""
    return to_json(value, inf_nan_mode="constants").decode()


def _is_built(instance: object) -> bool:
    return instance is not None


def _values(column: ColumnType, place: Place) -> SearchStrategy[Any]:
    if column.variants:
        return st.one_of([column_values(variant, place) for variant in column.variants])
    if column.kind is Kind.STRUCT:
        return instances(column.python, dict(column.fields), depth=place.depth + 1)
    if column.kind in (Kind.LIST, Kind.ARRAY):
        return _items(column, place)
    if column.kind is Kind.ENUM:
        return st.sampled_from(column.categories if column.python is str else list(column.python))
    if column.kind is Kind.STRING and column.python is not str:
        return _text_classes(column, place)
    return _SCALARS[column.kind](column, place)


def _booleans(column: ColumnType, place: Place) -> SearchStrategy[bool]:  # noqa: ARG001
    return st.sampled_from((False, True))


_SCALARS: dict[Kind, Callable[[ColumnType, Place], SearchStrategy[Any]]] = {
    **dict.fromkeys((kind for kind in Kind if kind.startswith(("Int", "UInt"))), integers),
    **dict.fromkeys((Kind.FLOAT64, Kind.FLOAT32), floats),
    **dict.fromkeys(
        (Kind.DATETIME, Kind.DATETIME_UTC, Kind.DATE, Kind.TIME, Kind.DURATION), moments
    ),
    Kind.BOOLEAN: _booleans,
    Kind.STRING: texts,
    Kind.BINARY: binaries,
    Kind.DECIMAL: decimals,
}


def _text_classes(column: ColumnType, place: Place) -> SearchStrategy[Any]:
    if column.python is UUID:
        return uuids(column)
    if issubclass(column.python, PurePath):
        return paths(column)
    return urls(column, place)


def _items(column: ColumnType, place: Place) -> SearchStrategy[Any]:
    """Draw containers and arrays."""
    inside = place.inside()
    if column.items:
        return st.tuples(*(column_values(item, inside) for item in column.items))
    if column.inner is None:
        raise AssertionError(f"{column} holds nothing")
    low, high = sizes(column)
    most = _MOST_ITEMS[min(place.depth, len(_MOST_ITEMS) - 1)]
    if high is None and most is not None:
        high = max(low, most)
    if column.python is dict:
        (_, key), (_, value) = column.inner.fields
        keys, values = column_values(key, inside), column_values(value, inside)
        return st.dictionaries(keys, values, min_size=low, max_size=high)
    if column.python in _CONTAINERS:
        items = column_values(column.inner, inside)
        return _CONTAINERS[column.python](items, min_size=low, max_size=high)
    return _arrays(column, column.inner, inside, (low, high))


def _tuples(items: SearchStrategy[Any], **lengths: Any) -> SearchStrategy[tuple[Any, ...]]:
    return st.lists(items, **lengths).map(tuple)


_CONTAINERS: dict[type, Callable[..., SearchStrategy[Any]]] = {
    list: st.lists,
    tuple: _tuples,
    set: st.sets,
    frozenset: st.frozensets,
}


def _arrays(
    column: ColumnType, inner: ColumnType, place: Place, lengths: tuple[int, int | None]
) -> SearchStrategy[Any]:
    """Draw numpy arrays; a model's config says nothing of what they hold."""
    low, high = (column.width,) * 2 if column.kind is Kind.ARRAY else lengths
    items = column_values(inner, Place(place.field, {}, place.depth))
    dtype = "bool" if inner.kind is Kind.BOOLEAN else inner.kind.value.lower()
    make = partial(sys.modules["numpy"].array, dtype=dtype)
    return st.lists(items, min_size=low, max_size=high).map(make)
