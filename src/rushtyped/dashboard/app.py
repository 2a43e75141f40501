"""The dashboard as an ASGI app."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from rushtyped.connect import Server
from rushtyped.dashboard import assets
from rushtyped.dashboard.endpoint import endpoint_of, json_reply
from rushtyped.dashboard.events import events
from rushtyped.dashboard.guard import Guard, Keys
from rushtyped.dashboard.lookout import Lookout
from rushtyped.dashboard.metrics import metrics
from rushtyped.dashboard.openapi import openapi
from rushtyped.dashboard.replies import ErrorReply
from rushtyped.dashboard.routes import ROUTES
from rushtyped.errors import InvalidArgumentError
from rushtyped.plan import endpoint_for

LOCAL_HOSTS = ("127.0.0.1", "localhost")


def make_app(
    *,
    redis: Server | None = None,
    allow_control: bool = False,
    token: str | None = None,
    hosts: Sequence[str] = LOCAL_HOSTS,
) -> Starlette:
    """Make the ASGI app of a server's networks, which shows them live.

    With `token` every request needs it; `allow_control`, which lets pages stop workers and retry
    tasks, does not go without. `hosts` are the names that the app may be reached by, without their
    port. Nothing is read before somebody asks; threads that watch networks end with the app.
    """
    if allow_control and not token:
        raise InvalidArgumentError(
            "allow_control=True needs token=: who knows it may stop workers and retry tasks"
        )
    if token is not None and (not token or not token.isascii() or not token.isprintable()):
        raise InvalidArgumentError("token must be printable ASCII text that is not empty")
    lookout, keys = Lookout(endpoint_for(redis)), Keys(token)

    @contextlib.asynccontextmanager
    async def closing(_: Starlette) -> AsyncIterator[None]:
        yield
        lookout.close()

    app = Starlette(
        routes=_routes(),
        middleware=[Middleware(Guard, keys=keys, hosts=hosts)],
        exception_handlers={HTTPException: _refusal},
        lifespan=closing,
    )
    app.router.redirect_slashes = False
    app.state.lookout = lookout
    app.state.vega = assets.VegaBundle()
    app.state.allow_control = allow_control
    app.state.csrf_token = keys.csrf if allow_control else ""
    return app


def _routes() -> list[BaseRoute]:
    return [
        *(Route(asked.path, endpoint_of(asked), methods=[asked.method]) for asked in ROUTES),
        Route("/api/openapi.json", openapi),
        Route("/events/{network_id}", events),
        Route("/metrics", metrics),
        Route("/static/{name:path}", assets.static),
        Route("/", assets.page),
        Route("/networks/{rest:path}", assets.page),
    ]


async def _refusal(_: Request, error: Any) -> Response:
    """Say in JSON that there is no such route, or not by this method."""
    refused: HTTPException = error
    reply = json_reply(ErrorReply(error=refused.detail), refused.status_code)
    reply.headers.update(refused.headers or {})
    return reply
