"""What pydantic does to check a value and to turn it into what msgpack stores, and back.

A column type becomes an annotation with pydantic's own constraints and a conversion at each leaf,
so that one strict validation does all the work of a model, and users' validators don't run again.

| value | stored as | | value | stored as |
|---|---|---|---|---|
| int, float, bool, str, bytes, None | itself | | Decimal, UUID, path, URL | str |
| datetime | µs since 1970, in UTC if aware | | str Enum | its value |
| date | days since 1970 | | list, tuple, set, numpy array | array |
| time, timedelta | µs | | nested model, dict | map |

A member of a union is stored as it is elsewhere: the tag among its fields tells which it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache, partial
from pathlib import PurePath
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, Optional, TypeVar, Union
from uuid import UUID

from annotated_types import Ge, Le
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    Discriminator,
    InstanceOf,
    NaiveDatetime,
    Tag,
    TypeAdapter,
    ValidationError,
    with_config,
)
from typing_extensions import TypedDict  # the one that pydantic takes before Python 3.12

from rushtyped.codec import instants, leaves
from rushtyped.dtypes import ColumnType, Kind, validates_default

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

Checker = Callable[[Any], dict[str, Any]]
"""Checks a map of fields and converts them; raises ValidationError."""

M = TypeVar("M", bound=BaseModel)
# Annotations are put together at run time here, which type checkers don't follow.
_ANNOTATED: Any = Annotated
_OPTIONAL: Any = Optional
_UNION: Any = Union
_LITERAL: Any = Literal
_NOT_REQUIRED: Any = NotRequired
_TYPED_DICT: Any = TypedDict
_INSTANCE_OF: Any = InstanceOf
_TUPLE: Any = tuple
_DICT: Any = dict
_LIST: Any = list
_CONFIGURED = ("str_min_length", "str_max_length", "allow_inf_nan", "regex_engine")


def encoder(model: type[BaseModel], columns: Mapping[str, ColumnType]) -> Checker:
    """Make what checks the fields of an instance and gives what to store, by name."""
    return _validator(_fields_to_wire(model, columns))


def decoder(model: type[BaseModel], columns: Mapping[str, ColumnType]) -> Checker:
    """Make what checks a stored map and gives the fields of an instance, by name."""
    return _validator(_fields_from_wire(model, columns))


@lru_cache(maxsize=256)
def derived_names(model: type[BaseModel]) -> frozenset[str]:
    """Name the cached properties: an instance keeps them among its fields."""
    attributes = (item for base in model.__mro__ for item in vars(base).items())
    return frozenset(name for name, value in attributes if isinstance(value, cached_property))


def has_fields_of(model: type[BaseModel], instance: object) -> bool:
    """Say whether an instance is of a model, or of a subclass that adds no field.

    For Scores[float] an instance of Scores is one: type checkers take one for the other.
    """
    if not isinstance(instance, BaseModel):
        return False
    kind, origin = type(instance), model.__pydantic_generic_metadata__["origin"]
    related = issubclass(kind, model) or kind is origin
    return related and kind.model_fields.keys() == model.model_fields.keys()


def build(model: type[M], values: dict[str, Any], extra: dict[str, Any] | None = None) -> M:
    """Make an instance from checked values without running validators; fill in defaults.

    Private attributes get their defaults.
    """
    if len(values) < len(model.model_fields):
        values = _complete(model, values)
    instance = model.__new__(model)
    set_attribute = object.__setattr__  # the models are frozen
    set_attribute(instance, "__dict__", values)
    set_attribute(instance, "__pydantic_fields_set__", set(values))
    if not model.__pydantic_root_model__:  # which has no place for these
        set_attribute(instance, "__pydantic_extra__", extra)
        set_attribute(instance, "__pydantic_private__", None)
    if model.__pydantic_post_init__:
        kept = dict(values)
        instance.model_post_init(None)
        set_attribute(instance, "__dict__", kept)  # what it does to fields was done before
    return instance


def _complete(model: type[BaseModel], values: dict[str, Any]) -> dict[str, Any]:
    complete: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        if name in values:
            complete[name] = values[name]
        else:
            default = info.get_default(call_default_factory=True, validated_data=complete)
            if validates_default(model, info):
                default = _validated(model, values).get(name, default)
            complete[name] = default
    return complete


def _validated(model: type[BaseModel], values: dict[str, Any]) -> dict[str, Any]:
    """Have the model itself add what is missing; nothing where its validators don't run twice."""
    try:
        return dict(model.model_validate(values, by_alias=False, by_name=True))
    except ValidationError:
        return {}


def _validator(annotation: Any) -> Checker:
    validate: Checker = TypeAdapter(annotation).validator.validate_python
    return validate


def _typed_dict(model: type[BaseModel], fields: dict[str, Any], *, forbid: bool) -> Any:
    kept = model.model_config
    config: Any = {name: kept.get(name) for name in _CONFIGURED if name in kept}
    if kept.get("str_to_lower") or kept.get("str_to_upper"):  # lengths held before the change
        config |= {"str_min_length": 0, "str_max_length": None}
    config |= {"strict": True, "extra": "forbid" if forbid else "ignore"}
    return with_config(config)(_TYPED_DICT(model.__name__, fields))


def _fields_to_wire(model: type[BaseModel], columns: Mapping[str, ColumnType]) -> Any:
    fields = {name: _to_wire(column) for name, column in columns.items()}
    return _typed_dict(model, fields, forbid=True)


def _fields_from_wire(model: type[BaseModel], columns: Mapping[str, ColumnType]) -> Any:
    fields = {
        name: _from_wire(column)
        if model.model_fields[name].is_required()
        else _NOT_REQUIRED[_from_wire(column)]
        for name, column in columns.items()
    }
    return _typed_dict(model, fields, forbid=False)


class _Rule(NamedTuple):
    """An annotation, and what converts a value before and after pydantic checks it."""

    annotation: Any
    before: Callable[[Any], Any] | None = None
    after: Callable[[Any], Any] | None = None

    def of(self, column: ColumnType) -> Any:
        metadata = list(column.constraints)
        if self.before is not None:
            metadata.append(BeforeValidator(self.before))
        if self.after is not None:
            metadata.append(AfterValidator(self.after))
        whole = _ANNOTATED[(self.annotation, *metadata)] if metadata else self.annotation
        return _OPTIONAL[whole] if column.nullable else whole


def _to_wire(column: ColumnType) -> Any:
    """Make the annotation that checks a value and converts it to what is stored."""
    return _encoding(column).of(column)


def _from_wire(column: ColumnType) -> Any:
    """Make the annotation that converts what is stored and checks the value."""
    return _decoding(column).of(column)


_INSTANTS: dict[Kind, tuple[Any, Callable[[Any], Any], Callable[[Any], Any]]] = {
    Kind.DATETIME: (NaiveDatetime, instants.naive_to_micros, instants.micros_to_naive),
    Kind.DATETIME_UTC: (AwareDatetime, instants.aware_to_micros, instants.micros_to_aware),
    Kind.DATE: (date, instants.date_to_days, instants.days_to_date),
    Kind.TIME: (time, instants.time_to_micros, instants.micros_to_time),
    Kind.DURATION: (timedelta, instants.duration_to_micros, instants.micros_to_duration),
}


def _encoding(column: ColumnType) -> _Rule:
    if column.kind in (Kind.LIST, Kind.ARRAY):
        return _items_to_wire(column)
    if column.variants:
        return _Rule(_union_to_wire(column))
    if column.kind is Kind.STRUCT:
        nested = _fields_to_wire(column.python, dict(column.fields))
        return _Rule(nested, before=partial(_nested_fields, column.python))
    return _leaf(column)[0]


def _decoding(column: ColumnType) -> _Rule:
    if column.kind in (Kind.LIST, Kind.ARRAY):
        return _items_from_wire(column)
    if column.variants:
        members = tuple(map(_from_wire, column.variants))
        return _Rule(_ANNOTATED[_UNION[members], Discriminator(column.tag)])
    if column.kind is Kind.STRUCT:
        nested = _fields_from_wire(column.python, dict(column.fields))
        return _Rule(nested, after=partial(build, column.python))
    return _leaf(column)[1]


def _leaf(column: ColumnType) -> tuple[_Rule, _Rule]:
    """Say how a single value is encoded, and how it is decoded."""
    python = column.python
    if column.kind in _INSTANTS:
        annotation, encode, decode = _INSTANTS[column.kind]
        return _Rule(annotation, after=encode), _Rule(annotation, before=decode)
    if column.kind is Kind.DECIMAL:
        exact = partial(leaves.decimal_to_text, column.precision, column.scale)
        return _Rule(Decimal, after=exact), _Rule(Decimal, before=leaves.text_to_decimal)
    if column.kind is Kind.ENUM and python is not str:
        members = {leaves.enum_value(member): member for member in python}
        member = partial(leaves.enum_member, members)
        return _Rule(python, after=leaves.enum_value), _Rule(python, before=member)
    if column.kind is not Kind.STRING or python is str:
        return _scalar(column), _scalar(column)
    if python is UUID:
        return _Rule(UUID, after=str), _Rule(UUID, before=partial(leaves.parse, UUID))
    if issubclass(python, PurePath):
        path = _INSTANCE_OF[python]
        return _Rule(path, after=str), _Rule(path, before=partial(leaves.parse, python))
    text = partial(leaves.instance_text, python)  # pydantic checks a URL's constraints on its text
    return _Rule(python, before=text, after=str), _Rule(python, before=partial(leaves.parse, str))


def _scalar(column: ColumnType) -> _Rule:
    """Let pydantic alone check what is stored as it is."""
    if column.kind is Kind.ENUM:
        return _Rule(_LITERAL[column.categories])
    if column.kind is not Kind.INT64:
        return _Rule(column.python)
    lower = [bound for name in ("ge", "gt") for bound in _bounds(column, name)]
    upper = [bound for name in ("le", "lt") for bound in _bounds(column, name)]
    limits = [*([] if lower else [Ge(INT64_MIN)]), *([] if upper else [Le(INT64_MAX)])]
    wide = any(not INT64_MIN <= bound <= INT64_MAX for bound in (*lower, *upper))
    return _Rule(_ANNOTATED[(int, *limits)] if limits else int, after=_int64 if wide else None)


def _bounds(column: ColumnType, name: str) -> list[Any]:
    found = [getattr(constraint, name, None) for constraint in column.constraints]
    return [bound for bound in found if bound is not None]


def _int64(value: int) -> int:
    if not INT64_MIN <= value <= INT64_MAX:
        raise ValueError("it should fit in 64 bits")
    return value


def _nested_fields(model: type[BaseModel], instance: BaseModel) -> dict[str, Any]:
    if not has_fields_of(model, instance):
        raise ValueError(f"it should be an instance of {model.__name__}")
    derived = derived_names(type(instance))
    return {name: value for name, value in instance.__dict__.items() if name not in derived}


def _union_to_wire(column: ColumnType) -> Any:
    """Check an instance as the member that it is of; errors name that by its first tag."""
    tags = [dict(variant.fields)[column.tag].categories[0] for variant in column.variants]
    models = dict(zip(tags, (variant.python for variant in column.variants), strict=True))
    members = tuple(
        _ANNOTATED[_to_wire(variant), Tag(tag)]
        for tag, variant in zip(tags, column.variants, strict=True)
    )
    names = " or ".join(model.__name__ for model in models.values())
    choice = Discriminator(
        lambda instance: _tag_of_member(models, instance),  # pydantic wants it to have a name
        custom_error_type="union_member",
        custom_error_message=f"it should be an instance of {names}",
    )
    return _ANNOTATED[_UNION[members], choice]


def _tag_of_member(models: Mapping[str, type[BaseModel]], instance: object) -> str | None:
    for tag, model in models.items():
        if type(instance) is model:
            return tag
    return next((tag for tag, model in models.items() if has_fields_of(model, instance)), None)


def _items_to_wire(column: ColumnType) -> _Rule:
    python = column.python
    if python is dict:
        return _Rule(_dictionary(column, _to_wire))
    if python is list:
        return _Rule(_list(column, _to_wire))
    if python is tuple:
        return _Rule(_tuple(column, _to_wire))
    if python in (set, frozenset):
        items = partial(leaves.set_to_list, python)
        return _Rule(_list(column, _to_wire), before=items, after=leaves.ordered)
    return _Rule(list, before=partial(leaves.array_to_list, _dtype(column)))


def _items_from_wire(column: ColumnType) -> _Rule:
    python = column.python
    if python is dict:
        return _Rule(_dictionary(column, _from_wire))
    if python is list:
        return _Rule(_list(column, _from_wire))
    if python is tuple:
        return _Rule(_tuple(column, _from_wire), before=partial(leaves.list_to, tuple))
    if python in (set, frozenset):
        return _Rule(_list(column, _from_wire), after=partial(leaves.list_to, python))
    dtype = _dtype(column)
    item = {"b": bool, "f": float}.get(dtype.kind, int)
    return _Rule(_LIST[item], after=partial(leaves.list_to_array, dtype))


def _inner(column: ColumnType) -> ColumnType:
    if column.inner is None:
        raise AssertionError(f"{column} holds nothing")
    return column.inner


def _list(column: ColumnType, convert: Callable[[ColumnType], Any]) -> Any:
    return _LIST[convert(_inner(column))]


def _tuple(column: ColumnType, convert: Callable[[ColumnType], Any]) -> Any:
    items = tuple(map(convert, column.items)) or (convert(_inner(column)), ...)
    return _TUPLE[items]


def _dictionary(column: ColumnType, convert: Callable[[ColumnType], Any]) -> Any:
    (_, key), (_, value) = _inner(column).fields
    return _DICT[convert(key), convert(value)]


def _dtype(column: ColumnType) -> Any:
    name = "bool" if _inner(column).kind is Kind.BOOLEAN else _inner(column).kind.value.lower()
    return sys.modules["numpy"].dtype(name)
