"""What `rushtyped watch` shows in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from rushtyped.cli.cells import cell
from rushtyped.cli.sight import Sight
from rushtyped.models import TaskState
from rushtyped.printable import printable

_STYLES = {
    TaskState.QUEUED: "cyan",
    TaskState.RUNNING: "yellow",
    TaskState.FINISHED: "green",
    TaskState.FAILED: "red",
}
_MOST_COLUMNS = 8
_MOST_WORKERS = 8
_WIDEST = 24


def screen(network_id: str, sight: Sight, hint: str) -> RenderableType:
    """Lay out one look."""
    return Group(*_lines(network_id, sight, hint))


def _lines(network_id: str, sight: Sight, hint: str) -> Iterator[RenderableType]:
    title = Text(printable(network_id), style="bold", no_wrap=True)
    yield title.append(f"  {hint}", style="dim")
    yield _states(sight)
    yield _workers_line(sight)
    if sight.progress.max_tasks is not None:
        bar = ProgressBar(total=sight.progress.max_tasks, completed=sight.progress.finished)
        yield Padding(bar, 0)  # which ends its line
    if sight.best.height:
        yield from _section("best", _table(sight.best.columns, sight.best.iter_rows()))
    running = [row for row in sight.workers.iter_rows(named=True) if row["state"] == "running"]
    if running:
        yield from _section("workers", _workers_table(running))
    if sight.errors:
        yield from _section(
            "errors",
            *(Text(each, style="red", no_wrap=True, overflow="ellipsis") for each in sight.errors),
        )


def _states(sight: Sight) -> Text:
    seen = sight.progress
    of = "" if seen.max_tasks is None else f"/{seen.max_tasks}"
    line = Text(no_wrap=True, overflow="ellipsis")
    for state, style in _STYLES.items():
        suffix = of if state is TaskState.FINISHED else ""
        line.append(f"{getattr(seen, state.value)}{suffix} {state.value}  ", style=style)
    return line


def _workers_line(sight: Sight) -> Text:
    seen = sight.progress
    parts = [f"{seen.running_workers} workers", f"{sight.per_second:.3g} tasks/s"]
    silent = sum(
        row["state"] == "running" and row["heartbeat"] is False
        for row in sight.workers.iter_rows(named=True)
    )
    if silent:
        parts.append(f"{silent} workers give no sign of life")
    if seen.seconds is not None:
        limit = "" if seen.max_seconds is None else f" of {seen.max_seconds:.0f}"
        parts.append(f"{seen.seconds:.0f}{limit} s")
    return Text("  ".join(parts), no_wrap=True, overflow="ellipsis")


def _section(title: str, *rows: RenderableType) -> Iterator[RenderableType]:
    yield Text()
    yield Text(title, style="bold")
    yield from rows


def _workers_table(rows: Sequence[dict[str, object]]) -> Table:
    names = ("worker_id", "hostname", "pid", "started_at")
    table = _table(names, ([row[name] for name in names] for row in rows[:_MOST_WORKERS]))
    if rows[_MOST_WORKERS:]:
        table.add_row(Text(f"and {len(rows) - _MOST_WORKERS} more", style="dim"))
    return table


def _table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names[:_MOST_COLUMNS]:
        table.add_column(
            Text(printable(name)), no_wrap=True, overflow="ellipsis", max_width=_WIDEST
        )
    for row in rows:
        table.add_row(*(Text(cell(value)) for value in row[:_MOST_COLUMNS]))
    return table
