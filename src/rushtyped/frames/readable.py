"""The frame of those stored tasks that can be read, where others cannot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import polars as pl

from rushtyped.frames.build import Blobs, UnreadableRowsError, build_frame
from rushtyped.schema import Field, NetworkSchema


class Readable(NamedTuple):
    """What could be read."""

    frame: pl.DataFrame
    columns: Mapping[str, Blobs]
    """What is stored of the rows of the frame."""
    reasons: Mapping[int, str]
    """Why the others cannot be read, by their position in what was given."""


def build_readable(
    schema: NetworkSchema,
    columns: Mapping[str, Blobs],
    fields: Iterable[Field],
    *,
    with_state: bool = False,
) -> Readable:
    """Make a frame as `build_frame` does, and leave out the rows that cannot be read.

    Only where that fails are rows looked at one by one.
    """
    wanted = tuple(fields)
    reasons: dict[int, str] = {}
    rows = list(range(len(columns["key"])))
    while True:
        try:
            frame = build_frame(schema, columns, wanted, with_state=with_state)
        except UnreadableRowsError as error:
            reasons |= {rows[row]: reason for row, reason in error.reasons.items()}
            kept = [row for row in range(len(rows)) if row not in error.reasons]
            rows = [rows[row] for row in kept]
            columns = {name: [blobs[row] for row in kept] for name, blobs in columns.items()}
        else:
            return Readable(frame, columns, reasons)
