"""The column type of an annotation: one table, decided before any data is seen."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import PurePath
from types import UnionType
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin
from uuid import UUID

import annotated_types
from pydantic import (
    AliasChoices,
    AwareDatetime,
    BaseModel,
    NaiveDatetime,
    PydanticUserError,
    Strict,
)
from pydantic.errors import PydanticUndefinedAnnotation
from pydantic.fields import FieldInfo
from pydantic.networks import AnyUrl, MongoDsn, NatsDsn, PostgresDsn, UrlConstraints
from pydantic.types import StringConstraints, UuidVersion
from typing_inspection.typing_objects import is_typealiastype

from rushtyped.errors import UnsupportedFieldError


class Kind(StrEnum):
    """What a column holds; the values are the names of the Polars dtypes."""

    INT64 = "Int64"
    INT32 = "Int32"
    INT16 = "Int16"
    INT8 = "Int8"
    UINT32 = "UInt32"
    UINT16 = "UInt16"
    UINT8 = "UInt8"
    FLOAT64 = "Float64"
    FLOAT32 = "Float32"
    BOOLEAN = "Boolean"
    STRING = "String"
    BINARY = "Binary"
    DATETIME = "Datetime"
    """Without a time zone."""
    DATETIME_UTC = "Datetime(UTC)"
    """With a time zone; kept as the same instant in UTC."""
    DATE = "Date"
    TIME = "Time"
    DURATION = "Duration"
    DECIMAL = "Decimal"
    ENUM = "Enum"
    LIST = "List"
    ARRAY = "Array"
    STRUCT = "Struct"


@dataclass(frozen=True, slots=True)
class ColumnType:
    """What a field is as a column, and what is needed to bring its Python value back.

    Two column types are equal when their columns are; `python`, `items` and `constraints` serve
    the codec only.
    """

    kind: Kind
    nullable: bool = False
    inner: ColumnType | None = None
    fields: tuple[tuple[str, ColumnType], ...] = ()
    width: int = 0
    categories: tuple[str, ...] = ()
    precision: int = 0
    scale: int = 0
    python: Any = field(default=None, compare=False)
    items: tuple[ColumnType, ...] = field(default=(), compare=False)
    """The column type at each position of a tuple: equal columns, constraints of their own."""
    constraints: tuple[object, ...] = field(default=(), compare=False)
    tag: str = field(default="", compare=False)
    """The field of a union by which its members are told apart."""
    variants: tuple[ColumnType, ...] = field(default=(), compare=False)
    """The members of a union, each a STRUCT column with its model as `python`."""

    def __str__(self) -> str:
        return self._name() + ("?" if self.nullable else "")

    def _name(self) -> str:
        match self.kind:
            case Kind.ENUM:
                return f"Enum({', '.join(map(repr, self.categories))})"
            case Kind.DECIMAL:
                return f"Decimal({self.precision}, {self.scale})"
            case Kind.LIST:
                return f"List({self.inner})"
            case Kind.ARRAY:
                return f"Array({self.inner}, {self.width})"
            case Kind.STRUCT:
                return f"Struct{{{', '.join(f'{name}: {column}' for name, column in self.fields)}}}"
            case _:
                return self.kind.value


PLAIN_DECIMAL = (38, 18)
"""Precision and scale of a Decimal that declares none."""

_SCALARS: dict[object, tuple[Kind, type]] = {
    int: (Kind.INT64, int),
    float: (Kind.FLOAT64, float),
    bool: (Kind.BOOLEAN, bool),
    str: (Kind.STRING, str),
    bytes: (Kind.BINARY, bytes),
    datetime: (Kind.DATETIME, datetime),
    NaiveDatetime: (Kind.DATETIME, datetime),
    AwareDatetime: (Kind.DATETIME_UTC, datetime),
    date: (Kind.DATE, date),
    time: (Kind.TIME, time),
    timedelta: (Kind.DURATION, timedelta),
    UUID: (Kind.STRING, UUID),
}
_URLS = (AnyUrl, MongoDsn, NatsDsn, PostgresDsn)
_NUMPY = {
    "bool": Kind.BOOLEAN,
    **{
        kind.value.lower(): kind for kind in Kind if kind.value.startswith(("Int", "UInt", "Float"))
    },
}
_HINTS = {
    "Any": "declare one type",
    "object": "declare one type",
    "list": "say what it holds, as in list[float]",
    "set": "say what it holds, as in set[int]",
    "frozenset": "say what it holds, as in frozenset[int]",
    "tuple": "say what it holds, as in tuple[float, ...]",
    "dict": "say what it holds, as in dict[str, float]",
    "Sequence": "use list[T] or tuple[T, ...]",
    "Iterable": "use list[T] or tuple[T, ...]",
    "Mapping": "use dict[str, T]",
    "ndarray": "say what it holds, as in numpy.typing.NDArray[numpy.float64]",
}
_HINT = "use a plain type, a container of one type, or a nested model"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a model an annotation stands: its path, and the models and aliases around it."""

    path: str
    around: tuple[object, ...] = ()

    def inside(self, item: object) -> _Place:
        return _Place(self.path, (*self.around, item))

    def refuse(self, annotation: object, reason: str, hint: str = "") -> UnsupportedFieldError:
        name = getattr(annotation, "__name__", "") or str(annotation)
        advice = hint or _HINTS.get(name.rpartition(".")[2], _HINT)
        shown = name if isinstance(annotation, type) and not get_args(annotation) else annotation
        return UnsupportedFieldError(f"{self.path}: {shown} has no column type: {reason}; {advice}")


def column_type(
    annotation: Any, metadata: Iterable[object] = (), *, where: str = "field"
) -> ColumnType:
    """Map an annotation with its metadata to the type of its column.

    `where` names the field in errors, as in "Params.x1".
    Raise UnsupportedFieldError when there is no such column type.
    """
    return _resolve(annotation, _flat(metadata), _Place(where))


def model_columns(model: type[BaseModel]) -> dict[str, ColumnType]:
    """Map each field of a model to the type of its column, in order of declaration."""
    return dict(_fields(model, _Place(model.__name__)))


def _flat(metadata: Iterable[object]) -> tuple[object, ...]:
    """Take what a nested Field holds out of it."""
    return tuple(
        part
        for item in metadata
        for part in (item.metadata if isinstance(item, FieldInfo) else (item,))
    )


def _resolve(annotation: Any, metadata: tuple[object, ...], place: _Place) -> ColumnType:
    for item in metadata:
        if isinstance(item, ColumnType):  # of a model that was read back from a stored schema
            return item
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return _resolve(inner, _flat(more) + metadata, place)
    if isinstance(annotation, NewType):
        return _resolve(annotation.__supertype__, metadata, place)
    if is_typealiastype(annotation) or is_typealiastype(origin):
        return _alias(annotation, origin, metadata, place)
    if origin in (Union, UnionType):
        return _union(annotation, metadata, place)
    column = _column(annotation, origin, metadata, place)
    return dataclasses.replace(column, constraints=_constraints(metadata))


def _alias(annotation: Any, origin: Any, metadata: tuple[object, ...], place: _Place) -> ColumnType:
    if annotation in place.around:
        raise place.refuse(annotation, "it contains itself")
    value = annotation.__value__ if origin is None else origin.__value__[get_args(annotation)]
    return _resolve(value, metadata, place.inside(annotation))


def _union(annotation: Any, metadata: tuple[object, ...], place: _Place) -> ColumnType:
    members = [member for member in get_args(annotation) if member is not type(None)]
    if len(members) != 1:
        raise place.refuse(annotation, "a column holds one type", "use one type, or T | None")
    return dataclasses.replace(_resolve(members[0], metadata, place), nullable=True)


def _column(
    annotation: Any, origin: Any, metadata: tuple[object, ...], place: _Place
) -> ColumnType:
    if annotation in _SCALARS:
        kind, python = _SCALARS[annotation]
        return ColumnType(kind, python=python)
    if annotation is Decimal:
        return _decimal(metadata, place)
    if origin is Literal:
        return _literal(annotation, place)
    if origin in (list, set, frozenset, tuple):
        return _container(annotation, origin, place)
    if origin is dict:
        return _dictionary(annotation, place)
    numpy = sys.modules.get("numpy")  # an annotation that names it has imported it
    if numpy is not None and origin is numpy.ndarray:
        return _array(annotation, metadata, place)
    if isinstance(annotation, type) and origin is None:
        return _class(annotation, place)
    raise place.refuse(annotation, "no rule covers it")


def _class(annotation: type, place: _Place) -> ColumnType:
    if issubclass(annotation, BaseModel):
        return _struct(annotation, place)
    if issubclass(annotation, Enum):
        values = [member.value for member in annotation]
        if not values or not all(isinstance(value, str) for value in values):
            raise place.refuse(annotation, "its values are not strings", "use a str Enum")
        return ColumnType(Kind.ENUM, categories=tuple(map(str.__str__, values)), python=annotation)
    if issubclass(annotation, (PurePath, *_URLS)):
        return ColumnType(Kind.STRING, python=annotation)
    raise place.refuse(annotation, "no rule covers it")


def _decimal(metadata: tuple[object, ...], place: _Place) -> ColumnType:
    digits = _last(metadata, "max_digits")
    places = _last(metadata, "decimal_places")
    precision, scale = PLAIN_DECIMAL
    if places is not None:
        precision, scale = digits or precision, places
    if (digits or 0) > PLAIN_DECIMAL[0] or scale > precision:
        reason = f"a column keeps {precision} digits, at least {scale} of them decimal places"
        raise place.refuse(Decimal, reason, "lower max_digits or decimal_places to at most 38")
    return ColumnType(Kind.DECIMAL, precision=precision, scale=scale, python=Decimal)


def _literal(annotation: Any, place: _Place) -> ColumnType:
    values = [value for value in get_args(annotation) if value is not None]
    if not values or not all(type(value) is str for value in values):
        raise place.refuse(annotation, "its values are not strings", "use strings")
    nullable = len(values) < len(get_args(annotation))
    return ColumnType(Kind.ENUM, nullable, categories=tuple(dict.fromkeys(values)), python=str)


def _container(annotation: Any, origin: type, place: _Place) -> ColumnType:
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


def _dictionary(annotation: Any, place: _Place) -> ColumnType:
    key, value = (_resolve(argument, (), place) for argument in get_args(annotation))
    if key != ColumnType(Kind.STRING) or key.python is not str:
        raise place.refuse(annotation, "its keys are not strings", "use dict[str, T]")
    pair = ColumnType(Kind.STRUCT, fields=(("key", key), ("value", value)))
    return ColumnType(Kind.LIST, inner=pair, python=dict)


def _array(annotation: Any, metadata: tuple[object, ...], place: _Place) -> ColumnType:
    shape, dtype = get_args(annotation)
    if get_origin(shape) is tuple and len(get_args(shape)) > 1 and get_args(shape)[-1] is not ...:
        raise place.refuse(annotation, "it has more than one dimension", "use one dimension")
    scalar = (get_args(dtype) or (None,))[0]
    kind = _NUMPY.get(sys.modules["numpy"].dtype(scalar).name) if _is_scalar(scalar) else None
    if kind is None:
        supported = ", ".join(sorted(_NUMPY))
        raise place.refuse(annotation, "its dtype is not supported", f"use one of {supported}")
    python = sys.modules["numpy"].ndarray
    inner = ColumnType(kind)
    shortest, longest = _last(metadata, "min_length"), _last(metadata, "max_length")
    if shortest and shortest == longest:
        return ColumnType(Kind.ARRAY, inner=inner, width=shortest, python=python)
    return ColumnType(Kind.LIST, inner=inner, python=python)


def _is_scalar(scalar: Any) -> bool:
    """Say whether a numpy scalar class names one dtype (numpy.floating names several)."""
    return scalar in sys.modules["numpy"].sctypeDict.values()


def _struct(model: type[BaseModel], place: _Place) -> ColumnType:
    if model in place.around:
        raise place.refuse(model, "it contains itself")
    if model.model_config.get("extra") == "allow":
        raise place.refuse(model, 'it has extra="allow"', "declare its fields")
    fields = tuple(_fields(model, place.inside(model)))
    if not fields:
        raise place.refuse(model, "it has no fields", "declare its fields")
    return ColumnType(Kind.STRUCT, fields=fields, python=model)


def _fields(model: type[BaseModel], place: _Place) -> Iterable[tuple[str, ColumnType]]:
    around = place.around if model in place.around else (*place.around, model)
    if model.model_config.get("use_enum_values"):
        raise place.refuse(model, "it has use_enum_values=True", "use a Literal of strings")
    for name, info in _declared(model, place).items():
        inside = _Place(f"{place.path}.{name}", around)
        yield name, _resolve(info.annotation, _flat(info.metadata), inside)


def _declared(model: type[BaseModel], place: _Place) -> Mapping[str, FieldInfo]:
    if not model.__pydantic_complete__:
        try:
            model.model_rebuild()
        except (PydanticUndefinedAnnotation, PydanticUserError) as error:
            hint = "define every name that its annotations use"
            raise place.refuse(model, f"it is not fully defined ({error})", hint) from error
    for name, info in model.model_fields.items():
        for alias in _aliases(info):
            if alias != name and alias in model.model_fields:
                reason = f"the alias of its field {name!r} is the name of its field {alias!r}"
                raise place.refuse(model, reason, "rename the alias")
    return model.model_fields


def _aliases(info: FieldInfo) -> list[str]:
    validation = info.validation_alias
    choices = validation.choices if isinstance(validation, AliasChoices) else [validation]
    return [alias for alias in (info.alias, *choices) if isinstance(alias, str)]


def _constraints(metadata: tuple[object, ...]) -> tuple[object, ...]:
    """Keep what a value can be checked against; drop what would change it or runs user code."""
    return tuple(
        dataclasses.replace(item, strip_whitespace=None, to_upper=None, to_lower=None, strict=None)
        if isinstance(item, StringConstraints)
        else item
        for item in metadata
        if isinstance(item, _CHECKS) and not isinstance(item, _NO_CHECKS)
    )


_CHECKS = (
    annotated_types.BaseMetadata,
    annotated_types.GroupedMetadata,
    UrlConstraints,
    UuidVersion,
)
_NO_CHECKS = (
    Strict,
    annotated_types.Unit,
    annotated_types.Timezone,
    annotated_types.Predicate,
)


def _last(metadata: tuple[object, ...], name: str) -> int | None:
    """Return the last value that the metadata give to a constraint."""
    found = [value for item in metadata if (value := getattr(item, name, None)) is not None]
    return found[-1] if found else None
