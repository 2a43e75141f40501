"""Which columns and rows of a frame a user has asked for."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

import typer

from rushtyped.printable import excerpt

if TYPE_CHECKING:  # the command line starts without Polars
    import polars as pl


def names_in(given: Sequence[str], columns: Sequence[str]) -> list[str]:
    """Resolve names that may be given together, with commas between them."""
    names = [name for text in given for name in ([text] if text in columns else text.split(","))]
    for name in names:
        _check(name, columns, "--columns")
    return list(dict.fromkeys(names))


def ordered(frame: pl.DataFrame, sort: str) -> pl.DataFrame:
    """Order by a column, with a - before it the largest first; nulls and nan come last."""
    descending = sort[:1] == "-" and sort not in frame.columns
    name = sort[1:] if descending else sort
    _check(name, frame.columns, "--sort")
    if frame.schema[name].is_nested():
        raise typer.BadParameter(
            f"{excerpt(name)} holds {frame.schema[name]}, which has no order", param_hint="--sort"
        )
    column = frame[name]
    key = column.fill_nan(None) if column.dtype.is_float() else column
    order = key.arg_sort(descending=descending, nulls_last=True)
    return frame[order]


def _check(name: str, columns: Sequence[str], option: str) -> None:
    if name in columns:
        return
    close = get_close_matches(name, columns, n=1)
    guess = f", did you mean {excerpt(close[0])}?" if close else "."
    raise typer.BadParameter(
        f"there is no column {excerpt(name)!r}{guess} There are {excerpt(', '.join(columns))}",
        param_hint=option,
    )
