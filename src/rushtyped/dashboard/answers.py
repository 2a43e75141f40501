"""What the routes of one network reply, from its view and what is read for it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import polars as pl

from rushtyped import Condition, Extra, Progress, TaskRecord, Xs, Ys
from rushtyped.dashboard.cells import Cell, cell, cells, is_numeric, moment, whole
from rushtyped.dashboard.replies import (
    ColumnLine,
    ConditionLine,
    ErrorLine,
    LogLine,
    LogReply,
    ProgressLine,
    SchemaReply,
    SummaryReply,
    TaskReply,
    WorkerLine,
    WorkersReply,
)
from rushtyped.dashboard.view import View

AnyRecord = TaskRecord[Xs, Ys, Extra, Extra]
MOST_ERRORS = 5
MOST_WORKERS = 2000
_LEVELS = ("TRACE", "DEBUG", "INFO", "SUCCESS", "WARNING", "ERROR", "CRITICAL")


def progress_line(view: View) -> ProgressLine:
    """Say how far a network is."""
    now: Progress = view.progress
    return ProgressLine(
        queued=now.queued,
        running=now.running,
        finished=now.finished,
        failed=now.failed,
        running_workers=now.running_workers,
        max_tasks=now.max_tasks,
        seconds_left=view.seconds_left(),
        spent=now.spent,
    )


def summary(
    network_id: str, view: View, failed: pl.DataFrame, *, allow_control: bool
) -> SummaryReply:
    """Show a network at a glance."""
    schema = view.finished.schema
    names = [name for name in schema if view.groups.get(name)]
    best = view.best.select("key", *view.xs, *view.ys).to_dicts()
    return SummaryReply(
        id=network_id,
        progress=progress_line(view),
        rate=view.rate(),
        columns=[column_line(name, view.groups[name], schema[name]) for name in names],
        xs=view.xs,
        ys=view.ys,
        allow_control=allow_control,
        best=[cells(row) for row in best],
        errors=error_lines(failed),
    )


def column_line(name: str, group: str, dtype: pl.DataType) -> ColumnLine:
    """Describe a column."""
    of: Any = "worker" if group == "worker_id" else group  # checked by the model
    return ColumnLine(name=name, group=of, dtype=str(dtype), numeric=is_numeric(dtype))


def error_lines(failed: pl.DataFrame) -> list[ErrorLine]:
    """Say why the newest of the failed tasks have failed, the newest first."""
    rows = failed.tail(MOST_ERRORS).reverse().select("key", "worker_id", "condition").to_dicts()
    return [
        ErrorLine(
            key=row["key"],
            worker_id=row["worker_id"],
            type=_text(row["condition"] and row["condition"]["type"]),
            message=_text(row["condition"] and row["condition"]["message"]),
        )
        for row in rows
    ]


def task_reply(record: AnyRecord) -> TaskReply:
    """Show one task whole."""
    return TaskReply(
        key=record.key,
        state=record.state.value,
        xs=_values(record.xs) or {},
        ys=_values(record.ys),
        xs_extra=_values(record.xs_extra),
        ys_extra=_values(record.ys_extra),
        worker_id=record.worker_id,
        condition=_condition_line(record.condition),
        created_at=moment(record.created_at) or "",
        started_at=moment(record.started_at),
        finished_at=moment(record.finished_at),
        attempt=record.attempt,
    )


def workers_reply(info: pl.DataFrame, running: pl.DataFrame) -> WorkersReply:
    """List workers, those that run first, and the newest of those that have ended."""
    busy = Counter(running["worker_id"].drop_nulls().to_list())
    info = info.sort("state", "started_at", descending=[False, True], maintain_order=True)
    return WorkersReply(
        workers=[
            WorkerLine.model_validate(
                {name: cell(value) for name, value in row.items()}
                | {"n_running": busy[row["worker_id"]]}
            )
            for row in info.head(MOST_WORKERS).to_dicts()
        ]
    )


def log_reply(log: pl.DataFrame, limit: int, level: str) -> LogReply:
    """List the newest records, the newest last."""
    if level:
        log = log.filter(pl.col("level").is_in(_LEVELS[_LEVELS.index(level) :]))
    names = list(LogLine.model_fields)
    return LogReply(
        records=[
            LogLine.model_validate({name: whole(value) for name, value in row.items()})
            for row in log.tail(limit).select(names).to_dicts()
        ]
    )


def schema_reply(schemas: dict[str, Any]) -> SchemaReply:
    """Show the recorded schemas."""
    return SchemaReply(**schemas)


def _condition_line(reason: Condition | None) -> ConditionLine | None:
    if reason is None:
        return None
    type_, message = str(whole(reason.type)), str(whole(reason.message))
    return ConditionLine(type=type_, message=message, traceback=_text(reason.traceback))


def _values(model: Xs | Ys | Extra | None) -> dict[str, Cell] | None:
    return None if model is None else {name: whole(value) for name, value in model}


def _text(value: str | None) -> str | None:
    return None if value is None else str(whole(value))
