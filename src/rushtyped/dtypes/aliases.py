"""Names for types: what stands behind a type alias."""

from __future__ import annotations

from typing import Any, get_args, get_origin

from typing_inspection.typing_objects import is_typealiastype


def is_alias(annotation: Any) -> bool:
    """Say whether an annotation is a type alias, or one with its parameters given."""
    return is_typealiastype(annotation) or is_typealiastype(get_origin(annotation))


def aliased(annotation: Any) -> Any:
    """Return what an alias stands for, with its parameters put in place."""
    alias = get_origin(annotation)
    if alias is None:
        return annotation.__value__
    given = dict(zip(alias.__type_params__, get_args(annotation), strict=True))
    free = getattr(alias.__value__, "__parameters__", ())  # in the order of their appearance
    return alias.__value__[tuple(given[each] for each in free)] if free else alias.__value__
