"""The built site, page by page: what it names, what it links to, what it loads."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
LOADED = {
    "audio": ("src",),
    "embed": ("src",),
    "form": ("action",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}


class Link(NamedTuple):
    """A link of a page, by the words that it stands on."""

    href: str
    within: str
    """Name of the last element before it that has one."""


class PageParser(HTMLParser):
    """Gathers from a page what tests ask about."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.links: list[Link] = []
        self.loads: list[str] = []
        self.images: list[dict[str, str]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.names.append(given["id"])
        if tag == "a" and "href" in given:
            self.links.append(Link(given["href"], self.names[-1] if self.names else ""))
        if tag == "img":
            self.images.append(given)
        self.loads += [given[name] for name in LOADED.get(tag, ()) if name in given]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@dataclass
class Site:
    """A built site."""

    directory: Path
    exit_code: int
    output: str
    pages: dict[str, PageParser] = field(default_factory=dict)

    def page(self, name: str) -> PageParser:
        if name not in self.pages:
            self.pages[name] = parser = PageParser()
            parser.feed((self.directory / name).read_text(encoding="utf-8"))
        return self.pages[name]

    @cached_property
    def names(self) -> list[str]:
        paths = self.directory.rglob("*.html")
        return sorted(path.relative_to(self.directory).as_posix() for path in paths)

    def all_pages(self) -> Iterator[tuple[str, PageParser]]:
        for name in self.names:
            yield name, self.page(name)


def build_site(directory: Path) -> Site:
    """Build the site as `make docs` does."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", directory],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    return Site(directory, done.returncode, done.stdout + done.stderr)
