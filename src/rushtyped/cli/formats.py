"""Frames as other programs read them: JSON, CSV and Parquet."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING

from rushtyped.cli.cells import json_value
from rushtyped.errors import InvalidArgumentError
from rushtyped.printable import printable_lines

if TYPE_CHECKING:  # the command line starts without Polars
    import polars as pl


class Format(StrEnum):
    """How tasks are written."""

    TABLE = "table"
    """For people."""
    JSON = "json"
    """An object a line."""
    CSV = "csv"
    """With nested values as JSON."""
    PARQUET = "parquet"
    """With the dtypes of the frame."""


def write_frame(frame: pl.DataFrame, format_: Format, path: Path | None) -> None:
    """Write a frame to a file, else to standard output; there no text takes effect."""
    if format_ is Format.PARQUET:
        with _opened(path) as stream:
            frame.write_parquet(stream)
        return
    text = _lines(frame) if format_ is Format.JSON else _csv(frame)
    if path is None and sys.stdout.isatty():
        text = printable_lines(text)
    with _opened(path) as stream:
        stream.write(text.encode())


def _lines(frame: pl.DataFrame) -> str:
    rows = frame.iter_rows(named=True)
    return "".join(f"{json.dumps(json_value(row))}\n" for row in rows)


def _csv(frame: pl.DataFrame) -> str:
    import polars as pl  # noqa: PLC0415 - the command line starts without it

    return frame.with_columns(
        pl.Series(name, [_as_json(value) for value in frame[name].to_list()], dtype=pl.String)
        for name, dtype in frame.schema.items()
        if dtype.is_nested() or dtype in {pl.Binary(), pl.Duration()}
    ).write_csv()


def _as_json(value: object) -> str | None:
    plain = json_value(value)
    return plain if plain is None or isinstance(plain, str) else json.dumps(plain)


@contextmanager
def _opened(path: Path | None) -> Iterator[IO[bytes]]:
    """Give the file, or standard output after what was printed already."""
    if path is None:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        stream = path.open("wb")
    except OSError as error:
        raise InvalidArgumentError(
            f"--output must be a file that can be written but {str(path)!r} cannot: "
            f"{error.strerror}"
        ) from error
    with stream:
        yield stream
