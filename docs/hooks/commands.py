"""The page on the command line holds what each command says of itself with --help."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Iterator
from typing import Any

from mkdocs.structure.pages import Page

from rushtyped.cli import main

PLACE = "<!-- the commands -->"
PLAIN = {"COLUMNS": "88", "NO_COLOR": "1", "TERM": "dumb"}
_COMMAND = re.compile(r"^[ │]+([a-z][a-z-]*) {2,}\S", re.MULTILINE)


def help_of(command: tuple[str, ...]) -> str:
    """Return what a command prints on --help."""
    printed = io.StringIO()
    before = dict(os.environ)
    os.environ.update(PLAIN)
    try:
        with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
            main([*command, "--help"])
    finally:
        os.environ.clear()
        os.environ.update(before)
    return printed.getvalue().strip("\n")


def helps(command: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each command with what it prints, its subcommands behind it."""
    text = help_of(command)
    yield command, text
    if "COMMAND" in text.partition("\n\n")[0]:
        for name in _COMMAND.findall(text):
            yield from helps((*command, name))


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:  # noqa: ARG001
    """Put the commands where the page wants them."""
    if PLACE not in markdown:
        return markdown
    parts = [
        f"{'#' * (1 + len(command))} rushtyped {' '.join(command)}\n\n```text\n{text}\n```\n"
        for command, text in helps()
        if command
    ]
    return markdown.replace(PLACE, f"```text\n{help_of(())}\n```\n\n" + "\n".join(parts))
