"""The command `rushtyped dashboard`: a live page in the browser."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
import webbrowser
from typing import Annotated
from urllib.parse import quote

import typer

from rushtyped.cli.output import say
from rushtyped.cli.parameters import RedisUrl, examples

_TOKEN_VARIABLE = "RUSHTYPED_DASHBOARD_TOKEN"  # noqa: S105 - its name, not a token
_LOCAL = ("127.0.0.1", "::1", "localhost")
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - where a user has asked for it
_LONGEST_START = 30.0


def add_commands(app: typer.Typer) -> None:
    """Add the command to those of the command line."""
    app.command(
        "dashboard",
        epilog=examples(
            "rushtyped dashboard --open", "rushtyped dashboard --port 8080 --allow-control"
        ),
    )(dashboard_command)


def dashboard_command(
    *,
    host: Annotated[str, typer.Option(metavar="HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="Its port; 0 takes a free one.")
    ] = 8700,
    allow_control: Annotated[
        bool, typer.Option("--allow-control", help="Let the page stop workers and retry tasks.")
    ] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    redis: RedisUrl = None,
) -> None:
    """Serve a live page of all networks on a server."""
    try:  # an optional extra
        from rushtyped.dashboard import serve  # noqa: PLC0415
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "rushtyped":
            raise
        say(f"the dashboard needs {missing}: pip install 'rushtyped[dashboard]'")
        raise typer.Exit(1) from None
    if open_:
        url = _url(host, port, needs_token=allow_control or host not in _LOCAL)
        threading.Thread(target=_open_page, args=(host, port, url), daemon=True).start()
    serve(redis=redis, host=host, port=port, allow_control=allow_control)


def _url(host: str, port: int, *, needs_token: bool) -> str:
    """Write the address of the page, with the token that `serve` will ask for."""
    if not port:
        raise typer.BadParameter(
            "give --port, too: which one is free is not known yet", param_hint="--open"
        )
    if needs_token:
        os.environ.setdefault(_TOKEN_VARIABLE, secrets.token_urlsafe())
    token = os.environ.get(_TOKEN_VARIABLE)
    name = "127.0.0.1" if host in _EVERYWHERE else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"?token={quote(token, safe='')}" if token else "")


def _open_page(host: str, port: int, url: str) -> None:
    """Open the page as soon as it is served."""
    deadline = time.monotonic() + _LONGEST_START
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, port), timeout=1.0).close()
        except OSError:
            time.sleep(0.1)
        else:
            webbrowser.open(url)
            return
