"""What a command prints: data on standard output, messages on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rushtyped.cli.cells import cell, json_value
from rushtyped.printable import printable, printable_lines

Row = Sequence[object]

_WIDEST = 60
"""Characters of a cell that a terminal shows."""
_BETWEEN = 2
_BETWEEN_IN_BOX = 3


def in_terminal() -> bool:
    """Whether standard output is a terminal that colours and boxes are wanted in."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def say(message: object) -> None:
    """Tell the user something that is no data."""
    print(f"rushtyped: {printable_lines(message)}", file=sys.stderr)


def print_json(record: Mapping[str, object]) -> None:
    """Print one object on a line of its own."""
    print(json.dumps(json_value(record)))


def print_table(names: Sequence[str], rows: Iterable[Row]) -> None:
    """Print a table, with boxes in a terminal; there it has the columns that there is room for."""
    values = list(rows)
    cells = [[cell(value) for value in row] for row in values]
    numeric = [_is_numeric([row[index] for row in values]) for index in range(len(names))]
    titles = [printable(name) for name in names]
    if in_terminal():
        _print_boxed(titles, cells, numeric)
    else:
        _print_plain(titles, cells, numeric)


def print_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """Print names and values, a pair a line."""
    shown = [(name, cell(value)) for name, value in pairs]
    width = max((len(name) for name, _ in shown), default=0) + _BETWEEN
    for name, value in shown:
        print(f"{name:<{width}}{value}")


def _is_numeric(column: Sequence[object]) -> bool:
    return all(value is None or type(value) in {int, float, Decimal} for value in column)


def _print_plain(names: list[str], rows: list[list[str]], numeric: Sequence[bool]) -> None:
    widths = [max(map(cell_len, column)) for column in zip(names, *rows, strict=True)]
    for row in (names, *rows):
        padded = []
        for text, width, right in zip(row, widths, numeric, strict=True):
            room = " " * (width - cell_len(text))
            padded.append(room + text if right else text + room)
        print((" " * _BETWEEN).join(padded).rstrip())


def _print_boxed(names: list[str], rows: list[list[str]], numeric: Sequence[bool]) -> None:
    console = Console()
    n = _n_fitting(names, rows, console.width)
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name, right in zip(names[:n], numeric, strict=False):
        table.add_column(
            Text(name),
            justify="right" if right else "left",
            no_wrap=True,
            overflow="ellipsis",
            max_width=_WIDEST,
        )
    for row in rows:
        table.add_row(*map(Text, row[:n]))
    console.print(table)
    if names[n:]:
        say(f"no room for {', '.join(names[n:])}")


def _n_fitting(names: Sequence[str], rows: Sequence[Sequence[str]], room: int) -> int:
    """Count the columns that a terminal has room for, the first one in any case."""
    used = 0
    for n, column in enumerate(zip(names, *rows, strict=True)):
        used += min(max(map(cell_len, column)), _WIDEST) + _BETWEEN_IN_BOX
        if used > room and n:
            return n
    return len(names)
