"""Generic models with their types given, as Scores[float], on their way to other processes.

No module has such a class under its name, unless it was first made at the top of one.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import getitem
from typing import Any

from pydantic import BaseModel

Reduced = tuple[Callable[..., Any], tuple[Any, ...]]
"""What makes an object again: a callable and its arguments."""


def reduce_model(model: object) -> Reduced | None:
    """Say how a generic model with its types given is made again; None for anything else."""
    if not isinstance(model, type) or not issubclass(model, BaseModel):
        return None
    generic = model.__pydantic_generic_metadata__
    origin, types = generic["origin"], generic["args"]
    return None if origin is None else (getitem, (origin, tuple(map(portable, types))))


def portable(model: object) -> object:
    """Return what can be pickled in place of a model, and comes back as that model."""
    reduced = reduce_model(model)
    return model if reduced is None else _ByTypes(reduced)


class _ByTypes:
    """Stands in a pickle for a generic model with its types given."""

    def __init__(self, reduced: Reduced) -> None:
        self._reduced = reduced

    def __reduce__(self) -> Reduced:
        return self._reduced
