"""A network holds and shows what the model says: in Redis, as lists, as frames and as records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from rushtyped.codec import decode_condition, free_names, unpack_value
from rushtyped.models import Extra, TaskState
from rushtyped.schema import DEFAULT_FIELDS, GROUPS, TIMES, Field
from rushtyped.selection import ALL_FIELDS
from rushtyped.task import TaskRecord
from rushtyped.testing.frames import frame_value
from rushtyped.testing.machine.agreement import agree, ensure, fields_of
from rushtyped.testing.machine.model import Model, ModelTask
from rushtyped.testing.machine.snapshot import Snapshot

AnyModel = Model[Any, Any, Any, Any]
AnyTask = ModelTask[Any, Any, Any, Any]
STATES = tuple(TaskState)
_ENDED = (TaskState.FINISHED, TaskState.FAILED)
_SHOWN_BY_NEIGHBOURS = (list, Decimal)
"""Free values that a frame shows as text where no dtype holds all that stand beside them."""


def check_stored(model: AnyModel, snapshot: Snapshot) -> None:
    """Fail unless Redis holds the model's tasks and workers, in the model's order."""
    agree("the tasks that are stored", snapshot.all, list(model.tasks))
    agree("the queue that is stored", snapshot.queue, model.queue)
    agree("the running tasks that are stored", [key for key, _ in snapshot.running], model.running)
    agree("the finished tasks that are stored", snapshot.finished, model.finished)
    agree("the failed tasks that are stored", [key for key, _ in snapshot.failed], model.failed)
    for task in model.tasks.values():
        _check_task(model, task, snapshot.tasks[task.key])
    _check_workers(model, snapshot)
    agree("the other hashes that are stored", snapshot.hashes, set(model.hashes))
    for key, fields in model.hashes.items():
        stored = {name: unpack_value(value) for name, value in snapshot.tasks[key].items()}
        agree(f"the fields of hash {key}", stored, fields)


def _check_task(model: AnyModel, task: AnyTask, fields: Mapping[str, bytes]) -> None:
    groups = {name: fields[name] for name in GROUPS if name in fields}
    agree(f"the packed models of task {task.key}", groups, model.packed(task))
    found: dict[str, object] = {
        name: fields[name].decode() if name in fields else None
        for name in ("state", "worker_id", "attempt")
    }
    found["started"] = "started_at" in fields
    found["condition"] = decode_condition(fields["condition"]) if "condition" in fields else None
    expected = {
        "state": task.state.value,
        "worker_id": task.worker_id,
        "attempt": str(task.attempt),
        "started": task.started,
        "condition": task.condition,
    }
    for name, value in expected.items():
        agree(f"the stored {name} of task {task.key}", found[name], value)


def _check_workers(model: AnyModel, snapshot: Snapshot) -> None:
    agree("the registered workers", snapshot.workers, set(model.workers))
    running = {worker_id for worker_id, worker in model.workers.items() if worker.running}
    agree("the running workers", snapshot.running_workers, running)
    for worker_id, worker in model.workers.items():
        stored = snapshot.of_workers[worker_id]
        agree(f"what worker {worker_id} is just popping", stored.pending, list(worker.pending))
        agree(f"whether worker {worker_id} has a lease", stored.has_lease, worker.leased)
        asked = stored.terminate.decode() if stored.terminate else None
        agree(f"what worker {worker_id} was asked for", asked, worker.asked)
        kills = set(stored.kill)
        expected = {"kill"} if worker.asked == "kill" else set()
        agree(f"the orders to kill worker {worker_id}", kills, expected)


def check_shown(model: AnyModel, tasks: Any, schema: pl.Schema) -> None:
    """Fail unless a Network or Worker shows the model's tasks; `schema` is of an empty fetch."""
    for state in STATES:
        frame = getattr(tasks, f"fetch_{state}_tasks")()
        check_frame(model, frame, model.index(state), schema)
    _check_times(model, tasks.fetch_tasks(fields=ALL_FIELDS), schema)
    _check_states(model, tasks.fetch_tasks_with_state(fields=["ys"]), schema)
    for state in STATES:
        found = getattr(tasks, f"n_{state}_tasks")
        agree(f"n_{state}_tasks", found, len(model.index(state)))
    agree("n_tasks", tasks.n_tasks, len(model.tasks))
    agree(
        "tasks_with_state", tasks.tasks_with_state(), {each: model.index(each) for each in STATES}
    )


def check_frame(
    model: AnyModel,
    frame: pl.DataFrame,
    keys: Sequence[str],
    schema: pl.Schema,
    fields: Sequence[Field] = DEFAULT_FIELDS,
) -> None:
    """Fail unless a frame shows these tasks, in columns as those of an empty fetch."""
    agree("the keys of a frame", frame["key"].to_list(), list(keys))
    tasks = [model.tasks[key] for key in keys]
    known = {name for task in model.tasks.values() for name in _free_columns(task, fields)}
    declared = {name: dtype for name, dtype in frame.schema.items() if name not in known}
    wanted = ["key", *(name for each in fields for name in _columns(model, each))]
    agree("the columns of a frame", list(declared), wanted)
    agree("the dtypes of a frame", declared, {name: schema[name] for name in wanted})
    free = {name for task in tasks for name in _free_columns(task, fields)}
    missing = sorted(free - set(frame.columns))
    ensure(not missing, f"a frame lacks the free columns {missing}")
    for row, task in zip(frame.to_dicts(), tasks, strict=True):
        expected = _row(model, task, fields)
        shown = {name: value for name, value in row.items() if name not in TIMES}
        for name, value in {**dict.fromkeys(shown), **expected}.items():
            if name in free and isinstance(value, _SHOWN_BY_NEIGHBOURS):
                continue
            agree(f"column {name!r} of task {task.key}", shown[name], value)


def _columns(model: AnyModel, name: Field) -> Sequence[str]:
    if name == "times":
        return (*TIMES, "attempt")
    if name in ("worker_id", "condition"):
        return (name,)
    group: Any = name
    return tuple(model.codec.schema.group(group).columns)


def _free_columns(task: AnyTask, fields: Iterable[Field]) -> Iterable[str]:
    for name in ("xs_extra", "ys_extra"):
        extra = getattr(task, name)
        if name in fields and isinstance(extra, Extra):
            yield from free_names(extra)


def _row(model: AnyModel, task: AnyTask, fields: Iterable[Field]) -> dict[str, object]:
    """Give what a frame shows of a task, but for its times."""
    row: dict[str, object] = {"key": task.key}
    for name in fields:
        value = None if name == "times" else getattr(task, name)
        if name == "times":
            row["attempt"] = task.attempt
        elif name == "condition":
            row[name] = None if value is None else value.model_dump()
        elif name == "worker_id":
            row[name] = value
        else:
            group: Any = name
            columns = model.codec.schema.group(group).columns
            parts = dict.fromkeys(columns) if value is None else fields_of(value)
            row |= {part: frame_value(each, columns.get(part)) for part, each in parts.items()}
    return row


def _check_times(model: AnyModel, frame: pl.DataFrame, schema: pl.Schema) -> None:
    check_frame(model, frame, list(model.tasks), schema, ALL_FIELDS)
    known = list(model.tasks.values())
    ended = [task.state in _ENDED for task in known]
    expected = {
        "created_at": [True] * len(known),
        "started_at": [task.started for task in known],
        "finished_at": ended,
    }
    for name, values in expected.items():
        agree(f"which tasks have a {name}", frame[name].is_not_null().to_list(), values)


def _check_states(model: AnyModel, frame: pl.DataFrame, schema: pl.Schema) -> None:
    keys = [key for state in STATES for key in model.index(state)]
    agree("the column state", frame["state"].to_list(), [model.tasks[key].state for key in keys])
    check_frame(model, frame.drop("state"), keys, schema, ["ys"])


def check_records(model: AnyModel, tasks: Any) -> None:
    """Fail unless the typed records are the model's tasks."""
    keys = list(model.tasks)
    records: list[TaskRecord[Any, Any, Any, Any]] = tasks.read_tasks(keys)
    for record in records:
        task = model.tasks[record.key]
        for name in (*GROUPS, "state", "worker_id", "condition", "attempt"):
            agree(
                f"the {name} of the record of task {task.key}",
                getattr(record, name),
                getattr(task, name),
            )
        agree(f"whether task {task.key} started", record.started_at is not None, task.started)
        ended = task.state in _ENDED
        agree(f"whether task {task.key} ended", record.finished_at is not None, ended)
    states = [task.state for task in model.tasks.values()]
    flags = [state is TaskState.RUNNING for state in states]
    agree("is_running_task", tasks.is_running_task(keys), flags)
    flags = [state is TaskState.FAILED for state in states]
    agree("is_failed_task", tasks.is_failed_task(keys), flags)
