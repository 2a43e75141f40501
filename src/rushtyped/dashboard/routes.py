"""The table of what can be asked: the app and its OpenAPI document are made of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from rushtyped.dashboard import handlers
from rushtyped.dashboard.questions import (
    ChartQuestion,
    LogQuestion,
    Nothing,
    Question,
    RetryOrder,
    StopOrder,
    TasksQuestion,
)
from rushtyped.dashboard.replies import (
    LogReply,
    NetworksReply,
    Reply,
    RetryReply,
    SchemaReply,
    StopReply,
    SummaryReply,
    TaskReply,
    TasksReply,
    WorkersReply,
)

NETWORK = "/api/networks/{network_id}"


@dataclass(frozen=True, slots=True)
class Asked:
    """One route of the API."""

    path: str
    handle: Callable[..., Awaitable[Any]]
    """Takes the request and the question."""
    question: type[Question]
    """Parameters of a GET, body of a POST."""
    reply: type[Reply] | None
    """None for a Vega-Lite spec."""
    method: Literal["GET", "POST"] = "GET"

    @property
    def summary(self) -> str:
        """What it does, in one line."""
        return (self.handle.__doc__ or "").partition("\n")[0].rstrip(".")


ROUTES: tuple[Asked, ...] = (
    Asked("/api/networks.json", handlers.networks, Nothing, NetworksReply),
    Asked(f"{NETWORK}/summary.json", handlers.summary, Nothing, SummaryReply),
    Asked(f"{NETWORK}/charts/{{name}}.json", handlers.chart, ChartQuestion, None),
    Asked(f"{NETWORK}/tasks.json", handlers.table, TasksQuestion, TasksReply),
    Asked(f"{NETWORK}/tasks/{{key}}.json", handlers.task, Nothing, TaskReply),
    Asked(f"{NETWORK}/workers.json", handlers.workers, Nothing, WorkersReply),
    Asked(f"{NETWORK}/log.json", handlers.log, LogQuestion, LogReply),
    Asked(f"{NETWORK}/schema.json", handlers.schema, Nothing, SchemaReply),
    Asked(f"{NETWORK}/stop", handlers.stop, StopOrder, StopReply, "POST"),
    Asked(f"{NETWORK}/retry", handlers.retry, RetryOrder, RetryReply, "POST"),
)
