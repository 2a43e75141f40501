"""A real browser, and what must hold for everything that it shows."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    ViewportSize,
    expect,
    sync_playwright,
)

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
PATIENCE = 20_000
"""Milliseconds that a page has for what is expected of it: the machine may be busy."""
SIZE: ViewportSize = {"width": 1280, "height": 800}
PACED = 90_000
"""Milliseconds for what the server makes anew the seldomer, the longer it takes to make."""
TABS = ("overview", "timeline", "results", "tasks", "workers", "log", "schema")

expect.set_options(timeout=PATIENCE)


def chromium_path() -> str | None:
    """Find the browser of this machine."""
    usual = "/usr/bin/chromium"
    return usual if Path(usual).exists() else shutil.which("chromium")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a module's tests.

    Not for a session's: Playwright keeps an event loop in this thread as long as it runs, with
    which no test could call `asyncio.run`.
    """
    path = chromium_path()
    if path is None:
        pytest.skip("there is no Chromium here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS])
        yield browser
        browser.close()


Visit = Callable[..., Page]
"""Open a URL in a window of its own: `visit(url, **options of the window)`."""


class Watch:
    """What a page does that it must not do."""

    def __init__(self, page: Page, url: str, allowed: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self._host = urlsplit(url).netloc
        self._allowed = allowed
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error.stack}"))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        page.on("request", self._on_request)

    def check(self) -> None:
        """Fail if there was anything."""
        if self.page.evaluate("'hacked' in window"):
            self.complaints.append("markup of a user has run")
        foreign = self.page.locator(
            "main :is(img, script, iframe), dialog :is(img, script, iframe)"
        )
        if foreign.count():
            self.complaints.append(f"markup: {foreign.first.evaluate('e => e.outerHTML')}")
        assert not self.complaints, "\n".join(self.complaints)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not self._is_allowed(message.text):
            self.complaints.append(f"{message.type}: {message.text}")

    def _is_allowed(self, text: str) -> bool:
        return bool(self._allowed) and self._allowed in text

    def _on_request(self, request: Request) -> None:
        to = urlsplit(request.url)
        if to.scheme != "data" and to.netloc != self._host:
            self.complaints.append(f"request to another host: {request.url}")


@pytest.fixture(scope="module")
def window(chromium: Browser) -> Iterator[BrowserContext]:
    """What pages share that ask for nothing special: one cache, so that scripts load once."""
    context = chromium.new_context(viewport=SIZE)
    yield context
    context.close()


@pytest.fixture
def visit(chromium: Browser, window: BrowserContext) -> Iterator[Visit]:
    """Open pages; at the end none of them has had an error, or run what a user wrote.

    `allowed` is a part of messages on the console that a test provokes.
    """
    watches: list[Watch] = []
    own: list[BrowserContext] = []

    def open_page(url: str, *, allowed: str = "", **options: Any) -> Page:
        if options:
            own.append(chromium.new_context(**{"viewport": SIZE, **options}))
        page = (own[-1] if options else window).new_page()
        page.set_default_timeout(PATIENCE)
        watches.append(Watch(page, url, allowed))
        page.goto(url)
        return page

    yield open_page
    for watch in watches:
        watch.check()
        watch.page.close()
    for context in own:
        context.close()


def address(entry: str, network_id: str, tab: str = "overview") -> str:
    """Make the URL of a network's tab from the one that a user opens first."""
    return f"{entry}#/networks/{network_id}/{tab}"


def open_tab(page: Page, tab: str) -> None:
    """Go to a tab by the mouse."""
    page.get_by_role("tab", name=tab.capitalize()).click()
    expect(page.locator(f"#panel-{tab}")).to_be_visible()


def figure(page: Page, name: str) -> Any:
    """Find one of the numbers at the top."""
    return page.locator(f"[data-count={name}]")


class Pictures(NamedTuple):
    """Which study is pictured, and where the pictures go."""

    directory: Path
    network_id: str
    n_tasks: int
    n_workers: int
    seconds: float
    """Of one evaluation, on average."""

    @property
    def tabs(self) -> tuple[str, ...]:
        """What is pictured."""
        return TABS[:5]


@pytest.fixture
def pictures(tmp_path: Path, network_id: str) -> Pictures:
    """The pictures of the docs if PICTURES=1 is set, else those of a small study."""
    if os.environ.get("PICTURES") != "1":
        return Pictures(tmp_path, network_id, n_tasks=40, n_workers=2, seconds=0.01)
    docs = Path(__file__).parents[2] / "docs" / "images"
    return Pictures(docs, "boosting", n_tasks=300, n_workers=4, seconds=0.5)
