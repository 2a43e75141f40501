"""Calls that a Network and a Worker have in common."""

from __future__ import annotations

from operator import attrgetter

from rushtyped import Condition
from rushtyped.tasks import Tasks
from rushtyped.view import NetworkView
from tests.faults.call import Call, read
from tests.faults.scene import Scene
from tests.models import Params, Scores, points

POINT = Params(x1=9.0, x2=9.0)


def _settled(scene: Scene) -> list[str]:
    return [*scene.finished, *scene.failed]


def _properties() -> dict[str, Call]:
    return {
        f"{owner.__name__}.{name}": read(attrgetter(f"network.{name}"))
        for owner in (NetworkView, Tasks)
        for name, member in vars(owner).items()
        if isinstance(member, property)
        and name not in ("network_id", "connector", "progress")
        and not name.startswith("_")
    }


CALLS: dict[str, Call] = {
    **_properties(),
    "NetworkView.progress": read(lambda s: s.network.progress[1:8]),  # an event has its own name
    "NetworkView.wait_for_change": read(lambda s: type(s.network.wait_for_change(timeout=0.0))),
    "Tasks.push_tasks": Call(lambda s: s.network.push_tasks(points(3))),
    "Tasks.push_tasks, with a new extra": Call(
        lambda s: s.network.push_tasks([POINT], xss_extra=[{"fresh": 1}])
    ),
    "Tasks.push_finished_tasks": Call(
        lambda s: s.network.push_finished_tasks(points(1), [Scores(y=0.0)])
    ),
    "Tasks.push_finished_tasks, by a worker": Call(
        lambda s: s.worker.push_finished_tasks(
            points(2), [Scores(y=0.0), Scores(y=1.0)], yss_extra=[{"seconds": 1.0}]
        )
    ),
    "Tasks.push_failed_tasks": Call(
        lambda s: s.worker.push_failed_tasks(points(2), conditions=["a", "b"])
    ),
    "Tasks.empty_queue": Call(lambda s: s.network.empty_queue()),
    "Tasks.retry_tasks": Call(lambda s: s.worker.retry_tasks(s.failed)),
    "Tasks.write_hashes": Call(lambda s: s.network.write_hashes(keys=["h"], weight=[1.0])),
    "Tasks.write_hashes, of a task": Call(
        lambda s: s.network.write_hashes(keys=s.queued, note=["a", "b"])
    ),
    "Tasks.fetch_tasks": read(lambda s: s.network.fetch_tasks()),
    "Tasks.fetch_tasks, a part": read(lambda s: s.network.fetch_tasks(offset=1, limit=3)),
    "Tasks.fetch_queued_tasks": read(lambda s: s.network.fetch_queued_tasks()),
    "Tasks.fetch_running_tasks": read(lambda s: s.network.fetch_running_tasks()),
    "Tasks.fetch_finished_tasks": Call(lambda s: s.network.fetch_finished_tasks()),
    "Tasks.fetch_failed_tasks": read(lambda s: s.network.fetch_failed_tasks()),
    "Tasks.fetch_tasks_with_state": Call(lambda s: s.worker.fetch_tasks_with_state()),
    "Tasks.fetch_new_tasks": Call(lambda s: s.worker.fetch_new_tasks()),
    "Tasks.fetch_new_tasks, all fields": Call(
        lambda s: s.network.fetch_new_tasks(fields=["xs", "ys", "condition", "times"])
    ),
    "Tasks.read_tasks": read(lambda s: s.network.read_tasks([*s.queued, *s.failed])),
    "Tasks.wait_for_tasks": read(lambda s: s.network.wait_for_tasks(_settled(s))),
    "Tasks.is_running_task": read(lambda s: s.network.is_running_task(s.running)),
    "Tasks.is_failed_task": read(lambda s: s.network.is_failed_task(s.running)),
    "Tasks.tasks_with_state": read(lambda s: s.worker.tasks_with_state()),
    "Tasks.read_hashes": read(lambda s: s.network.read_hashes(s.queued, ["xs", "state"])),
    "Tasks.read_hash": read(lambda s: s.worker.read_hash(s.failed[0], ["condition"])),
    "Task.finish": Call(lambda s: s.task.finish(Scores(y=1.0), ys_extra={"seconds": 1.0})),
    "Task.fail": Call(lambda s: s.task.fail(Condition(type="Diverged", message="y is nan"))),
}
