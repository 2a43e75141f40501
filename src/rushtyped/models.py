"""The models that users subclass, and the records that every task shares."""

from __future__ import annotations

import traceback as tracebacks
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, dataclass_transform

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

if TYPE_CHECKING:  # pydantic has no public name for it
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)

TASK_FAILED = "Task failed"


@dataclass_transform(
    kw_only_default=True, frozen_default=True, field_specifiers=(Field, PrivateAttr)
)
class FrozenModelType(ModelMetaclass):
    """Type of the models, which tells type checkers that their fields cannot be set."""


class Xs(BaseModel, metaclass=FrozenModelType):
    """Declare what goes into a task by subclassing."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True
    )


class Ys(BaseModel, metaclass=FrozenModelType):
    """Declare what comes out of a task by subclassing."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True
    )


class Extra(BaseModel, metaclass=FrozenModelType):
    """Declare what is kept beside xs or ys by subclassing."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True
    )


class AnyExtra(Extra):
    """Take any names and plain values: the extra of a network that declares none."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow")

    if TYPE_CHECKING:  # checkers take only declared fields otherwise

        def __init__(self, **names: object) -> None: ...


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


class Condition(BaseModel, frozen=True, extra="forbid"):
    """Why a task failed."""

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
