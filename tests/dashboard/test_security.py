"""Who may see and do what on the live page, and what browsers are told."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import pytest

from rushtyped import InvalidArgumentError, Network, Worker
from rushtyped.dashboard import make_app
from rushtyped.dashboard.guard import CSP, Keys
from rushtyped.dashboard.routes import ROUTES
from tests.dashboard.conftest import TOKEN
from tests.dashboard.serving import Served, served
from tests.dashboard.study import StudyNetwork
from tests.models import ParamNetwork, Params, Scores, points

Order = Callable[..., httpx.Response]

ANYTHING = ["/", "/static/vega.js", "/metrics", "/api/networks.json", "/api/openapi.json", "/nope"]
ALWAYS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def raw(served: Served, request: bytes) -> bytes:
    """Send bytes as they are, and read all that comes."""
    parts = urlsplit(served.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as sent:
        sent.sendall(request)
        sent.shutdown(socket.SHUT_WR)
        received = b""
        while part := sent.recv(65536):
            received += part
    return received


@pytest.fixture
def mine(redis_url: str, network_id: str) -> ParamNetwork:
    """A network that may be changed."""
    return ParamNetwork(network_id, redis=redis_url)


@pytest.fixture
def page(controlling: Served) -> Iterator[httpx.Client]:
    """A browser that has opened the URL with the token."""
    with httpx.Client(base_url=controlling.url, follow_redirects=True) as browser:
        assert browser.get(f"/?token={TOKEN}").status_code == 200
        yield browser


def csrf_of(browser: httpx.Client) -> str:
    """Read what the page has for its orders."""
    (token,) = re.findall(r'<meta name="csrf-token" content="(.*?)">', browser.get("/").text)
    return str(token)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *(("GET", path, 404 if path == "/nope" else 200) for path in ANYTHING),
        ("GET", "/networks/some/where", 200),
        ("GET", "/static/index.html", 404),
        ("GET", "/api/networks/nobody/summary.json", 404),
        ("GET", "/events/nobody", 404),
        ("GET", "/api/networks/{id}/tasks.json?limit=-1", 400),
        ("POST", "/api/networks/{id}/stop", 403),
        ("POST", "/", 405),
        ("HEAD", "/api/networks.json", 200),
        ("HEAD", "/events/{id}", 200),
        ("OPTIONS", "/api/networks.json", 405),
    ],
)
def test_every_reply_tells_the_browser_what_is_allowed(
    client: httpx.Client, studied: StudyNetwork, method: str, path: str, status: int
) -> None:
    reply = client.request(method, path.replace("{id}", studied.network_id))
    assert reply.status_code == status
    assert {name: reply.headers.get(name) for name in ALWAYS} == ALWAYS
    assert "server" not in reply.headers
    assert "access-control-allow-origin" not in reply.headers
    if path.startswith(("/api", "/events", "/metrics")):
        assert reply.headers["cache-control"] == "no-store"


def test_a_stream_of_events_has_the_headers_too(
    client: httpx.Client, studied: StudyNetwork
) -> None:
    with client.stream("GET", f"/events/{studied.network_id}") as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert {name: reply.headers.get(name) for name in ALWAYS} == ALWAYS


def test_an_error_of_our_own_says_nothing_of_it(redis_url: str, warnings_seen: list[str]) -> None:
    app = make_app(redis=redis_url, hosts=("testserver",))
    del app.state.lookout
    transport = httpx.ASGITransport(app=app)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as asking:
            return await asking.get("/api/networks.json", headers={"Cookie": "secret"})

    reply = anyio.run(ask)
    assert reply.status_code == 500
    assert reply.json() == {"error": "this went wrong here; the log says more"}
    assert {name: reply.headers.get(name) for name in ALWAYS} == ALWAYS
    (message,) = warnings_seen
    assert "AttributeError" in message
    assert "secret" not in message


@pytest.mark.parametrize("path", ANYTHING)
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8700", "127.0.0.1.evil.example", "", "localhost:x", "[::2]"],
)
def test_a_host_of_another_name_is_refused(client: httpx.Client, path: str, host: str) -> None:
    reply = client.get(path, headers={"Host": host})
    assert reply.status_code == 400
    assert "host" in reply.json()["error"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1234", "127.0.0.1", "127.0.0.1:80"])
def test_a_host_of_our_own_name_passes(client: httpx.Client, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "hosts", [b"", b"Host: localhost\r\nHost: evil.example\r\n", b"Host: evil.example\r\n"]
)
def test_a_request_names_one_host(dashboard: Served, hosts: bytes) -> None:
    reply = raw(dashboard, b"GET / HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("path", [*ANYTHING, "/networks/x", "/events/x", "/static/main.js"])
def test_nothing_goes_without_the_token(controlling: Served, path: str) -> None:
    reply = httpx.get(f"{controlling.url}{path}")
    assert reply.status_code == 401
    assert TOKEN not in reply.text


@pytest.mark.parametrize(
    "authorization",
    ["Bearer", "Bearer x y", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN],
)
def test_a_wrong_token_is_refused(controlling: Served, authorization: str) -> None:
    headers = {"Authorization": authorization}
    assert httpx.get(f"{controlling.url}/api/networks.json", headers=headers).status_code == 401


@pytest.mark.parametrize("given", ["", "x", f"{TOKEN}x", "%00", "%FF%FE", "é"])
def test_a_wrong_token_in_the_url_is_refused(controlling: Served, given: str) -> None:
    reply = httpx.get(f"{controlling.url}/?token={given}")
    assert reply.status_code == 401
    assert "set-cookie" not in reply.headers


@pytest.mark.parametrize(
    "cookie", ["", "x", '"', f"rushtyped={TOKEN}", "; ".join(["a=b"] * 100), "=\x7f;;"]
)
def test_a_wrong_cookie_is_refused(controlling: Served, cookie: str) -> None:
    name = Keys(TOKEN).cookie_name
    for sent in (cookie, f"{name}={cookie}", f"{name}={TOKEN}"):
        reply = httpx.get(f"{controlling.url}/", headers={b"Cookie": sent.encode()})
        assert reply.status_code == 401


def test_the_token_of_a_url_becomes_a_cookie_that_scripts_cannot_read(controlling: Served) -> None:
    reply = httpx.get(f"{controlling.url}/?token={TOKEN}")
    assert (reply.status_code, reply.headers["location"]) == (303, "/")
    cookie = reply.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert TOKEN not in cookie
    sent = cookie.partition(";")[0]
    assert httpx.get(f"{controlling.url}/", headers={"Cookie": sent}).status_code == 200


def test_the_page_has_a_csrf_token_only_where_it_may_control(
    client: httpx.Client, page: httpx.Client
) -> None:
    assert csrf_of(client) == ""
    assert len(csrf_of(page)) == 64


def test_two_dashboards_do_not_take_each_others_cookies() -> None:
    assert Keys("one").cookie_name != Keys("two").cookie_name
    assert Keys("one").cookie != Keys("two").cookie
    assert len({Keys(None).csrf, Keys(None).csrf}) == 2


def test_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(one)
        return one == other

    monkeypatch.setattr("hmac.compare_digest", compare)
    assert Keys("token").opens("token")
    assert not Keys("token").opens("tokem")
    assert compared == [b"token", b"tokem"]


def test_orders_need_what_only_the_page_knows(page: httpx.Client, mine: ParamNetwork) -> None:
    mine.push_failed_tasks(points(1))
    url, order = f"/api/networks/{mine.network_id}/retry", {"keys": None}
    csrf = csrf_of(page)
    for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": csrf[:-1]}):
        assert page.post(url, json=order, headers=headers).status_code == 403
    foreign = {"X-CSRF-Token": csrf, "Origin": "http://evil.example"}
    assert page.post(url, json=order, headers=foreign).status_code == 403
    assert mine.n_failed_tasks == 1
    reply = page.post(url, json=order, headers={"X-CSRF-Token": csrf})
    assert (reply.status_code, reply.json()) == (200, {"retried": 1})
    assert mine.n_queued_tasks == 1


def test_failed_tasks_are_retried_by_key(controller: httpx.Client, mine: ParamNetwork) -> None:
    first, second = mine.push_failed_tasks(points(2))
    url = f"/api/networks/{mine.network_id}/retry"
    assert controller.post(url, json={"keys": [second]}).json() == {"retried": 1}
    assert mine.queued_tasks == [second]
    assert controller.post(url, json={"keys": [second, first]}).json() == {"retried": 1}
    assert controller.post(url, json={"keys": None}).json() == {"retried": 0}


def test_workers_are_told_to_stop(
    controller: httpx.Client, mine: ParamNetwork, redis_url: str
) -> None:
    worker = Worker[Params, Scores](mine.network_id, redis=redis_url)
    reply = controller.post(f"/api/networks/{mine.network_id}/stop", json={"how": "terminate"})
    assert reply.json() == {"stopped": 1}
    assert worker.terminated
    worker.set_terminated()


def test_a_dashboard_that_only_shows_takes_no_orders(
    client: httpx.Client, mine: ParamNetwork
) -> None:
    mine.push_failed_tasks(points(1))
    for verb, order in (("retry", {"keys": None}), ("stop", {"how": "kill"})):
        reply = client.post(f"/api/networks/{mine.network_id}/{verb}", json=order)
        assert reply.status_code == 403
        assert "--allow-control" in reply.json()["error"]
    assert mine.n_failed_tasks == 1


WRONG_BODIES: list[Any] = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"kill"',
    b"1",
    b"{}",
    b'{"how": null, "keys": 1}',
    b'{"how": "gently", "keys": [1]}',
    b'{"how": ["kill"], "keys": [null]}',
    b'{"how": "kill", "keys": null, "more": 1}',
    b'{"how": true, "keys": {}}',
    b'{"how": 1, "keys": ["' + b"x" * 501 + b'"]}',
    b'{"how": "KILL", "keys": ["nobody"]}',
    b'{"how": "", "keys": ["a b"]}',
    b"\xff\xfe{}",
    b"[" * 100_000,
    b'{"how": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b" " * 5_000_000,
]


@pytest.mark.parametrize("body", WRONG_BODIES, ids=lambda body: repr(body[:30]))
@pytest.mark.parametrize("verb", ["stop", "retry"])
def test_a_wrong_body_changes_nothing(
    controller: httpx.Client, studied: StudyNetwork, verb: str, body: bytes
) -> None:
    url = f"/api/networks/{studied.network_id}/{verb}"
    reply = controller.post(url, content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 400
    assert len(reply.json()["error"]) < 1000


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "x" * 999]
)
def test_a_body_of_another_type_is_refused(
    controller: httpx.Client, studied: StudyNetwork, kind: str | None
) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    url = f"/api/networks/{studied.network_id}/stop"
    reply = controller.post(url, content=b'{"how": "kill"}', headers=headers)
    assert reply.status_code == 400
    assert "application/json" in reply.json()["error"]


@pytest.mark.parametrize(
    "path",
    [
        "../app.py",
        "..%2fapp.py",
        "%2e%2e/app.py",
        "%2e%2e%2fapp.py",
        "..\\app.py",
        "....//app.py",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "./main.js/../../app.py",
        "main.js%00.css",
        ".",
        "",
        "index.html",
        "nothing.js",
        "__pycache__",
    ],
)
def test_static_files_are_those_of_the_page_only(dashboard: Served, path: str) -> None:
    request = f"GET /static/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    reply = raw(dashboard, request.encode())
    assert reply.split(b" ", 2)[1] in {b"404", b"400"}
    assert b"import" not in reply


def test_the_library_of_charts_is_sent_once(client: httpx.Client) -> None:
    reply = client.get("/static/vega.js")
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/javascript")
    assert "vegaEmbed" in reply.text
    again = client.get("/static/vega.js", headers={"If-None-Match": reply.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_modules_of_the_page_are_javascript(client: httpx.Client) -> None:
    reply = client.get("/static/main.js")
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"allow_control": True}, "needs token="),
        ({"token": ""}, "token"),
        ({"token": "a\nb"}, "token"),
        ({"token": "clé"}, "token"),
    ],
)
def test_control_without_a_usable_token_is_refused(parameters: Any, words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        make_app(**parameters)


def test_no_route_changes_anything_by_a_get() -> None:
    assert {asked.path.rpartition("/")[2] for asked in ROUTES if asked.method == "POST"} == {
        "stop",
        "retry",
    }


def test_no_reply_shows_a_password(network_id: str) -> None:
    with served("redis://user:hidden-word@127.0.0.1:1/0") as away, away.client() as asking:
        for path in ("/api/networks.json", f"/api/networks/{network_id}/summary.json"):
            reply = asking.get(path)
            assert reply.status_code == 503
            assert "hidden-word" not in reply.text
        assert "rushtyped_up 0.0" in asking.get("/metrics").text


def test_networks_of_any_name_are_opened_by_it_alone(
    client: httpx.Client, redis_url: str, network_id: str
) -> None:
    Network[Params, Scores](f"{network_id}.json", redis=redis_url)
    assert client.get(f"/api/networks/{network_id}.json/summary.json").status_code == 200
