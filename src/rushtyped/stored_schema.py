"""The schema that a network has recorded, read back as models: for those who declare none.

The models are made of the stored column types alone: what their fields hold is as it was pushed,
save that a numpy array comes back as a list, an enum, a path, a URL or a UUID as text.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, create_model

from rushtyped.dtypes import ColumnType, Kind
from rushtyped.errors import CorruptDataError
from rushtyped.models import AnyExtra, Extra, Xs, Ys
from rushtyped.schema import GROUPS, Group, Models, network_schema, parse_schemas, reading_schemas

Node = Mapping[str, Any]
"""A JSON Schema, or an empty one where it says nothing."""

_BASES: Mapping[Group, type[BaseModel]] = {"xs": Xs, "ys": Ys, "xs_extra": Extra, "ys_extra": Extra}
_ANNOTATED: Any = Annotated  # put together at run time, which type checkers don't follow
_PYTHON: Mapping[Kind, Any] = {
    **{kind: int for kind in Kind if "Int" in kind.value},
    **{kind: float for kind in Kind if "Float" in kind.value},
    Kind.BOOLEAN: bool,
    Kind.STRING: str,
    Kind.BINARY: bytes,
    Kind.DATETIME: datetime,
    Kind.DATETIME_UTC: datetime,
    Kind.DATE: date,
    Kind.TIME: time,
    Kind.DURATION: timedelta,
    Kind.DECIMAL: Decimal,
    Kind.ENUM: str,
    Kind.LIST: list,
    Kind.ARRAY: tuple,
}


@lru_cache(maxsize=256)
def stored_models(schemas: bytes) -> Models:
    """Make the four models of recorded schemas; the same bytes give the same models.

    Raise CorruptDataError for bytes that `rushtyped.schema.schema_json` does not make.
    """
    documents = parse_schemas(schemas)
    with reading_schemas():
        found: list[Any] = [_group_model(name, documents[name]) for name in GROUPS]
        models = Models(*found)
        network_schema(models)
    return models


def is_stored(model: type[BaseModel]) -> bool:
    """Say whether a model was made here."""
    return model.__module__ == __name__


def _group_model(group: Group, document: Node) -> type[BaseModel]:
    free_form = bool(document["additionalProperties"])
    if free_form and not document["properties"]:
        return AnyExtra
    required = set(document["required"])
    fields = {}
    for name in document["order"]:
        node = document["properties"][name]
        column = _with_python(parse_column(node["column"]), node, name)
        is_needed = name in required and not node.get("optional")
        fields[name] = column if is_needed else replace(column, nullable=True)
    base = AnyExtra if free_form else _BASES[group]
    return _model(str(document.get("title", group)), fields, required, base)


def _model(
    title: str, fields: Mapping[str, ColumnType], required: set[str], base: type[BaseModel]
) -> type[BaseModel]:
    definitions: dict[str, Any] = {
        name: (_ANNOTATED[Any, column], ... if name in required else None)
        for name, column in fields.items()
    }
    with warnings.catch_warnings():  # about names that whoever declared them was warned of
        warnings.simplefilter("ignore")
        return create_model(title, __base__=base, __module__=__name__, **definitions)


def _with_python(column: ColumnType, node: Node, name: str) -> ColumnType:
    """Complete a column type with what its values are in Python, by its JSON Schema."""
    if column.kind is Kind.STRUCT:
        fields = {
            field: _with_python(inner, _property(node, field), field)
            for field, inner in column.fields
        }
        required = {field for field, inner in fields.items() if not inner.nullable}
        nested = _model(str(node.get("title", name)), fields, required, BaseModel)
        return replace(column, fields=tuple(fields.items()), python=nested)
    if column.inner is None:
        return replace(column, python=_PYTHON[column.kind])
    values = _values_of_dictionary(node)
    if values is None or column.kind is not Kind.LIST:
        inner = _with_python(column.inner, _items(node), name)
        return replace(column, inner=inner, python=_PYTHON[column.kind])
    (_, key), (_, value) = column.inner.fields
    pair = (
        ("key", _with_python(key, {}, name)),
        ("value", _with_python(value, values, name)),
    )
    return replace(column, inner=replace(column.inner, fields=pair), python=dict)


def _branches(node: Node) -> Iterator[Node]:
    """Give a schema and its alternatives, such as the one that is not null."""
    yield node
    for keyword in ("anyOf", "oneOf", "allOf"):
        for branch in node.get(keyword, ()):
            yield from _branches(branch)


def _property(node: Node, name: str) -> Node:
    found: list[Node] = [
        branch["properties"][name]
        for branch in _branches(node)
        if name in branch.get("properties", {})
    ]
    return found[0] if found else {}


def _items(node: Node) -> Node:
    for branch in _branches(node):
        for items in (branch.get("items"), *branch.get("prefixItems", ())):
            if isinstance(items, Mapping):
                return items
    return {}


def _values_of_dictionary(node: Node) -> Node | None:
    for branch in _branches(node):
        if branch.get("type") == "object" and "properties" not in branch:
            values = branch.get("additionalProperties")
            return values if isinstance(values, Mapping) else {}
    return None


def parse_column(text: str) -> ColumnType:
    """Read what `str` makes of a column type; raise CorruptDataError for anything else."""
    try:
        parser = _Parser(text)
        column = parser.column()
        parser.take("$")
    except (ValueError, SyntaxError, RecursionError) as error:
        raise _unreadable(text, f"({error!r})") from error
    return column


def _unreadable(text: str, reason: str) -> CorruptDataError:
    return CorruptDataError(
        f"the column type {text!r:.200} cannot be read {reason}; something else wrote it, or it "
        "was damaged"
    )


_PLAIN = re.compile("|".join(sorted((re.escape(kind.value) for kind in Kind), reverse=True)))
_STRING = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""


class _Parser:
    """Reads one column type from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def column(self) -> ColumnType:
        kind = Kind(self.take(_PLAIN.pattern))
        column = self._arguments(kind)
        return replace(column, nullable=bool(self.take(r"\??")))

    def take(self, pattern: str) -> str:
        match = re.compile(pattern).match(self._text, self._at)
        if match is None:
            raise _unreadable(self._text, f"at character {self._at}")
        self._at = match.end()
        return match[0]

    def _arguments(self, kind: Kind) -> ColumnType:
        match kind:
            case Kind.ENUM:
                categories = self._separated(r"\(", _STRING, r"\)")
                return ColumnType(kind, categories=tuple(map(ast.literal_eval, categories)))
            case Kind.DECIMAL:
                precision, scale = map(int, self._separated(r"\(", r"\d+", r"\)"))
                return ColumnType(kind, precision=precision, scale=scale)
            case Kind.LIST:
                return ColumnType(kind, inner=self._inner(r"\)"))
            case Kind.ARRAY:
                inner = self._inner(", ")
                width = int(self.take(r"\d+"))
                self.take(r"\)")
                return ColumnType(kind, inner=inner, width=width)
            case Kind.STRUCT:
                return ColumnType(kind, fields=tuple(self._fields()))
            case _:
                return ColumnType(kind)

    def _separated(self, start: str, item: str, end: str) -> list[str]:
        self.take(start)
        items = [self.take(item)]
        while self.take(f", |{end}") == ", ":
            items.append(self.take(item))
        return items

    def _inner(self, end: str) -> ColumnType:
        self.take(r"\(")
        inner = self.column()
        self.take(end)
        return inner

    def _fields(self) -> Iterator[tuple[str, ColumnType]]:
        self.take(r"\{")
        while True:
            name = self.take("[^:]+")
            self.take(": ")
            yield name, self.column()
            if self.take(r", |\}") == "}":
                return
