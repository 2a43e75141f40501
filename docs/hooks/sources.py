"""Pages with the source of what the reference shows, and with the examples; others link there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import griffe
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page
from pygments import highlight  # type: ignore[import-untyped]  # no stubs
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]  # no stubs
from pygments.lexers import PythonLexer  # type: ignore[import-untyped]  # no stubs

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
PARTS = ("", ".plots", ".testing", ".dashboard")
FOLDER = "reference/source/"


@cache
def public_modules() -> list[Path]:
    """List the modules that hold public names, or what these inherit."""
    package = griffe.load("rushtyped", search_paths=[SRC], allow_inspection=False)
    parts = [package[part.lstrip(".")] if part else package for part in PARTS if has(part)]
    return sorted({path for part in parts for path in _files(part)})


def has(part: str) -> bool:
    """Say whether there is such a part of the package."""
    return (SRC / "rushtyped" / part.lstrip(".") / "__init__.py").exists()


def _files(part: Any) -> Iterator[Path]:
    for name in part.exports or ():
        found = part.members[str(name)]
        if found.is_alias:
            found = found.final_target
        owners = [found, *found.mro()] if found.is_class else [found]
        yield from (Path(owner.filepath) for owner in owners if owner.package.name == "rushtyped")


def shown_files() -> dict[str, Path]:
    """Find the files that have a page, by the place of that page."""
    paths = [*public_modules(), *sorted((ROOT / "examples").glob("*.py"))]
    names = (path.relative_to(SRC if path.is_relative_to(SRC) else ROOT) for path in paths)
    return {
        f"{FOLDER}{name.as_posix().replace('/', '.')}.md": path
        for name, path in zip(names, paths, strict=True)
    }


def on_files(files: Files, *, config: Any) -> Files:
    """Add a page for each file, left out of the navigation and of the search."""
    for place, path in shown_files().items():
        title = path.relative_to(ROOT).as_posix()
        content = f"---\nsearch: {{exclude: true}}\nhide: [toc]\n---\n# {title}\n"
        generated = File.generated(
            config, place, content=content, inclusion=InclusionLevel.NOT_IN_NAV
        )
        files.append(generated)
    return files


def on_page_content(html: str, *, page: Page, **_: Any) -> str:
    """Put the code onto its page, each line with a name: L-1, L-2, ..."""
    if not page.file.src_uri.startswith(FOLDER):
        return html
    text = shown_files()[page.file.src_uri].read_text(encoding="utf-8")
    code: str = highlight(text, PythonLexer(), HtmlFormatter(linespans="L", wrapcode=True))
    return html + code
