"""Column types: what a field is in a frame, and what the codec has to know of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a column holds; the values are the names of the Polars dtypes."""

    INT64 = "Int64"
    INT32 = "Int32"
    INT16 = "Int16"
    INT8 = "Int8"
    UINT32 = "UInt32"
    UINT16 = "UInt16"
    UINT8 = "UInt8"
    FLOAT64 = "Float64"
    FLOAT32 = "Float32"
    BOOLEAN = "Boolean"
    STRING = "String"
    BINARY = "Binary"
    DATETIME = "Datetime"
    """Without a time zone."""
    DATETIME_UTC = "Datetime(UTC)"
    """With a time zone; kept as the same instant in UTC."""
    DATE = "Date"
    TIME = "Time"
    DURATION = "Duration"
    DECIMAL = "Decimal"
    ENUM = "Enum"
    LIST = "List"
    ARRAY = "Array"
    STRUCT = "Struct"


@dataclass(frozen=True, slots=True)
class ColumnType:
    """What a field is as a column, and what is needed to bring its Python value back.

    Two column types are equal when their columns are; `python`, `items` and `constraints` serve
    the codec only.
    """

    kind: Kind
    nullable: bool = False
    inner: ColumnType | None = None
    fields: tuple[tuple[str, ColumnType], ...] = ()
    width: int = 0
    categories: tuple[str, ...] = ()
    precision: int = 0
    scale: int = 0
    python: Any = field(default=None, compare=False)
    items: tuple[ColumnType, ...] = field(default=(), compare=False)
    """The column type at each position of a tuple: equal columns, constraints of their own."""
    constraints: tuple[object, ...] = field(default=(), compare=False)
    tag: str = field(default="", compare=False)
    """The field of a union by which its members are told apart."""
    variants: tuple[ColumnType, ...] = field(default=(), compare=False)
    """The members of a union, each a STRUCT column with its model as `python`."""
    annotation: Any = field(default=None, compare=False)
    """What was declared, without its metadata."""
    metadata: tuple[object, ...] = field(default=(), compare=False)
    """All that was declared beside the annotation, in order: constraints, validators, and more."""

    def __str__(self) -> str:
        return self._name() + ("?" if self.nullable else "")

    def _name(self) -> str:
        match self.kind:
            case Kind.ENUM:
                return f"Enum({', '.join(map(repr, self.categories))})"
            case Kind.DECIMAL:
                return f"Decimal({self.precision}, {self.scale})"
            case Kind.LIST:
                return f"List({self.inner})"
            case Kind.ARRAY:
                return f"Array({self.inner}, {self.width})"
            case Kind.STRUCT:
                return f"Struct{{{', '.join(f'{name}: {column}' for name, column in self.fields)}}}"
            case _:
                return self.kind.value


PLAIN_DECIMAL = (38, 18)
"""Precision and scale of a Decimal that declares none."""
