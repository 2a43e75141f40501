"""A network holds and shows what the model says: in Redis, as lists, as frames and as records."""

from __future__ import annotations

from typing import Any

import msgpack
import polars as pl

from rushtyped import TaskState
from rushtyped.selection import ALL_FIELDS
from tests.models import Params, Scores, Start, Timing
from tests.stateful.model import Model, ModelTask
from tests.stateful.snapshot import Snapshot

STATES = ("queued", "running", "finished", "failed")
COLUMNS: dict[str, Any] = {
    "key": pl.String(),
    "x1": pl.Float64(),
    "x2": pl.Float64(),
    "y": pl.Float64(),
    "batch": pl.Int64(),
    "seconds": pl.Float64(),
    "worker_id": pl.String(),
    "condition": pl.Struct({"type": pl.String(), "message": pl.String(), "traceback": pl.String()}),
}
INSTANT = pl.Datetime("us", "UTC")
TIMES: dict[str, Any] = {
    **dict.fromkeys(("created_at", "started_at", "finished_at"), INSTANT),
    "attempt": pl.Int64(),
}
STATE_DTYPE = pl.Enum(STATES)


def x2_of(x1: float) -> float:
    """Say what x2 all tasks of the model have."""
    return -x1


def check_stored(model: Model, snapshot: Snapshot) -> None:
    """Fail unless Redis holds the model's tasks and workers, in the model's order."""
    assert snapshot.all == list(model.tasks)
    assert snapshot.queue == model.queue
    assert [key for key, _ in snapshot.running] == model.running
    assert snapshot.finished == model.finished
    assert [key for key, _ in snapshot.failed] == model.failed
    assert snapshot.workers == set(model.workers)
    running = {worker_id for worker_id, worker in model.workers.items() if worker.running}
    assert snapshot.running_workers == running
    for worker_id, worker in model.workers.items():
        stored = snapshot.of_workers[worker_id]
        assert stored.pending == worker.pending
        assert stored.has_lease == worker.leased
        assert (stored.terminate or b"").decode() == (worker.asked or "")
        assert set(stored.kill) == ({"kill"} if worker.asked == "kill" else set())
    assert snapshot.hashes == set(model.hashes)
    for key, note in model.hashes.items():
        assert {name: msgpack.unpackb(value) for name, value in snapshot.tasks[key].items()} == {
            "note": note
        }
    for task in model.tasks.values():
        assert _stored(snapshot.tasks[task.key]) == _expected(task)


def _stored(fields: dict[str, bytes]) -> dict[str, object]:
    shown: dict[str, object] = {"started": "started_at" in fields}
    for name in ("xs", "ys", "xs_extra", "ys_extra", "condition"):
        if name in fields:
            shown[name] = msgpack.unpackb(fields[name])
    for name in ("state", "worker_id", "attempt"):
        if name in fields:
            shown[name] = fields[name].decode()
    return shown


def _expected(task: ModelTask) -> dict[str, object]:
    fields = {
        "started": task.started,
        "xs": {"x1": task.x1, "x2": x2_of(task.x1)},
        "ys": None if task.y is None else {"y": task.y},
        "xs_extra": None if task.batch is None else {"batch": task.batch},
        "ys_extra": None if task.seconds is None else {"seconds": task.seconds},
        "condition": _condition(task),
        "state": task.state,
        "worker_id": task.worker_id,
        "attempt": str(task.attempt),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _condition(task: ModelTask) -> dict[str, str | None] | None:
    if task.reason is None:
        return None
    return {"type": task.reason[0], "message": task.reason[1], "traceback": None}


def _row(task: ModelTask) -> dict[str, object]:
    return {
        "key": task.key,
        "x1": task.x1,
        "x2": x2_of(task.x1),
        "y": task.y,
        "batch": task.batch,
        "seconds": task.seconds,
        "worker_id": task.worker_id,
        "condition": _condition(task),
    }


def check_frame(model: Model, frame: pl.DataFrame, keys: list[str]) -> None:
    """Fail unless a frame of the default fields shows these tasks."""
    assert dict(frame.schema) == COLUMNS
    assert frame.to_dicts() == [_row(model.tasks[key]) for key in keys]


def check_shown(model: Model, tasks: Any) -> None:
    """Fail unless a Network or Worker shows the model's tasks."""
    check_frame(model, tasks.fetch_queued_tasks(), model.queue)
    check_frame(model, tasks.fetch_running_tasks(), model.running)
    check_frame(model, tasks.fetch_finished_tasks(), model.finished)
    check_frame(model, tasks.fetch_failed_tasks(), model.failed)
    _check_times(model, tasks.fetch_tasks(fields=ALL_FIELDS))
    _check_states(model, tasks.fetch_tasks_with_state(fields=["ys"]))
    counts = [getattr(tasks, f"n_{state}_tasks") for state in STATES]
    assert counts == [len(model.index(state)) for state in STATES]
    popping = len(model.queued_anywhere()) - len(model.queue)
    assert tasks.n_tasks == sum(counts) + popping
    listed = tasks.tasks_with_state()
    assert listed == {TaskState(state): model.index(state) for state in STATES}


def _check_times(model: Model, frame: pl.DataFrame) -> None:
    known = list(model.tasks.values())
    assert dict(frame.schema) == COLUMNS | TIMES
    check_frame(model, frame.drop(list(TIMES)), list(model.tasks))
    assert frame["attempt"].to_list() == [task.attempt for task in known]
    assert frame["created_at"].null_count() == 0
    assert frame["started_at"].is_not_null().to_list() == [task.started for task in known]
    ended = [task.state in ("finished", "failed") for task in known]
    assert frame["finished_at"].is_not_null().to_list() == ended


def _check_states(model: Model, frame: pl.DataFrame) -> None:
    keys = [key for state in STATES for key in model.index(state)]
    expected = [(key, model.tasks[key].state, model.tasks[key].y) for key in keys]
    assert dict(frame.schema) == {"key": pl.String(), "state": STATE_DTYPE, "y": pl.Float64()}
    assert frame.rows() == expected


def check_records(model: Model, tasks: Any) -> None:
    """Fail unless the typed records are the model's tasks."""
    for record in tasks.read_tasks(list(model.tasks)):
        task = model.tasks[record.key]
        assert record.state is TaskState(task.state)
        assert record.xs == Params(x1=task.x1, x2=x2_of(task.x1))
        assert record.ys == (None if task.y is None else Scores(y=task.y))
        assert record.xs_extra == (None if task.batch is None else Start(batch=task.batch))
        assert record.ys_extra == (None if task.seconds is None else Timing(seconds=task.seconds))
        assert record.worker_id == task.worker_id
        condition = None if record.condition is None else record.condition.model_dump()
        assert condition == _condition(task)
        assert record.attempt == task.attempt
        assert (record.started_at is not None) == task.started
        assert (record.finished_at is not None) == (task.state in ("finished", "failed"))
    flags = [task.state for task in model.tasks.values()]
    assert tasks.is_running_task(list(model.tasks)) == [flag == "running" for flag in flags]
    assert tasks.is_failed_task(list(model.tasks)) == [flag == "failed" for flag in flags]
