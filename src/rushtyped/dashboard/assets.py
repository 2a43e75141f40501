"""The files of the page, and the library that draws its charts."""

from __future__ import annotations

import asyncio
import hashlib
import re
import subprocess
import sys
from html import escape
from pathlib import Path

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

DIRECTORY = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_SNIPPET = "window.vegaEmbed = vegaEmbed; window.vega = vega; window.vegaLite = vegaLite;"
_MAKE = "import sys, vl_convert as v; sys.stdout.write(v.javascript_bundle(sys.argv[1]))"
_META = '<meta name="csrf-token" content="">'
_NAME = re.compile(r"[A-Za-z0-9_-]+\.[a-z]+")


async def page(request: Request) -> Response:
    """Return the page."""
    vega: VegaBundle = request.app.state.vega
    html = (DIRECTORY / "index.html").read_text("utf-8")
    token = escape(request.app.state.csrf_token, quote=True)
    filled = html.replace(_META, _META.replace('""', f'"{token}"'))
    vega.begin()  # takes seconds, and is asked for soon
    return Response(filled, media_type="text/html", headers={"Cache-Control": "no-store"})


async def static(request: Request) -> Response:
    """Return a file of the page; there are no directories."""
    name: str = request.path_params["name"]
    vega: VegaBundle = request.app.state.vega
    if name == "vega.js":
        return _revalidated(request, *await vega.read())
    path = DIRECTORY / name
    if not _NAME.fullmatch(name) or path.suffix not in _TYPES or not path.is_file():
        raise HTTPException(404, f"there is no file {name[:100]!r}")
    return FileResponse(path, media_type=_TYPES[path.suffix], headers={"Cache-Control": "no-cache"})


class VegaBundle:
    """Vega, Vega-Lite and Vega-Embed in one script, made when it is asked for first.

    That is done in another process: it takes seconds in which it holds the GIL.
    """

    def __init__(self) -> None:
        self._making: asyncio.Task[tuple[bytes, str]] | None = None

    def begin(self) -> None:
        """Have it made soon, unless it is already."""
        self._making = self._task()

    async def read(self) -> tuple[bytes, str]:
        """Return the script and its ETag."""
        self._making = making = self._task()
        return await asyncio.shield(making)

    def _task(self) -> asyncio.Task[tuple[bytes, str]]:
        making = self._making
        if making is None or (making.done() and making.exception()):
            return asyncio.create_task(_made())
        return making


async def _made() -> tuple[bytes, str]:
    script = await anyio.to_thread.run_sync(_bundle, abandon_on_cancel=True)
    return script, f'"{hashlib.sha256(script).hexdigest()[:32]}"'


def _bundle() -> bytes:
    """Make the script: what it declares stays inside, but for what it puts on the window."""
    command = [sys.executable, "-c", _MAKE, _SNIPPET]
    made = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return b"(()=>{" + made.stdout + b"})();"


def _revalidated(request: Request, body: bytes, tag: str) -> Response:
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="text/javascript", headers=headers)
