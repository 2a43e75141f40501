"""What each route does: a question in, a reply out."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.requests import Request

from rushtyped import InvalidArgumentError, TaskState, UnknownTaskError
from rushtyped.dashboard import answers
from rushtyped.dashboard.cells import rows_of
from rushtyped.dashboard.charts import chart_spec
from rushtyped.dashboard.lookout import Listed, Lookout
from rushtyped.dashboard.questions import (
    ChartQuestion,
    LogQuestion,
    Nothing,
    RetryOrder,
    StopOrder,
    TasksQuestion,
)
from rushtyped.dashboard.refusals import NotThereError
from rushtyped.dashboard.replies import (
    LogReply,
    NetworkLine,
    NetworksReply,
    RetryReply,
    SchemaReply,
    StopReply,
    SummaryReply,
    TaskReply,
    TasksReply,
    WorkersReply,
)
from rushtyped.dashboard.task_frames import SERVER_SHARE, Choice, NetworkTasks

_WORKERS_SECONDS = 1.0
_LOG_SECONDS = 1.0


def lookout_of(request: Request) -> Lookout:
    """Return what the dashboard of a request looks at."""
    lookout: Lookout = request.app.state.lookout
    return lookout


async def tasks_of(request: Request) -> NetworkTasks:
    """Look at the network that the path names."""
    lookout, network_id = lookout_of(request), request.path_params["network_id"]
    watched, view = await lookout.watch(network_id)
    return NetworkTasks(lookout, watched, view, await lookout.pacer(network_id))


async def networks(request: Request, _: Nothing) -> NetworksReply:
    """List the networks of the server."""
    lookout = lookout_of(request)
    found = await lookout.networks()
    return NetworksReply(networks=[_line(each) for each in found], server=lookout.endpoint.address)


def _line(listed: Listed) -> NetworkLine:
    names = ("queued", "running", "finished", "failed", "running_workers", "max_tasks", "spent")
    counts = {name: getattr(listed.progress, name) for name in names}
    return NetworkLine(id=listed.network_id, **counts)


async def summary(request: Request, _: Nothing) -> SummaryReply:
    """Show a network at a glance."""
    tasks = await tasks_of(request)
    failed = await tasks.newest_failed(answers.MOST_ERRORS, ("worker_id", "condition"))
    allowed: bool = request.app.state.allow_control
    name = request.path_params["network_id"]
    return answers.summary(name, tasks.view, failed, allow_control=allowed)


async def chart(request: Request, question: ChartQuestion) -> dict[str, Any]:
    """Return a chart as a Vega-Lite spec with its data."""
    tasks = await tasks_of(request)
    return await chart_spec(tasks, request.path_params["name"], question)


async def table(request: Request, question: TasksQuestion) -> TasksReply:
    """Return a window of a table of tasks."""
    tasks = await tasks_of(request)
    order = (question.sort, question.descending, question.filter.strip())
    choice: Choice = "all" if question.state == "all" else TaskState(question.state)
    rows, total = await tasks.rows(choice, order, question.offset, question.limit)
    return TasksReply(columns=rows.columns, rows=rows_of(rows), total=total)


async def task(request: Request, _: Nothing) -> TaskReply:
    """Return one task whole."""
    tasks, key = await tasks_of(request), request.path_params["key"]
    read = partial(tasks.watched.network.read_tasks, [key])
    try:
        (record,) = await tasks.lookout.in_thread(read)
    except InvalidArgumentError as error:
        raise NotThereError(str(error)) from error
    return answers.task_reply(record)


async def workers(request: Request, _: Nothing) -> WorkersReply:
    """List the workers."""
    tasks = await tasks_of(request)
    network = tasks.watched.network

    async def read() -> Any:
        return await tasks.lookout.in_thread(lambda: network.worker_info)

    info = await tasks.pacer.get("workers", None, read, share=SERVER_SHARE, least=_WORKERS_SECONDS)
    return answers.workers_reply(info, await tasks.unfinished([TaskState.RUNNING], ("worker_id",)))


async def log(request: Request, question: LogQuestion) -> LogReply:
    """List the newest records of the workers' logs."""
    tasks = await tasks_of(request)
    read = partial(tasks.lookout.in_thread, tasks.watched.network.read_log)
    found = await tasks.pacer.get("log", None, read, share=SERVER_SHARE, least=_LOG_SECONDS)
    return answers.log_reply(found, question.limit, question.level)


async def schema(request: Request, _: Nothing) -> SchemaReply:
    """Return the JSON Schemas that the network has recorded."""
    tasks = await tasks_of(request)
    network = tasks.watched.network
    return answers.schema_reply(await tasks.lookout.in_thread(lambda: network.schemas))


async def stop(request: Request, order: StopOrder) -> StopReply:
    """Tell all workers to end."""
    tasks = await tasks_of(request)
    network = tasks.watched.network
    n = await tasks.lookout.in_thread(lambda: network.n_running_workers)
    await tasks.lookout.in_thread(partial(network.stop_workers, order.how))
    return StopReply(stopped=n)


async def retry(request: Request, order: RetryOrder) -> RetryReply:
    """Queue failed tasks again."""
    tasks = await tasks_of(request)
    network = tasks.watched.network

    def again() -> int:
        keys = network.failed_tasks if order.keys is None else order.keys
        return len(network.retry_tasks(keys))

    try:
        return RetryReply(retried=await tasks.lookout.in_thread(again))
    except UnknownTaskError as error:
        raise InvalidArgumentError(f"field 'keys': {error}") from error
