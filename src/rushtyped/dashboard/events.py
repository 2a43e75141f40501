"""Server-sent events: what the network is like now, whenever it has changed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from rushtyped import RushTypedError, ServerError, UnknownNetworkError
from rushtyped.dashboard.answers import progress_line
from rushtyped.dashboard.endpoint import error_reply
from rushtyped.dashboard.handlers import lookout_of
from rushtyped.dashboard.lookout import Lookout
from rushtyped.dashboard.replies import ErrorReply, ProgressLine, Reply
from rushtyped.dashboard.view import View
from rushtyped.dashboard.watched import Watched

MEDIA_TYPE = "text/event-stream"
KEEP_OPEN = 15.0
"""Seconds after which a comment keeps the connection open."""
_AGAIN = 2.0  # seconds between two tries to reach a server that is away


class ProgressEvent(Reply):
    """How far a network is, and how fast it gets on."""

    progress: ProgressLine
    rate: float


async def events(request: Request) -> Response:
    """Send the progress of a network at once and after each change."""
    lookout, network_id = lookout_of(request), request.path_params["network_id"]
    try:
        await lookout.watch(network_id)
    except ServerError:
        pass  # the stream says so, and when it is back
    except RushTypedError as error:
        return error_reply(error)
    if request.method == "HEAD":
        return Response(media_type=MEDIA_TYPE)
    return StreamingResponse(_stream(lookout, network_id), media_type=MEDIA_TYPE)


async def _stream(lookout: Lookout, network_id: str) -> AsyncIterator[str]:
    """Write events until the network is gone, or the dashboard ends."""
    while not lookout.is_closed:
        try:
            watched, _ = await lookout.watch(network_id)
        except UnknownNetworkError as error:
            yield _event("gone", ErrorReply(error=str(error)))
            return
        except RushTypedError as error:
            yield _event("away", ErrorReply(error=str(error)))
            await asyncio.sleep(_AGAIN)
            continue
        async for event in _events_of(watched):
            yield event


async def _events_of(watched: Watched) -> AsyncIterator[str]:
    """Write an event whenever there is something new, until the network is watched no more.

    Who reads slowly gets what is newest then, and misses what was in between.
    """
    loop, rung = asyncio.get_running_loop(), asyncio.Event()

    def bell() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(rung.set)

    last = ""
    with watched.rung(bell):
        while not (watched.is_over or watched.is_stopping):
            rung.clear()
            newest = _newest(watched.view, watched.trouble)
            if newest not in {"", last}:
                yield newest
            last = newest
            try:
                await asyncio.wait_for(rung.wait(), KEEP_OPEN)
            except TimeoutError:
                yield ": still here\n\n"


def _newest(view: View | None, trouble: RushTypedError | None) -> str:
    if isinstance(trouble, UnknownNetworkError):
        return ""  # whoever asks again is told so
    if trouble is not None:
        return _event("away", ErrorReply(error=str(trouble)))
    if view is None:
        return ""
    return _event("progress", ProgressEvent(progress=progress_line(view), rate=view.rate()))


def _event(name: str, reply: Reply) -> str:
    return f"event: {name}\ndata: {reply.model_dump_json()}\n\n"
