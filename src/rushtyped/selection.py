"""Which tasks, which of their fields: what callers select by, checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

from rushtyped.arguments import as_list, check_count, check_options
from rushtyped.errors import InvalidArgumentError, UnknownTaskError
from rushtyped.index_store import Index
from rushtyped.keys import check_task_key, check_worker_id
from rushtyped.models import TaskState
from rushtyped.schema import DEFAULT_FIELDS, Field

STATES: tuple[TaskState, ...] = tuple(TaskState)
INDEXES: dict[TaskState, Index] = {
    TaskState.QUEUED: "queue",
    TaskState.RUNNING: "running",
    TaskState.FINISHED: "finished",
    TaskState.FAILED: "failed",
}
ALL_FIELDS: tuple[Field, ...] = (*DEFAULT_FIELDS, "times")

_MOST_NAMED = 5

States = Sequence[TaskState | Literal["queued", "running", "finished", "failed"]]


def check_fields(fields: Sequence[Field]) -> list[Field]:
    """Return the fields that were asked for, or raise InvalidArgumentError."""
    check_options("fields", fields, ALL_FIELDS)
    return list(fields)


def check_states(states: States) -> list[TaskState]:
    """Return the states that were asked for, each once, or raise InvalidArgumentError."""
    names = check_options("states", states, [state.value for state in STATES])
    return [TaskState(name) for name in dict.fromkeys(names)]


class Part(NamedTuple):
    """Some positions of an index."""

    offset: int = 0
    limit: int | None = None
    """How many; None for all from the offset on."""


WHOLE = Part()


def check_part(offset: int, limit: int | None) -> Part:
    """Return which positions were asked for, or raise InvalidTypeError or InvalidArgumentError."""
    return Part(check_count("offset", offset) or 0, check_count("limit", limit))


def check_keys(keys: Sequence[str]) -> list[str]:
    """Return task keys as a list, or raise InvalidTypeError or InvalidArgumentError."""
    return [check_task_key(key) for key in as_list("keys", keys)]


def check_worker_ids(worker_ids: Sequence[str] | None) -> list[str] | None:
    """Return worker ids as a list, None for None, or raise what `check_keys` does."""
    if worker_ids is None:
        return None
    return [check_worker_id(each) for each in as_list("worker_ids", worker_ids)]


def check_distinct(keys: list[str]) -> list[str]:
    """Return task keys, or raise InvalidArgumentError where one is given twice."""
    if len(keys) > 1 and len(set(keys)) < len(keys):
        twice = sorted(repr(key) for key, n in Counter(keys).items() if n > 1)
        raise InvalidArgumentError(f"keys holds {', '.join(twice)} more than once: once is enough")
    return keys


def first_of_each(keys: Sequence[str], conditions: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """Pair keys with conditions; a key that comes again counts once, with its first condition."""
    tasks: dict[str, bytes] = {}
    for key, condition in zip(keys, conditions, strict=True):
        tasks.setdefault(key, condition)
    return list(tasks.items())


def moved_keys(keys: Sequence[str], moved: Sequence[int]) -> list[str]:
    """Return the keys of those that a transition has moved."""
    return [key for key, outcome in zip(keys, moved, strict=True) if outcome == 1]


def unknown_tasks(network_id: str, keys: Sequence[str]) -> UnknownTaskError:
    """Make the error that names keys of no task."""
    named = ", ".join(sorted(map(repr, keys))[:_MOST_NAMED])
    return UnknownTaskError(
        f"network {network_id!r} has no task {named}"
        f"{' and others' if len(keys) > _MOST_NAMED else ''}: pass keys that a push of this "
        "network returned; nothing was changed"
    )
