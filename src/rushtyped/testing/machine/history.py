"""Drawn values as code that makes them again, so that a printed history can be run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, TypeVar
from uuid import UUID

from pydantic import AnyUrl, BaseModel, MongoDsn, NatsDsn, PostgresDsn

T = TypeVar("T")

_PLAIN = (date, time, timedelta, PurePath, Decimal, UUID, AnyUrl, MongoDsn, NatsDsn, PostgresDsn)
"""Classes that stand in the code behind the name of their package."""


class Drawn(list[T]):
    """A list that Hypothesis prints as code."""

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # noqa: FBT001 - Hypothesis calls it so
        printer.text(code_of(list(self)))


def code_of(value: Any) -> str:
    """Write an expression for a value.

    Models and enums stand there by their bare names, all else as `imports_of` says.
    """
    match value:
        case float() if not math.isfinite(value):
            return f"float({str(value)!r})"
        case Enum():
            return f"{_name(type(value))}.{value.name}"
        case BaseModel():
            return _code_of_model(value)
        case datetime() | time() if value.tzinfo is not None:
            return repr(value.replace(tzinfo=_plain_zone(value.utcoffset())))
        case PurePath() | Decimal() | UUID() | AnyUrl() | MongoDsn() | NatsDsn() | PostgresDsn():
            package = type(value).__module__.partition(".")[0]
            return f"{package}.{type(value).__name__}({str(value)!r})"
        case list() | tuple() | set() | frozenset() | Mapping():
            return _code_of_container(value)
        case _:
            return _code_of_array(value) if hasattr(value, "dtype") else repr(value)


def imports_of(values: Iterable[object]) -> list[str]:
    """Write the imports that the code of these values needs; classes of functions have none."""
    kinds = set(_kinds_in(list(values)))
    plain = {kind.__module__.partition(".")[0] for kind in kinds if issubclass(kind, _PLAIN)}
    plain |= {"numpy"} if any(hasattr(kind, "dtype") for kind in kinds) else set()
    named: dict[str, set[str]] = {}
    for kind in kinds:
        if issubclass(kind, BaseModel | Enum) and "<locals>" not in kind.__qualname__:
            named.setdefault(kind.__module__, set()).add(_name(kind).partition(".")[0])
    return [
        *(f"import {module}" for module in sorted(plain)),
        *(
            f"from {module} import {', '.join(sorted(named[module]))}"
            for module in sorted(named)
            if module != "__main__"
        ),
    ]


def _kinds_in(value: Any) -> Iterator[type]:
    """Name the types of a value and of all that it holds."""
    yield type(value)
    match value:
        case BaseModel():
            for _, part in _parts(value):
                yield from _kinds_in(part)
        case Mapping():
            for key, part in value.items():
                yield from _kinds_in(key)
                yield from _kinds_in(part)
        case list() | tuple() | set() | frozenset():
            for part in value:
                yield from _kinds_in(part)
        case _:
            pass


def _name(kind: type) -> str:
    """Name a class as the module that defines it does."""
    return kind.__qualname__.rpartition("<locals>.")[2]


def _parts(model: BaseModel) -> list[tuple[str, Any]]:
    declared = [(name, getattr(model, name)) for name in type(model).model_fields]
    return [*declared, *(model.__pydantic_extra__ or {}).items()]


def _code_of_model(model: BaseModel) -> str:
    name, parts = _name(type(model)), _parts(model)
    fields = type(model).model_fields.values()
    if any(field.alias or field.validation_alias for field in fields):
        return f"{name}.model_validate({code_of(dict(parts))}, by_name=True, by_alias=False)"
    named = [f"{part}={code_of(value)}" for part, value in parts if part.isidentifier()]
    odd = {part: value for part, value in parts if not part.isidentifier()}
    return f"{name}({', '.join([*named, *([f'**{code_of(odd)}'] if odd else [])])})"


def _code_of_container(value: Any) -> str:
    if isinstance(value, Mapping):
        pairs = (f"{code_of(key)}: {code_of(part)}" for key, part in value.items())
        return f"{{{', '.join(pairs)}}}"
    items = ", ".join(map(code_of, value))
    match value:
        case list():
            return f"[{items}]"
        case tuple():
            return f"({items},)" if len(value) == 1 else f"({items})"
        case frozenset():
            return f"frozenset([{items}])"
        case _:
            return f"set([{items}])"


def _code_of_array(array: Any) -> str:
    return f"numpy.array({code_of(array.tolist())}, dtype={str(array.dtype)!r})"


def _plain_zone(offset: timedelta | None) -> timezone:
    return timezone(offset or timedelta())
