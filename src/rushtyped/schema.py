"""The schema of a network: the columns of its four models, and whether others fit to it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, JsonSchemaWarningKind

from rushtyped.dtypes import ColumnType, model_columns
from rushtyped.errors import (
    ColumnCollisionError,
    CorruptDataError,
    InvalidTypeError,
    RushTypedError,
)
from rushtyped.models import Extra, Xs, Ys
from rushtyped.printable import excerpt

Group = Literal["xs", "ys", "xs_extra", "ys_extra"]
"""The part of a task that one model describes."""

Field = Literal["xs", "ys", "xs_extra", "ys_extra", "worker_id", "condition", "times"]
"""What a fetch may be asked for."""

GROUPS: tuple[Group, ...] = ("xs", "ys", "xs_extra", "ys_extra")
DEFAULT_FIELDS: tuple[Field, ...] = (*GROUPS, "worker_id", "condition")
TIMES = ("created_at", "started_at", "finished_at")
RESERVED = frozenset({"key", "state", "worker_id", "condition", *TIMES, "attempt"})
"""Column names that no field may take."""


class Models(NamedTuple):
    """The four models of a network."""

    xs: type[Xs]
    ys: type[Ys]
    xs_extra: type[Extra]
    ys_extra: type[Extra]


@dataclass(frozen=True, slots=True)
class GroupSchema:
    """One model's columns by field name, in order of declaration."""

    name: Group
    model: type[BaseModel]
    columns: Mapping[str, ColumnType]
    free_form: bool
    """Whether a task may bring names that the model doesn't declare."""


@dataclass(frozen=True, slots=True)
class NetworkSchema:
    """The columns that the models of a network declare."""

    models: Models
    xs: GroupSchema
    ys: GroupSchema
    xs_extra: GroupSchema
    ys_extra: GroupSchema

    @property
    def groups(self) -> tuple[GroupSchema, ...]:
        """The four groups, in the order of their columns."""
        return (self.xs, self.ys, self.xs_extra, self.ys_extra)

    def group(self, name: Group) -> GroupSchema:
        """Return one group by name."""
        return self.groups[GROUPS.index(name)]

    def owner(self, column: str) -> str | None:
        """Say what declares a column, as in "xs (Params.x1)"; None when nothing does."""
        if column in RESERVED:
            return "rushtyped, as a reserved name"
        for group in self.groups:
            if column in group.columns:
                return f"{group.name} ({group.model.__name__}.{column})"
        return None


@lru_cache(maxsize=256)
def network_schema(models: Models) -> NetworkSchema:
    """Check the four models of a network and list their columns.

    Raise InvalidTypeError for a model in the wrong place, UnsupportedFieldError for a field
    without a column type, ColumnCollisionError when two fields would share a column.
    """
    groups = [_group(name, model) for name, model in zip(GROUPS, models, strict=True)]
    places: dict[str, str] = {}
    for group in groups:
        for column in group.columns:
            place = f"{group.name} ({group.model.__name__}.{column})"
            if column in RESERVED:
                raise ColumnCollisionError(
                    f"{place} takes the reserved column name {column!r}; rename the field "
                    f"(reserved: {', '.join(sorted(RESERVED))})"
                )
            if column in places:
                raise ColumnCollisionError(
                    f"column {column!r} is declared twice, by {places[column]} and by {place}; "
                    "rename one of the fields"
                )
            places[column] = place
    return NetworkSchema(models, *groups)


_BASES: Mapping[Group, type[BaseModel]] = {"xs": Xs, "ys": Ys, "xs_extra": Extra, "ys_extra": Extra}


def _group(name: Group, model: type[BaseModel]) -> GroupSchema:
    base = _BASES[name]
    if not _is_subclass(model, base):
        found = [other.__name__ for other in (Xs, Ys, Extra) if _is_subclass(model, other)]
        kind = f", a subclass of {found[0]}" if found else ""
        raise InvalidTypeError(
            f"{name}: expected a subclass of {base.__name__}, got {_name(model)}{kind}; "
            "models are given in the order xs, ys, xs_extra, ys_extra"
        )
    free_form = model.model_config.get("extra") == "allow"
    if free_form and not issubclass(model, Extra):
        raise InvalidTypeError(
            f'{name}: {_name(model)} has extra="allow", which only an Extra may have; '
            "declare its fields, or keep free values in an extra"
        )
    return GroupSchema(name, model, MappingProxyType(model_columns(model)), free_form)


def _is_subclass(model: object, base: type) -> bool:
    return isinstance(model, type) and issubclass(model, base)


def _name(model: object) -> str:
    return model.__name__ if isinstance(model, type) else repr(model)


class SchemaMatch(StrEnum):
    """How the schema that a network has recorded fits the models declared here."""

    SAME = "same"
    """Both read and write the same; nothing is to be recorded."""
    EXTENDED = "extended"
    """Both can work together once the merged schema is recorded."""
    DIFFERENT = "different"
    """One cannot read what the other writes."""


@dataclass(frozen=True, slots=True)
class SchemaComparison:
    """The outcome of comparing a recorded schema with declared models."""

    match: SchemaMatch
    differences: tuple[str, ...]
    """One line per field that stands in the way."""
    merged: bytes
    """What to record when the match is EXTENDED: all fields of both."""


@lru_cache(maxsize=256)
def schema_json(models: Models) -> bytes:
    """Return the JSON Schemas of the four models with the column type of each property.

    The same models give the same bytes. References are resolved, names are fields, not aliases.
    """
    schema = network_schema(models)
    return _canonical({group.name: _document(group) for group in schema.groups})


def compare_schemas(stored: bytes, declared: Models) -> SchemaComparison:
    """Compare a recorded schema with declared models.

    Titles, descriptions and defaults don't matter; column types, formats and constraints do. A
    field that only one side has is accepted when it has a default.
    Raise CorruptDataError when `stored` is not what `schema_json` makes.
    """
    merged = parse_schemas(stored)
    before = _canonical(merged)
    ours = parse_schemas(schema_json(declared))
    with reading_schemas():
        differences = [
            excerpt(line, _LONGEST_LINE)
            for name in GROUPS
            for line in _merge(name, merged[name], ours[name])
        ]
    after = _canonical(merged)
    match = SchemaMatch.SAME if before == after else SchemaMatch.EXTENDED
    if differences:
        return SchemaComparison(SchemaMatch.DIFFERENT, tuple(differences), before)
    return SchemaComparison(match, (), after)


class _Generator(GenerateJsonSchema):
    """Leave open what JSON Schema has no words for, such as a numpy array."""

    ignored_warning_kinds: set[JsonSchemaWarningKind] = {  # noqa: RUF012 - as pydantic has it
        "skipped-choice",
        "non-serializable-default",
    }

    def handle_invalid_for_json_schema(
        self,
        schema: Any,  # noqa: ARG002 - the signature is pydantic's
        error_info: str,  # noqa: ARG002
    ) -> JsonSchemaValue:
        return {}


def _document(group: GroupSchema) -> dict[str, Any]:
    generated = group.model.model_json_schema(by_alias=False, schema_generator=_Generator)
    document: dict[str, Any] = _inline(generated, generated.pop("$defs", {}))
    properties = document.setdefault("properties", {})
    for name, column in group.columns.items():
        properties.setdefault(name, {})["column"] = str(column)
    document["order"] = list(group.columns)
    document.setdefault("required", []).sort()
    document["additionalProperties"] = group.free_form
    return document


def _inline(node: Any, definitions: Mapping[str, Any]) -> Any:
    """Put each definition where it is referred to; models don't contain themselves."""
    if isinstance(node, list):
        return [_inline(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    target = node.get("$ref")
    if isinstance(target, str):
        rest = {name: value for name, value in node.items() if name != "$ref"}
        return _inline({**definitions[target.rpartition("/")[2]], **rest}, definitions)
    whole = {name: _inline(value, definitions) for name, value in node.items()}
    if "oneOf" in whole and isinstance(whole.get("discriminator"), dict):
        whole["discriminator"].pop("mapping", None)  # each member says its tags itself
    return whole


def _canonical(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


@contextmanager
def reading_schemas() -> Iterator[None]:
    """Raise CorruptDataError where what is done with recorded schemas shows that they are none."""
    try:
        yield
    except CorruptDataError:
        raise
    except (*_UNREADABLE, RushTypedError) as error:
        raise CorruptDataError(
            "the schemas recorded in the network cannot be read "
            f"({type(error).__name__}: {excerpt(error)}); something else wrote them, or they were "
            "damaged"
        ) from error


_LONGEST_LINE = 1000
_UNREADABLE = (
    *(ValueError, TypeError, LookupError, AttributeError, NameError, RecursionError),
    PydanticUserError,
)


def parse_schemas(stored: bytes) -> dict[str, dict[str, Any]]:
    """Read what `schema_json` makes; raise CorruptDataError for anything else."""
    with reading_schemas():
        document: dict[str, dict[str, Any]] = json.loads(stored)
        for name in GROUPS:
            group = document[name]
            columns = [entry["column"] for entry in group["properties"].values()]
            names = [*columns, *group["required"]]
            if not all(isinstance(item, str) for item in names):
                raise TypeError(names)
            if sorted(group["order"]) != sorted(group["properties"]):
                raise ValueError(group["order"])
            bool(group["additionalProperties"])
    return document


def _merge(group: str, stored: dict[str, Any], declared: dict[str, Any]) -> Iterator[str]:
    """Add to `stored` what `declared` brings; yield what doesn't fit.

    A property that rows may lack, because a member doesn't declare it, is marked "optional".
    """
    if stored["additionalProperties"] != declared["additionalProperties"]:
        words = {True: "takes any names", False: "takes declared names only"}
        before, now = (bool(side["additionalProperties"]) for side in (stored, declared))
        yield f"{group}: stored schema {words[before]}, declared model {words[now]}"
        return
    old, new = stored["properties"], declared["properties"]
    needed, required = set(stored["required"]), set(declared["required"])
    for name in (*sorted(old), *(name for name in declared["order"] if name not in old)):
        if name not in old:
            if name in required:
                column = new[name]["column"]
                yield f"{group}.{name}: not stored, declared {column} without a default"
            old[name] = {**new[name], "optional": True}
            stored["order"].append(name)
        elif name not in new:
            if name in needed:
                yield f"{group}.{name}: stored {old[name]['column']}, not declared"
            old[name]["optional"] = True
        else:
            yield from _clash(f"{group}.{name}", old[name], new[name])
            if name in required and old[name].get("optional"):
                yield f"{group}.{name}: stored rows may lack it, declared without a default"
    stored["required"] = sorted(needed | required)


def _clash(place: str, stored: Mapping[str, Any], declared: Mapping[str, Any]) -> Iterator[str]:
    return _apart(place, _essence(stored), _essence(declared))


def _apart(place: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each difference, as deep inside as it is one."""
    if before == now:
        return
    parts, rest = _taken_apart(before)
    others, other_rest = _taken_apart(now)
    if parts.keys() != others.keys() or rest != other_rest:
        yield f"{place}: stored {_describe(before, now)}, declared {_describe(now, before)}"
        return
    for name, part in parts.items():
        yield from _apart(f"{place}{name}", part, others[name])


def _taken_apart(node: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Take fields, items and the members of a union out of a JSON Schema; return them, the rest."""
    rest = dict(node)
    parts = {f".{name}": part for name, part in rest.pop("properties", {}).items()}
    for name in ("items", "additionalProperties"):
        if isinstance(rest.get(name), dict):
            parts["[]"] = rest.pop(name)
    tag = rest.get("discriminator", {}).get("propertyName")
    for member in rest.pop("oneOf") if tag else ():
        tags = member["properties"][tag]
        parts[f"[{', '.join(tags.get('enum') or [tags['const']])}]"] = member
    options = [option for option in rest.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        rest["anyOf"] = len(node["anyOf"])
        parts[""] = options[0]
    return parts, rest


def _describe(shown: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Name a column, and what of the other sets it apart when the columns are equal."""
    name, other_name = (str(side.get("column") or side.get("type")) for side in (shown, other))
    if name != other_name:
        return name
    apart = {name: value for name, value in shown.items() if other.get(name) != value}
    return f"{name} {json.dumps(apart, sort_keys=True)}" if apart else name


_ESSENTIAL = frozenset(
    {
        *("column", "type", "format", "enum", "const", "anyOf", "allOf", "oneOf", "pattern"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
        *("items", "prefixItems", "uniqueItems"),
        *("properties", "additionalProperties", "propertyNames"),
        *("discriminator", "propertyName"),
    }
)


def _essence(node: Any) -> Any:
    """Keep of a JSON Schema what says which values fit."""
    if isinstance(node, list):
        return [_essence(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        name: {field: _essence(entry) for field, entry in value.items()}
        if name == "properties"
        else _essence(value)
        for name, value in node.items()
        if name in _ESSENTIAL
    }
