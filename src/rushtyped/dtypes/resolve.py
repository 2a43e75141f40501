"""The column type of an annotation: one table, decided before any data is seen."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, ForwardRef, Literal, NewType, TypeVar, get_args, get_origin

from pydantic import BaseModel

from rushtyped.dtypes import scalars, unions
from rushtyped.dtypes.aliases import aliased, is_alias
from rushtyped.dtypes.columns import ColumnType, Kind
from rushtyped.dtypes.fields import declared_fields, is_changed, validates_default
from rushtyped.dtypes.metadata import Metadata, changed_until, constraints, flat, of_field
from rushtyped.dtypes.place import Place

_ENDLESS = (
    "it contains itself",
    "a column has a fixed depth: keep a list of all parts, each with the number of its parent",
)
_QUOTED = ("it is a name in quotes", "take the quotes off, or write out what it stands for")


def column_type(
    annotation: Any, metadata: Iterable[object] = (), *, where: str = "field"
) -> ColumnType:
    """Map an annotation with its metadata to the type of its column.

    `where` names the field in errors, as in "Params.x1".
    Raise UnsupportedFieldError when there is no such column type.
    """
    return _resolve(annotation, flat(metadata), Place(where))


def model_columns(model: type[BaseModel]) -> dict[str, ColumnType]:
    """Map each field of a model to the type of its column, in order of declaration."""
    return dict(_fields(model, Place(model.__name__)))


def _resolve(annotation: Any, metadata: Metadata, place: Place) -> ColumnType:
    for item in metadata:
        if isinstance(item, ColumnType):  # of a model that was read back from a stored schema
            return item
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return _resolve(inner, flat(more) + metadata, place)
    named = _named(annotation, place)
    if named is not None:
        return _resolve(named[0], metadata, named[1])
    if unions.is_union(annotation):
        return _union(annotation, metadata, place)
    column = _column(annotation, origin, metadata, place)
    if changed_until(metadata):
        column = _unchecked(column)
    return dataclasses.replace(
        column, constraints=constraints(metadata), annotation=annotation, metadata=metadata
    )


def _named(annotation: Any, place: Place) -> tuple[Any, Place] | None:
    """Return what a name stands for, and the place inside it; None for what is no name."""
    if isinstance(annotation, NewType):
        return annotation.__supertype__, place
    if isinstance(annotation, TypeVar):
        return _default(annotation, place), place
    if isinstance(annotation, str | ForwardRef):  # pydantic resolves all but those in an alias
        raise place.refuse(annotation, *_QUOTED)
    if not is_alias(annotation):
        return None
    if annotation in place.around:
        raise place.refuse(annotation, *_ENDLESS)
    return aliased(annotation), place.inside(annotation)


def _default(variable: TypeVar, place: Place) -> Any:
    """Return the default of a type variable, as type checkers and pydantic take it."""
    has_default = getattr(variable, "has_default", None)  # since Python 3.13
    if has_default is None or not has_default():
        model = next((each for each in reversed(place.around) if isinstance(each, type)), None)
        name = "Model" if model is None else model.__name__
        hint = f"say what it stands for, as in {name}[float], or give it a default"
        raise place.refuse(variable, "it is a type variable", hint)
    return variable.__default__  # type: ignore[attr-defined]  # mypy.ini names Python 3.11


def _union(annotation: Any, metadata: Metadata, place: Place) -> ColumnType:
    members = [member for member in get_args(annotation) if member is not type(None)]
    if len(members) == 1:
        return dataclasses.replace(_resolve(members[0], metadata, place), nullable=True)
    tag = unions.tag_of(annotation, metadata, place)
    models = dict.fromkeys(unions.members_of(annotation, tag, place))
    variants = [
        _struct(model, place.at(f"{place.path}[{model.__name__}]")) for model in models if model
    ]
    column = unions.merge(annotation, tag, variants, place)
    return dataclasses.replace(column, nullable=None in models)


def _column(annotation: Any, origin: Any, metadata: Metadata, place: Place) -> ColumnType:
    if annotation in scalars.SCALARS:
        kind, python = scalars.SCALARS[annotation]
        return ColumnType(kind, python=python)
    if annotation is Decimal:
        return scalars.decimal(metadata, place)
    if origin is Literal:
        return scalars.literal(annotation, place)
    if origin in (list, set, frozenset, tuple):
        return _container(annotation, origin, place)
    if origin is dict:
        return _dictionary(annotation, place)
    numpy = sys.modules.get("numpy")  # an annotation that names it has imported it
    if numpy is not None and origin is numpy.ndarray:
        return scalars.array(annotation, metadata, place)
    if isinstance(annotation, type) and origin is None:
        return _class(annotation, place)
    raise place.refuse(annotation)


def _class(annotation: type, place: Place) -> ColumnType:
    if issubclass(annotation, BaseModel):
        return _struct(annotation, place)
    if issubclass(annotation, Enum):
        return scalars.enumeration(annotation, place)
    if issubclass(annotation, scalars.TEXTS):
        return ColumnType(Kind.STRING, python=annotation)
    raise place.refuse(annotation)


def _container(annotation: Any, origin: type, place: Place) -> ColumnType:
    arguments = get_args(annotation)
    if not arguments:
        raise place.refuse(annotation, "it has no items")
    if origin is tuple and arguments[-1] is not Ellipsis:
        items = tuple(_resolve(item, (), place) for item in arguments)
        if any(item != items[0] for item in items):
            raise place.refuse(
                annotation, "its items differ in type", "use one type or a nested model"
            )
        return ColumnType(Kind.ARRAY, inner=items[0], width=len(items), python=tuple, items=items)
    return ColumnType(Kind.LIST, inner=_resolve(arguments[0], (), place), python=origin)


def _dictionary(annotation: Any, place: Place) -> ColumnType:
    key, value = (_resolve(argument, (), place) for argument in get_args(annotation))
    if key != ColumnType(Kind.STRING) or key.python is not str:
        raise place.refuse(annotation, "its keys are not strings", "use dict[str, T]")
    pair = ColumnType(Kind.STRUCT, fields=(("key", key), ("value", value)))
    return ColumnType(Kind.LIST, inner=pair, python=dict)


def _struct(model: type[BaseModel], place: Place) -> ColumnType:
    if model in place.around:
        raise place.refuse(model, *_ENDLESS)
    if model.model_config.get("extra") == "allow":
        raise place.refuse(model, 'it has extra="allow"', "declare its fields")
    fields = tuple(_fields(model, place))
    if not fields:
        raise place.refuse(model, "it has no fields", "declare its fields")
    return ColumnType(Kind.STRUCT, fields=fields, python=model)


def _fields(model: type[BaseModel], place: Place) -> Iterable[tuple[str, ColumnType]]:
    for name, info in declared_fields(model, place).items():
        inside = place.inside(model).at(f"{place.path}.{name}")
        column = _resolve(info.annotation, of_field(info), inside)
        if info.default is None and not column.nullable and not validates_default(model, info):
            hint = "declare it as T | None, or give another default"
            raise inside.refuse(info.annotation, f"its default None is no {column}", hint)
        yield name, _unchecked(column) if is_changed(model, name) else column


def _unchecked(column: ColumnType) -> ColumnType:
    """Drop the constraints of a value and its items, which a validator may have changed."""
    inner = None if column.inner is None else _unchecked(column.inner)
    items = tuple(map(_unchecked, column.items))
    return dataclasses.replace(column, inner=inner, items=items, constraints=())
