"""In what the recorded schemas of two networks differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from rushtyped.cli.columns import Schemas
from rushtyped.schema import GROUPS

_OF_FIELDS = ("properties", "required", "order")


class Difference(NamedTuple):
    """One word of one field, or of one model, that is not the same on both sides."""

    place: str
    """As in "xs.x1"; a model as a whole is "xs"."""
    word: str
    left: object
    right: object


def differences(left: Schemas, right: Schemas) -> list[Difference]:
    """List what differs, field by field, in the order of columns."""
    return [each for group in GROUPS for each in _of_group(group, left[group], right[group])]


def _of_group(
    group: str, left: Mapping[str, Any], right: Mapping[str, Any]
) -> Iterator[Difference]:
    names = dict.fromkeys((*left["order"], *right["order"]))
    for name in names:
        yield from _of_field(f"{group}.{name}", _field(left, name), _field(right, name))
    if set(left["order"]) == set(right["order"]):
        yield from _of_words(group, {"order": left["order"]}, {"order": right["order"]})
    yield from _of_words(group, _without_fields(left), _without_fields(right))


def _field(schema: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    found = schema["properties"].get(name)
    return None if found is None else {**found, "required": name in schema["required"]}


def _of_field(
    place: str, left: dict[str, Any] | None, right: dict[str, Any] | None
) -> Iterator[Difference]:
    if left is None or right is None:
        dtypes = [None if side is None else side["column"] for side in (left, right)]
        yield Difference(place, "column", *dtypes)
    else:
        yield from _of_words(place, left, right)


def _of_words(
    place: str, left: Mapping[str, Any], right: Mapping[str, Any]
) -> Iterator[Difference]:
    for word in dict.fromkeys((*left, *right)):
        if left.get(word) != right.get(word):
            yield Difference(place, word, left.get(word), right.get(word))


def _without_fields(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {word: value for word, value in schema.items() if word not in _OF_FIELDS}
