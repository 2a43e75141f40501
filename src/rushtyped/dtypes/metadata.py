"""What annotations carry beside their type: constraints, validators, discriminators."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import annotated_types
from pydantic import (
    AllowInfNan,
    BeforeValidator,
    Discriminator,
    InstanceOf,
    Json,
    PlainSerializer,
    SerializeAsAny,
    Strict,
    Tag,
    WrapSerializer,
)
from pydantic.fields import FieldInfo
from pydantic.networks import UrlConstraints
from pydantic.types import PathType, StringConstraints, UuidVersion

Metadata = tuple[object, ...]

_CHECKS = (
    annotated_types.BaseMetadata,
    annotated_types.GroupedMetadata,
    AllowInfNan,
    UrlConstraints,
    UuidVersion,
)
_NO_CHECKS = (
    Strict,
    annotated_types.Unit,
    annotated_types.Timezone,
    annotated_types.Predicate,
)
_KEEPING: Any = (
    *(BeforeValidator, PathType, InstanceOf, Json),
    *(PlainSerializer, WrapSerializer, SerializeAsAny, Discriminator, Tag),
)
"""What takes part in a validation without changing a value that was checked; all are classes."""


def flat(metadata: Iterable[object]) -> Metadata:
    """Take what a nested Field holds out of it, its discriminator among it."""
    return tuple(part for item in metadata for part in _parts(item))


def of_field(info: FieldInfo) -> Metadata:
    """List the metadata of a model's field."""
    return tuple(_parts(info))


def _parts(item: object) -> Iterator[object]:
    if not isinstance(item, FieldInfo):
        yield item
        return
    if isinstance(item.discriminator, str):
        yield Discriminator(item.discriminator)
    elif item.discriminator is not None:
        yield item.discriminator
    yield from flat(item.metadata)


def constraints(metadata: Metadata) -> Metadata:
    """Keep what a value can be checked against; drop what would change it or runs user code."""
    return tuple(
        dataclasses.replace(item, strip_whitespace=None, strict=None)
        if isinstance(item, StringConstraints)
        else item
        for item in metadata[changed_until(metadata) :]
        if isinstance(item, _CHECKS) and not isinstance(item, _NO_CHECKS)
    )


def changed_until(metadata: Metadata) -> int:
    """Count the items up to the last that may change a value: it need not fit those before."""
    return max((index for index, item in enumerate(metadata, 1) if _changes(item)), default=0)


def _changes(item: object) -> bool:
    if getattr(item, "to_lower", None) or getattr(item, "to_upper", None):
        return True
    kind = item if isinstance(item, type) else type(item)
    takes_part = hasattr(kind, "__get_pydantic_core_schema__")
    return takes_part and not issubclass(kind, _KEEPING) and not isinstance(item, _CHECKS)


def last(metadata: Metadata, name: str) -> int | None:
    """Return the last value that the metadata give to a constraint."""
    found = [value for item in metadata if (value := getattr(item, name, None)) is not None]
    return found[-1] if found else None
