"""The column types of annotations and models."""

from rushtyped.dtypes.columns import PLAIN_DECIMAL, ColumnType, Kind
from rushtyped.dtypes.fields import validates_default
from rushtyped.dtypes.resolve import column_type, model_columns

__all__ = [
    "PLAIN_DECIMAL",
    "ColumnType",
    "Kind",
    "column_type",
    "model_columns",
    "validates_default",
]
