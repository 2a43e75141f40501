"""What may be asked: parameters and bodies of requests, checked with named errors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rushtyped.errors import InvalidArgumentError
from rushtyped.printable import excerpt

Q = TypeVar("Q", bound="Question")

MOST_ROWS = 500
_FURTHEST = 10**9
_Text = Annotated[str, Field(max_length=500)]
_Switch = Annotated[bool, Field(json_schema_extra={"enum": [0, 1], "type": "integer"})]


class Question(BaseModel):
    """Parameters that a route takes, and no others."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class Nothing(Question):
    """No parameters."""


class ChartQuestion(Question):
    """Which columns a chart shows; each chart looks at its own only."""

    column: _Text | None = Field(None, description="of `progress`; the first numeric y if none")
    maximise: _Switch = Field(default=False, description="of `progress`: whether more is better")
    x: _Text | None = Field(None, description="of `scatter`")
    y: _Text | None = Field(None, description="of `scatter`")
    colour: _Text | None = Field(None, description="of `scatter` and `parallel`")


class TasksQuestion(Question):
    """Which window of which table of tasks."""

    state: Literal["all", "queued", "running", "finished", "failed"] = Field(
        "all", description="of the tasks"
    )
    sort: _Text = Field("", description="column; empty for the order of the state")
    descending: _Switch = Field(default=False, description="from the largest value on")
    filter: _Text = Field("", description="text in any column, or column=value, != < <= > >=")
    offset: int = Field(0, ge=0, le=_FURTHEST, description="of the first row")
    limit: int = Field(100, ge=0, le=MOST_ROWS, description="most rows")


class LogQuestion(Question):
    """Which records of the log."""

    limit: int = Field(200, ge=0, le=MOST_ROWS, description="most records")
    level: Literal["", "TRACE", "DEBUG", "INFO", "SUCCESS", "WARNING", "ERROR", "CRITICAL"] = Field(
        "", description="least level"
    )


class StopOrder(Question):
    """How workers are to end."""

    how: Literal["terminate", "kill"]


class RetryOrder(Question):
    """Which failed tasks to queue again; null for all."""

    keys: Annotated[list[_Text], Field(max_length=100_000)] | None


def parse_query(model: type[Q], pairs: Sequence[tuple[str, str]]) -> Q:
    """Read the parameters of a URL; raise InvalidArgumentError for what the route does not take."""
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise InvalidArgumentError(
                f"parameter {excerpt(name)!r} is given twice: once is enough"
            )
    return _validated(model, dict(pairs), "parameter")


def parse_body(model: type[Q], body: bytes) -> Q:
    """Read a JSON body; raise InvalidArgumentError for anything else."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidArgumentError(
            f"the body must be a JSON object with {_expected(model)}, but is no JSON: "
            f"{excerpt(error)}"
        ) from error
    if not isinstance(document, dict):
        raise InvalidArgumentError(
            f"the body must be a JSON object with {_expected(model)}, but is a "
            f"{type(document).__name__}"
        )
    return _validated(model, document, "field")


def _validated(model: type[Q], values: dict[str, object], what: str) -> Q:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        name = excerpt(".".join(map(str, first["loc"][:2])) or "the whole")
        reason = excerpt(first["msg"])
        got = "" if first["type"] == "missing" else f", got {excerpt(repr(first['input']))}"
        raise InvalidArgumentError(
            f"{what} {name!r}: {reason}{got}; expected {_expected(model)}"
        ) from error


def _expected(model: type[BaseModel]) -> str:
    return ", ".join(model.model_fields) or "none"
