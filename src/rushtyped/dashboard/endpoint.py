"""Requests of the API: read, answered, and every error named in its reply."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pydantic_core
from loguru import logger
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from rushtyped import (
    CorruptDataError,
    InvalidArgumentError,
    RushTypedError,
    ServerError,
    UnknownNetworkError,
)
from rushtyped.dashboard.questions import Question, parse_body, parse_query
from rushtyped.dashboard.refusals import ForbiddenError, NotThereError
from rushtyped.dashboard.replies import ErrorReply, Reply
from rushtyped.dashboard.routes import Asked

Endpoint = Callable[[Request], Awaitable[Response]]
LARGEST_BODY = 4_000_000
"""Bytes that the body of a request may have."""
_STATUS: tuple[tuple[type[RushTypedError], int], ...] = (
    (UnknownNetworkError, 404),
    (NotThereError, 404),
    (ForbiddenError, 403),
    (InvalidArgumentError, 400),
    (CorruptDataError, 500),
    (ServerError, 503),
    (RushTypedError, 500),
)


def endpoint_of(asked: Asked) -> Endpoint:
    """Make the endpoint of a route."""

    async def answer(request: Request) -> Response:
        try:
            return json_reply(await asked.handle(request, await _question(request, asked)))
        except RushTypedError as error:
            return error_reply(error)

    return answer


async def _question(request: Request, asked: Asked) -> Question:
    if asked.method == "GET":
        return parse_query(asked.question, request.query_params.multi_items())
    if not request.app.state.allow_control:
        raise ForbiddenError
    parse_query(Question, request.query_params.multi_items())
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise InvalidArgumentError(
            f"the body must be application/json, but its Content-Type is {kind[:100]!r}"
        )
    return parse_body(asked.question, await _body(request))


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > LARGEST_BODY:
                raise InvalidArgumentError(f"the body must be at most {LARGEST_BODY} bytes long")
            parts.append(part)
    except ClientDisconnect as error:
        raise InvalidArgumentError("the body has no end") from error
    return b"".join(parts)


def json_reply(reply: Reply | dict[str, Any], status: int = 200) -> Response:
    """Write a reply; numbers in it are finite."""
    if isinstance(reply, Reply):
        body = reply.model_dump_json().encode()
    else:
        body = pydantic_core.to_json(reply, inf_nan_mode="null")
    return Response(body, status, media_type="application/json")


def error_reply(error: RushTypedError) -> Response:
    """Say why there is no other reply."""
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    if status == 500:
        logger.warning("A request cannot be answered: {}", error)
    return json_reply(ErrorReply(error=str(error)), status)
