"""What a notebook shows of a Network or Worker."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from rushtyped.forecast import clock
from rushtyped.printable import excerpt
from rushtyped.store import Progress

_LONGEST = 500


def table_html(title: str, rows: Mapping[str, object]) -> str:
    """Write names and values as a small table; all of it is escaped."""
    lines = [
        f'<tr><th style="text-align: left">{_text(name)}</th>'
        f'<td style="text-align: left">{_text(value)}</td></tr>'
        for name, value in rows.items()
    ]
    return (
        f'<table><caption style="text-align: left"><b>{_text(title)}</b></caption>'
        f"<tbody>{''.join(lines)}</tbody></table>"
    )


def progress_rows(progress: Progress) -> dict[str, object]:
    """List what a look at a network has shown."""
    return {
        "tasks": f"{progress.queued} queued, {progress.running} running, "
        f"{progress.finished} finished, {progress.failed} failed",
        "running workers": progress.running_workers,
        "budget": _budget(progress),
    }


def _budget(progress: Progress) -> str:
    """Say what the budget is, and whether it is spent."""
    parts = []
    if progress.max_tasks is not None:
        parts.append(f"{progress.finished} of {progress.max_tasks} tasks")
    if progress.max_seconds is not None:
        parts.append(f"{clock(progress.seconds or 0.0)} of {clock(progress.max_seconds)}")
    if not parts:
        return "none"
    return f"{', '.join(parts)}{' (spent)' if progress.spent else ''}"


def _text(value: object) -> str:
    return escape(excerpt(value, _LONGEST))
