"""The models that users subclass, and the records that every task shares."""

from __future__ import annotations

import traceback as tracebacks
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

TASK_FAILED = "Task failed"


class Xs(BaseModel):
    """Declare what goes into a task by subclassing."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Ys(BaseModel):
    """Declare what comes out of a task by subclassing."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Extra(BaseModel):
    """Declare what is kept beside xs or ys by subclassing."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class AnyExtra(Extra):
    """Take any names and plain values: the extra of a network that declares none."""

    model_config = ConfigDict(extra="allow")


class TaskState(StrEnum):
    """The one state of a task; it is kept on the task's hash."""

    QUEUED = "queued"
    """Waits for a worker to pop it."""
    RUNNING = "running"
    """One worker evaluates it; only that worker may finish it."""
    FINISHED = "finished"
    """Has its ys; never changes again."""
    FAILED = "failed"
    """Has a condition that says why; may be retried."""


class Condition(BaseModel):
    """Why a task failed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str
    message: str
    traceback: str | None = None

    @classmethod
    def from_exception(cls, exception: BaseException) -> Condition:
        """Record an exception with its class name, its message and its formatted traceback."""
        lines = tracebacks.format_exception(exception) if exception.__traceback__ else None
        name = type(exception).__name__
        return cls(
            type=name, message=str(exception) or name, traceback="".join(lines) if lines else None
        )


DEFAULT_CONDITION = Condition(type="TaskFailed", message=TASK_FAILED)
