"""The site: it builds without a warning, leads nowhere in vain and needs no other host."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from mkdocs.config import load_config
from playwright.sync_api import sync_playwright

from tests.docs.site import ROOT, Site

pytestmark = pytest.mark.timeout(180)
PAGES = ("index.html", "quickstart.html", "concepts/states-and-promises.html", "typing.html")
SOMEWHERE_ELSE = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//|^\s*https?:", re.IGNORECASE)


def elsewhere(address: str) -> bool:
    """Say whether an address names another host."""
    return SOMEWHERE_ELSE.match(address) is not None


def navigation(entries: object) -> Iterator[str]:
    """List the pages of the navigation."""
    if isinstance(entries, str):
        yield entries
    for entry in entries if isinstance(entries, list) else ():
        for below in entry.values():
            yield from navigation(below)


def test_it_builds_without_a_warning(site: Site) -> None:
    assert site.exit_code == 0, site.output
    assert "WARNING" not in site.output
    assert "ERROR" not in site.output


def test_no_page_loads_anything_from_another_host(site: Site) -> None:
    loads = [(name, load) for name, page in site.all_pages() for load in page.loads]
    assert len(loads) > len(site.names)
    assert [load for load in loads if elsewhere(load[1])] == []


def test_no_style_loads_anything_from_another_host(site: Site) -> None:
    styles = [path.read_text(encoding="utf-8") for path in site.directory.rglob("*.css")]
    styles += [(site.directory / name).read_text(encoding="utf-8") for name in site.names]
    addresses = [
        found
        for style in styles
        for found in re.findall(r"(?:url\(|@import)\s*['\"]?([^'\")\s]+)", style)
    ]
    assert len(styles) > 1
    assert [address for address in addresses if elsewhere(address)] == []


def test_an_address_of_another_host_is_told_apart() -> None:
    assert all(map(elsewhere, ("https://a.b/c", "//a.b/c", "HTTP://a", " https://a")))
    assert not any(map(elsewhere, ("a.js", "../a.js", "#a", "data:image/png;base64,//8", "a//b")))


def test_every_link_and_its_anchor_lead_somewhere(site: Site) -> None:
    broken = []
    for name, page in site.all_pages():
        for link in page.links:
            if urlsplit(link.href).scheme or (name == "404.html"):
                continue
            target, anchor = urldefrag(link.href)
            path = (site.directory / name).parent / unquote(target) if target else Path(name)
            found = (site.directory / path).resolve()
            if found.is_dir():
                found /= "index.html"
            if not found.exists():
                broken.append((name, link.href))
            elif anchor and found.suffix == ".html":
                place = found.relative_to(site.directory.resolve()).as_posix()
                if unquote(anchor) not in site.page(place).names:
                    broken.append((name, link.href))
    assert broken == []


def test_no_page_gives_two_places_one_name(site: Site) -> None:
    for name, page in site.all_pages():
        doubled = {each for each in page.names if page.names.count(each) > 1}
        assert doubled == set(), name


def test_every_picture_says_what_it_shows(site: Site) -> None:
    pictures = [(name, each) for name, page in site.all_pages() for each in page.images]
    assert pictures
    assert [name for name, each in pictures if not each.get("alt")] == []


def test_every_page_is_in_the_navigation_once() -> None:
    listed = list(navigation(load_config(str(ROOT / "mkdocs.yml")).nav))
    folder = ROOT / "docs"
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*.md")}
    assert listed[:2] == ["index.md", "quickstart.md"]
    assert sorted(listed) == sorted(there)


def test_it_has_a_dark_mode_that_follows_the_system(site: Site) -> None:
    page = (site.directory / "index.html").read_text(encoding="utf-8")
    assert 'data-md-color-media="(prefers-color-scheme: dark)"' in page
    assert 'data-md-color-scheme="slate"' in page


@pytest.mark.parametrize(
    ("page", "source"),
    [("changelog.html", "CHANGELOG.md"), ("concepts/trust.html", "SECURITY.md")],
)
def test_a_page_holds_the_file_that_it_includes(site: Site, page: str, source: str) -> None:
    text = " ".join(site.page(page).text)
    headings = re.findall(r"^## (.+)$", (ROOT / source).read_text(encoding="utf-8"), re.MULTILINE)
    assert headings
    assert [heading for heading in headings if heading not in text] == []


def test_the_search_knows_every_page_of_the_navigation(site: Site) -> None:
    script = (site.directory / "search/search_index.js").read_text(encoding="utf-8")
    entries = json.loads(script.removeprefix("var __index = "))["docs"]
    found = {entry["location"].partition("#")[0] for entry in entries}
    assert {name for name in site.names if "/source/" not in name} - found == {"404.html"}
    assert not [location for location in found if "/source/" in location]


def test_pages_opened_as_files_can_be_read_and_searched(site: Site) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("there is no Chromium on this machine")
    wrong: list[str] = []
    asked: list[str] = []
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=chromium, args=options)
        page = browser.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda sent: asked.append(sent.url))
        for name in PAGES:
            page.goto((site.directory / name).as_uri())
        page.goto((site.directory / "index.html").as_uri())
        page.get_by_role("textbox", name="Search").click()
        page.keyboard.type("wait_until_done")
        page.locator(".md-search-result__link").first.wait_for(timeout=30_000)
        assert "wait_until_done" in page.locator(".md-search-result").inner_text()
        browser.close()
    assert wrong == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
