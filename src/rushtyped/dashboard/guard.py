"""Who may ask: the name of the host, the token, and what every reply says to the browser."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from http.cookies import CookieError, SimpleCookie
from traceback import format_exc
from urllib.parse import urlsplit

from loguru import logger
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rushtyped.dashboard.endpoint import json_reply
from rushtyped.dashboard.replies import ErrorReply

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Keys:
    """The secrets of one dashboard: who has the token may have the cookie, and so on."""

    def __init__(self, token: str | None) -> None:
        self.token = token
        secret = (token or secrets.token_urlsafe()).encode()
        self.cookie: str = _derived(secret, "cookie")
        self.csrf: str = _derived(secret, "csrf")
        self.cookie_name: str = f"rushtyped-{_derived(secret, 'name')[:12]}"

    def opens(self, token: str) -> bool:
        """Whether this is the token; takes the same time for all that are as long."""
        return _equal(token, self.token or "")


class Guard:
    """Lets through what may pass, and gives every reply the headers that keep browsers safe."""

    def __init__(self, app: ASGIApp, *, keys: Keys, hosts: Sequence[str]) -> None:
        self._app = app
        self._keys = keys
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                if scope["path"].startswith(("/api", "/events", "/metrics")):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        refusal = self._refusal(scope)
        try:
            await (refusal or self._app)(scope, receive, guarded)
        except Exception:  # noqa: BLE001 - a reply without the headers would be the alternative
            # as text: a sink that shows variables would show the token
            logger.error("The dashboard failed to answer {}:\n{}", scope["path"], format_exc())
            if not started:
                await _error(500, "this went wrong here; the log says more")(
                    scope, receive, guarded
                )

    def _refusal(self, scope: Scope) -> Response | None:
        """Return what is replied instead, where a request may not pass."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or _name(hosts[0]) not in self._hosts:
            return _error(
                400,
                f"the host {hosts[0][:100]!r} is not one of {', '.join(sorted(self._hosts))}"
                if hosts
                else "the request names no host",
            )
        if self._keys.token is None:
            return None
        if scope["path"] == "/" and (given := _token_of(scope)) is not None:
            return self._welcome(given)
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._keys.opens(bearer.strip()):
            return None
        if not _equal(_cookie_of(headers, self._keys.cookie_name), self._keys.cookie):
            refusal = _error(401, "this dashboard needs its token: open the URL that it printed")
            refusal.headers["WWW-Authenticate"] = "Bearer"
            return refusal
        if scope["method"] not in {"GET", "HEAD"}:
            return self._forged(headers, hosts[0])
        return None

    def _welcome(self, token: str) -> Response:
        """Swap the token of a URL for a cookie."""
        if not self._keys.opens(token):
            return _error(401, "this is not the token: open the URL that the dashboard printed")
        reply = RedirectResponse("/", 303, headers={"Cache-Control": "no-store"})
        name, value = self._keys.cookie_name, self._keys.cookie
        reply.set_cookie(name, value, httponly=True, samesite="strict", path="/")
        return reply

    def _forged(self, headers: Headers, host: str) -> Response | None:
        """Refuse what another site has a browser send."""
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return _error(403, f"the origin {origin[:100]!r} is not this dashboard")
        if not _equal(headers.get("x-csrf-token", ""), self._keys.csrf):
            return _error(403, "X-CSRF-Token must be the content of the page's csrf-token")
        return None


def _derived(secret: bytes, use: str) -> str:
    return hmac.digest(secret, f"rushtyped dashboard {use}".encode(), hashlib.sha256).hex()


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def _error(status: int, message: str) -> Response:
    return json_reply(ErrorReply(error=message), status)


def _name(host: str) -> str:
    """Take the port from a Host header."""
    name, colon, port = host.rpartition(":")
    is_port = bool(colon) and port.isascii() and port.isdigit() and not name.endswith(":")
    return (name if is_port else host).strip("[]").lower()


def _token_of(scope: Scope) -> str | None:
    return QueryParams(scope["query_string"]).get("token")


def _cookie_of(headers: Headers, name: str) -> str:
    try:
        cookies: SimpleCookie = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookies[name].value if name in cookies else ""
