"""What the routes reply: the models behind the OpenAPI document."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from rushtyped.dashboard.cells import Cell

Row = dict[str, Cell]


class Reply(BaseModel):
    """A reply with exactly these fields; numbers in it are finite."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, ser_json_inf_nan="null"
    )


class ErrorReply(Reply):
    """Why there is no other reply."""

    error: str


class NetworkLine(Reply):
    """One network of a server."""

    id: str
    queued: int
    running: int
    finished: int
    failed: int
    running_workers: int
    max_tasks: int | None
    spent: bool


class NetworksReply(Reply):
    """The networks of a server, by id."""

    networks: list[NetworkLine]
    server: str


class ProgressLine(Reply):
    """How far a network is."""

    queued: int
    running: int
    finished: int
    failed: int
    running_workers: int
    max_tasks: int | None
    seconds_left: float | None
    spent: bool


class ColumnLine(Reply):
    """A column of the network's tasks."""

    name: str
    group: Literal["xs", "ys", "xs_extra", "ys_extra", "times", "worker"]
    dtype: str
    numeric: bool


class ErrorLine(Reply):
    """Why a task has failed."""

    key: str
    worker_id: str | None
    type: str | None
    message: str | None


class SummaryReply(Reply):
    """A network at a glance."""

    id: str
    progress: ProgressLine
    rate: float
    columns: list[ColumnLine]
    xs: list[str]
    ys: list[str]
    allow_control: bool
    best: list[Row]
    errors: list[ErrorLine]


class TasksReply(Reply):
    """A window of a table of tasks."""

    columns: list[str]
    rows: list[list[Cell]]
    total: int


class ConditionLine(Reply):
    """Why a task has failed, whole."""

    type: str
    message: str
    traceback: str | None


class TaskReply(Reply):
    """One task, whole."""

    key: str
    state: str
    xs: Row
    ys: Row | None
    xs_extra: Row | None
    ys_extra: Row | None
    worker_id: str | None
    condition: ConditionLine | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    attempt: int


class WorkerLine(Reply):
    """One worker."""

    worker_id: str
    state: str
    pid: int | None
    hostname: str | None
    version: str | None
    heartbeat: bool
    started_at: str | None
    ended_at: str | None
    reason: str | None
    n_running: int


class WorkersReply(Reply):
    """The workers of a network, those that run first."""

    workers: list[WorkerLine]


class LogLine(Reply):
    """One record of a worker's log."""

    worker_id: str
    level: str
    timestamp: str
    logger: str | None
    message: str | None
    exception: str | None


class LogReply(Reply):
    """The newest records of all workers, the newest last."""

    records: list[LogLine]


class SchemaReply(Reply):
    """The JSON Schemas that the network has recorded."""

    xs: dict[str, Any]
    ys: dict[str, Any]
    xs_extra: dict[str, Any]
    ys_extra: dict[str, Any]


class StopReply(Reply):
    """How many workers were asked to end."""

    stopped: int


class RetryReply(Reply):
    """How many tasks are queued again."""

    retried: int
