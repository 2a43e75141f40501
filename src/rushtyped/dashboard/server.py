"""`rushtyped dashboard`: the app, served on a port of this machine."""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
import sys
from urllib.parse import quote

import psutil
import uvicorn
from starlette.applications import Starlette

from rushtyped.arguments import check_count
from rushtyped.connect import Server
from rushtyped.dashboard.app import LOCAL_HOSTS, make_app
from rushtyped.dashboard.lookout import Lookout
from rushtyped.errors import InvalidArgumentError

TOKEN_VARIABLE = "RUSHTYPED_DASHBOARD_TOKEN"  # noqa: S105 - its name, not a token
PORT = 8700
_HIGHEST_PORT = 65535
_ENDING = 1
"""Seconds that open connections have when the server ends."""


def serve(
    *,
    redis: Server | None = None,
    host: str = "127.0.0.1",
    port: int = PORT,
    allow_control: bool = False,
) -> None:
    """Serve the dashboard until Ctrl-C or SIGTERM, and print its URL.

    With `allow_control`, or bound to anything but this machine alone, a token is needed, which is
    part of the URL: RUSHTYPED_DASHBOARD_TOKEN, or one that is made here. `port` 0 takes a free one.
    Raises InvalidArgumentError where the address cannot be bound.
    """
    check_count("port", port)
    token = os.environ.get(TOKEN_VARIABLE) or None
    if token is None and (allow_control or not _is_local(host)):
        token = secrets.token_urlsafe()
    app = make_app(redis=redis, allow_control=allow_control, token=token, hosts=host_names(host))
    with listen(host, port) as listening:
        query = f"/?token={quote(token, safe='')}" if token else "/"
        name = socket.gethostname() if _is_everywhere(host) else host
        name = f"[{name}]" if ":" in name else name
        sys.stdout.write(f"http://{name}:{listening.getsockname()[1]}{query}\n")
        sys.stdout.flush()
        new_server(app).run(sockets=[listening])


def new_server(app: Starlette) -> uvicorn.Server:
    """Make the server of an app that `make_app` has made."""
    return _Server(app)


class _Server(uvicorn.Server):
    """A server that ends its streams before it waits for its connections.

    It logs no requests, since the URL of one may hold the token.
    """

    def __init__(self, app: Starlette) -> None:
        self._lookout: Lookout = app.state.lookout
        super().__init__(
            uvicorn.Config(
                app,
                access_log=False,
                log_level="warning",
                server_header=False,
                proxy_headers=False,
                ws="none",
                timeout_graceful_shutdown=_ENDING,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End everything."""
        self._lookout.close()
        await super().shutdown(sockets)


def host_names(host: str) -> tuple[str, ...]:
    """Name what a request may call this machine when the server is bound to a host."""
    names = [*LOCAL_HOSTS, "::1", host]
    if _is_everywhere(host):
        names += [socket.gethostname(), socket.getfqdn()]
        addresses = psutil.net_if_addrs().values()
        names += [each.address.partition("%")[0] for of in addresses for each in of]
    return tuple(dict.fromkeys(name.lower() for name in names))


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_everywhere(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return host == ""


def listen(host: str, port: int) -> socket.socket:
    """Take a port, 0 for a free one; raise InvalidArgumentError where that cannot be had."""
    if port > _HIGHEST_PORT:
        raise InvalidArgumentError(f"port must be at most {_HIGHEST_PORT} but is {port}")
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.create_server(address[:2], family=family)
    except OSError as error:
        raise InvalidArgumentError(
            f"{host}:{port} cannot be bound ({error}): take another host or port"
        ) from error
    # asyncio leaves it out, and each reply on a connection that is kept would wait for 40 ms
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
