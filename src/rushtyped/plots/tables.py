"""From what a chart is asked of to the rows that it shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import polars as pl

from rushtyped.errors import InvalidArgumentError, InvalidTypeError
from rushtyped.plots.values import is_number, unknown_column
from rushtyped.schema import Field, network_schema
from rushtyped.specialisation import models_of
from rushtyped.tasks import Tasks

Source = Tasks[Any, Any, Any, Any] | pl.DataFrame
"""What a chart is made of: a Network or Worker, or a frame that one of them has fetched."""

NOT_DECLARED = frozenset(
    {
        *("key", "state", "worker_id", "condition"),
        *("created_at", "started_at", "finished_at", "attempt"),
    }
)
"""Columns that are in every network."""
_COLUMNS: dict[Field, frozenset[str]] = {
    "worker_id": frozenset({"worker_id"}),
    "times": frozenset({"created_at", "started_at", "finished_at", "attempt"}),
}
_VALUES: tuple[Field, ...] = ("xs", "ys", "xs_extra", "ys_extra", "worker_id", "times")
_TIMES: tuple[Field, ...] = ("worker_id", "times")


class Table(NamedTuple):
    """Rows of a source, and what is known of their columns."""

    frame: pl.DataFrame
    xs: list[str] | None
    """Names of the columns of xs; None where a frame was given, which does not tell."""
    ys: list[str] | None
    now: datetime | None
    """When the rows were read; None for a frame."""

    def x_names(self, before: str) -> list[str]:
        """Name the columns of xs: those of a frame stand before its first y."""
        if self.xs is not None:
            return self.xs
        names = [name for name in self.frame.columns if name not in NOT_DECLARED or name == before]
        return names[: names.index(before)]

    def y_name(self, given: str | None) -> str:
        """Return the name of a numeric column, the first one of ys unless it is given."""
        frame = self.frame
        numeric = [name for name in frame.columns if is_number(frame.schema[name])]
        if given is not None:
            if given not in frame.columns:
                raise unknown_column("y", given, frame.columns)
            if given not in numeric:
                raise InvalidArgumentError(
                    f"y must name a column of numbers but {given!r} is {frame.schema[given]}: "
                    f"numbers are in {_listed(numeric)}"
                )
            return given
        numeric = [name for name in numeric if name not in NOT_DECLARED]
        candidates = numeric if self.ys is None else [y for y in self.ys if y in numeric]
        if not candidates or (self.ys is None and len(candidates) > 1):
            why = "a frame does not tell its ys" if self.ys is None else "no ys are numbers"
            raise InvalidArgumentError(f"{why}: give y=, one of {_listed(numeric)}")
        return candidates[0]


def finished_table(source: Source) -> Table:
    """Read the finished tasks with their values and times."""
    if isinstance(source, Tasks):
        return _table(source, source.fetch_finished_tasks(fields=_VALUES))
    frame = _checked(source)
    if "state" in frame.columns:
        frame = frame.filter(frame["state"].cast(pl.String) == "finished")
    return Table(frame, None, None, None)


def valued_table(source: Source) -> Table:
    """Read tasks of all states with their values and times."""
    if isinstance(source, Tasks):
        return _table(source, source.fetch_tasks_with_state(fields=_VALUES))
    return Table(_checked(source), None, None, None)


def timed_table(source: Source) -> Table:
    """Read tasks of all states with worker and times."""
    if isinstance(source, Tasks):
        frame = source.fetch_tasks_with_state(fields=_TIMES)
        return Table(frame, None, None, datetime.now(UTC))
    frame = _checked(source)
    require(frame, ("state", "worker_id", "created_at", "started_at", "finished_at"))
    return Table(frame, None, None, None)


def require(frame: pl.DataFrame, names: Sequence[str]) -> None:
    """Raise InvalidArgumentError for columns that are missing, with the call that fetches them."""
    missing = [name for name in names if name not in frame.columns]
    if not missing:
        return
    call = "fetch_tasks_with_state" if "state" in missing else "a fetch"
    fields = [repr(field) for field, columns in _COLUMNS.items() if columns & {*missing}]
    options = f" with fields=[..., {', '.join(fields)}]" if fields else ""
    raise InvalidArgumentError(
        f"the frame lacks {_listed(missing)}, which this chart needs: get it by {call}{options}"
    )


def _table(source: Tasks[Any, Any, Any, Any], frame: pl.DataFrame) -> Table:
    schema = network_schema(models_of(type(source)))
    return Table(frame, list(schema.xs.columns), list(schema.ys.columns), datetime.now(UTC))


def _checked(source: object) -> pl.DataFrame:
    if isinstance(source, pl.DataFrame):
        return source
    raise InvalidTypeError(
        "a chart is made of a Network, a Worker or a Polars DataFrame of one of their fetches "
        f"but was given a {type(source).__module__}.{type(source).__name__}"
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(sorted(map(repr, names))) or "none of its columns"
