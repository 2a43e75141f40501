"""One task: as a worker holds it while it runs, and as a record of what is stored of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Final, Generic, Protocol

from typing_extensions import TypeVar

from rushtyped.errors import InvalidTypeError
from rushtyped.models import AnyExtra, Condition, Extra, TaskState, Xs, Ys

X = TypeVar("X", bound=Xs)
Y = TypeVar("Y", bound=Ys)
XE = TypeVar("XE", bound=Extra, default=AnyExtra)
YE = TypeVar("YE", bound=Extra, default=AnyExtra)

Y_contra = TypeVar("Y_contra", bound=Ys, contravariant=True)
YE_contra = TypeVar("YE_contra", bound=Extra, default=AnyExtra, contravariant=True)

AnyCondition = Condition | BaseException | str
"""What says why a task failed: a message or an exception is made a Condition."""


@dataclass(frozen=True, slots=True)
class TaskRecord(Generic[X, Y, XE, YE]):
    """What is stored of a task; the times are the server's, in UTC."""

    key: str
    state: TaskState
    xs: X
    ys: Y | None
    xs_extra: XE | None
    ys_extra: YE | None
    worker_id: str | None
    condition: Condition | None
    attempt: int
    """1 for the first; grows with every retry."""
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Owner(Protocol[Y_contra, YE_contra]):
    """Who runs a task, and alone may settle it."""

    def settle_finished(
        self, key: str, ys: Y_contra, ys_extra: YE_contra | Mapping[str, object] | None
    ) -> bool:
        """Finish the task; False where it is no longer the owner's."""
        ...

    def settle_failed(self, key: str, condition: AnyCondition) -> bool:
        """Fail the task; False where it is no longer the owner's."""
        ...


class Task(Generic[X, Y, XE, YE]):
    """A running task of this worker.

    As a context manager it is settled when the block is left: by an exception it fails with
    this exception as its condition, and so it does where the block has neither finished nor
    failed it.
    """

    __slots__ = ("_owner", "_settled", "attempt", "key", "xs", "xs_extra")

    def __init__(
        self, owner: Owner[Y, YE], key: str, xs: X, xs_extra: XE | None, attempt: int
    ) -> None:
        self._owner = owner
        self._settled = False
        self.key: Final[str] = key
        self.xs: Final[X] = xs
        self.xs_extra: Final[XE | None] = xs_extra
        self.attempt: Final[int] = attempt

    def finish(self, ys: Y, *, ys_extra: YE | Mapping[str, object] | None = None) -> bool:
        """Store the result; False, with a warning, where the task is no longer this worker's.

        Raises InvalidTaskError for ys that do not fit their model; the task still runs then.
        """
        moved = self._owner.settle_finished(self.key, ys, ys_extra)
        self._settled = True
        return moved

    def fail(self, condition: AnyCondition) -> bool:
        """Fail the task; False, with a warning, where it is no longer this worker's."""
        moved = self._owner.settle_failed(self.key, condition)
        self._settled = True
        return moved

    def __enter__(self) -> Task[X, Y, XE, YE]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None and not self._settled:
            self.fail(error)
        elif not self._settled:
            self.fail(
                Condition(type="TaskNotFinished", message="The task's block ended without a result")
            )

    def __repr__(self) -> str:
        return f"<Task {self.key} {self.xs!r}>"


def as_condition(given: object) -> Condition:
    """Make a Condition of a condition, an exception or a message; InvalidTypeError for others."""
    match given:
        case Condition():
            return given
        case BaseException():
            return Condition.from_exception(given)
        case str():
            return Condition(type="TaskFailed", message=given)
        case _:
            raise InvalidTypeError(
                "a condition must be a Condition, an exception or a str "
                f"but is {given!r} ({type(given).__name__})"
            )
