"""The column type of a union of models that a Literal tells apart."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Discriminator, Tag

from rushtyped.dtypes.aliases import aliased, is_alias
from rushtyped.dtypes.columns import ColumnType, Kind
from rushtyped.dtypes.metadata import Metadata, flat
from rushtyped.dtypes.place import Place

_LITERAL = 'declare it as Literal["..."] in each member'


def is_union(annotation: object) -> bool:
    """Say whether an annotation is a union of types, also one with None."""
    return get_origin(annotation) in (Union, UnionType)


def tag_of(annotation: Any, metadata: Metadata, place: Place) -> str:
    """Return the name of the field that tells the members of a union apart, or refuse it."""
    found = [item.discriminator for item in metadata if isinstance(item, Discriminator)]
    if found and isinstance(found[0], str):
        return found[0]
    if found:
        raise place.refuse(
            annotation,
            "its discriminator is a function, and what is stored has fields only",
            f'name a field, as in Field(discriminator="kind"), and {_LITERAL}',
        )
    models = [_bare(member) for member in get_args(annotation) if member is not type(None)]
    if all(isinstance(model, type) and issubclass(model, BaseModel) for model in models):
        names = " | ".join(model.__name__ for model in models)
        raise place.refuse(
            annotation,
            "nothing tells its members apart",
            f'add a discriminator, as in Annotated[{names}, Field(discriminator="kind")], and '
            f"a field of that name to each member, as in kind: Literal[{models[0].__name__!r}]",
        )
    raise place.refuse(annotation, "a column holds one type", "use one type, or T | None")


def _bare(annotation: Any) -> Any:
    """Take Annotated off."""
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def members_of(annotation: Any, tag: str, place: Place) -> Iterator[type[BaseModel] | None]:
    """List the models of a union, and those of unions in it; None where it may be None."""
    if is_alias(annotation):
        yield from members_of(aliased(annotation), tag, place)
    elif get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        for item in flat(metadata):
            if isinstance(item, Tag):
                raise place.refuse(annotation, "it has a Tag", f"{tag!r} is its tag: {_LITERAL}")
            if isinstance(item, Discriminator) and item.discriminator != tag:
                reason = f"it has another discriminator than the union around it, {tag!r}"
                raise place.refuse(annotation, reason, "tell all members apart by one field")
        yield from members_of(inner, tag, place)
    elif is_union(annotation):
        for member in get_args(annotation):
            yield from members_of(member, tag, place)
    elif annotation is type(None):
        yield None
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    else:
        raise place.refuse(annotation, "it is no model", "make each member a pydantic BaseModel")


def merge(annotation: Any, tag: str, variants: Sequence[ColumnType], place: Place) -> ColumnType:
    """Put the members of a union into one struct, with null for what a member lacks."""
    fields: dict[str, ColumnType] = {}
    owners: dict[str, str] = {}
    for variant in variants:
        model, own = variant.python.__name__, dict(variant.fields)
        own[tag] = _tag_column(annotation, tag, variant, place)
        for name, column in own.items():
            known = fields.setdefault(name, column)
            owner = owners.setdefault(name, model)
            if name == tag:
                tags = dict.fromkeys((*known.categories, *column.categories))
                known = dataclasses.replace(known, categories=tuple(tags))
            elif dataclasses.replace(known, nullable=column.nullable) != column:
                raise place.refuse(
                    annotation,
                    f"its field {name!r} is {known} in {owner} and {column} in {model}",
                    "give both one type, or other names",
                )
            fields[name] = dataclasses.replace(known, nullable=known.nullable or column.nullable)
    lacked = {name for name in fields if any(name not in dict(each.fields) for each in variants)}
    merged = tuple(
        (name, dataclasses.replace(column, nullable=column.nullable or name in lacked))
        for name, column in fields.items()
    )
    return ColumnType(Kind.STRUCT, fields=merged, tag=tag, variants=tuple(variants))


def _tag_column(annotation: Any, tag: str, variant: ColumnType, place: Place) -> ColumnType:
    column = dict(variant.fields).get(tag)
    if column is None or column.kind is not Kind.ENUM or column.nullable:
        shown = "missing" if column is None else str(column)
        reason = f"its tag {tag!r} is {shown} in {variant.python.__name__}"
        raise place.refuse(annotation, reason, _LITERAL)
    return column
