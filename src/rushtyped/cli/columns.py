"""The columns that a network has recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from rushtyped.cli.opened import AnyNetwork

Schemas = Mapping[str, Mapping[str, Any]]
"""What `Network.schemas` gives."""


class Column(NamedTuple):
    """One field of a model."""

    name: str
    group: str
    """xs, ys, xs_extra or ys_extra."""
    dtype: str
    required: bool


def recorded_columns(network: AnyNetwork) -> list[Column]:
    """List the columns of all four models in the order of frames."""
    schemas: Any = network.schemas  # JSON, of a shape that the library has checked
    return [
        Column(name, group, schema["properties"][name]["column"], name in schema["required"])
        for group, schema in schemas.items()
        for name in schema["order"]
    ]
