"""Links that leave the folder of the docs lead to their pages in the site, or become plain text."""

from __future__ import annotations

import posixpath
import re
from typing import Any

from mkdocs.structure.pages import Page

PAGES = {
    "README.md": "index.md",
    "SECURITY.md": "concepts/trust.md",
    "CHANGELOG.md": "changelog.md",
}
_LINK = re.compile(r"\[(?P<text>[^\]\n]+)\]\((?P<path>(?:\.\./)+[\w./-]+)(?:#[\w-]+)?\)")


def page_of(path: str) -> str | None:
    """Name the page of the site that shows a file of the project, if any does."""
    if re.fullmatch(r"examples/\w+\.py", path):
        return f"reference/source/{path.replace('/', '.')}.md"
    return PAGES.get(path)


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Point links to files of the project to the pages that show them."""
    folder = posixpath.dirname(page.file.src_uri)

    def moved(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", folder, link["path"]))
        if path.startswith("docs/"):
            return link[0]
        shown = page_of(path)
        place = posixpath.relpath(shown, folder or ".") if shown else ""
        return f"[{link['text']}]({place})" if place else link["text"]

    return _LINK.sub(moved, markdown)
