"""Code blocks of the pages, and the script that a page is."""

from __future__ import annotations

import re
import textwrap
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHELL = ("sh", "bash", "console")
DATA = ("", "conf", "css", "html", "ini", "json", "lua", "r", "text", "toml", "yaml")
"""Languages of what is shown and not run."""

_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,}|~{3,}) *(?P<info>[^`\n]*)$")
_FILE = re.compile(r"^# ([\w/]+\.py)$")
_NOT_RUN = re.compile(r"^\s*<!-- not run: (.+?) -->\s*$")
_COMMANDS = re.compile(r"^\$ (.*(?:\n> .*)*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code of a page."""

    page: str
    line: int
    """Line of its fence, from 1."""
    language: str
    text: str
    not_run: str | None
    """Why it does not run, where the page says so."""

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def file(self) -> str | None:
        """Name of the file that it is, where its first line says so."""
        found = _FILE.match(self.text.partition("\n")[0])
        return found[1] if found else None

    @property
    def is_run(self) -> bool:
        return self.not_run is None and self.language in ("python", *SHELL)


def all_pages() -> list[str]:
    """List the pages with code, from the top of the project."""
    pages = [*sorted(ROOT.glob("docs/**/*.md")), ROOT / "README.md", ROOT / "SECURITY.md"]
    return [path.relative_to(ROOT).as_posix() for path in pages]


def blocks_of(page: str) -> list[Block]:
    """List the blocks of a page in order."""
    return read_blocks(page, (ROOT / page).read_text(encoding="utf-8"))


def read_blocks(page: str, text: str) -> list[Block]:
    """List the blocks of a text; fences may be indented."""
    lines, found, mark, start = text.splitlines(), [], None, 0
    while start < len(lines):
        fence = _FENCE.match(lines[start])
        if fence is None:
            said = _NOT_RUN.match(lines[start])
            mark = said[1] if said else mark if not lines[start].strip() else None
            start += 1
            continue
        end = start + 1
        while lines[end].strip() != fence["ticks"]:
            end += 1
        inside = textwrap.dedent("\n".join(lines[start + 1 : end])) + "\n"
        language = fence["info"].partition(" ")[0]
        found.append(Block(page, start + 1, language, inside, mark))
        mark, start = None, end + 1
    return found


def commands_of(block: Block) -> str:
    """The commands of a block of the shell, without what a console shows of their output."""
    if block.language != "console":
        return block.text
    commands: list[str] = _COMMANDS.findall(block.text)
    return "\n".join(command.replace("\n> ", "\n") for command in commands)


def script_of(blocks: list[Block]) -> str:
    """Join what runs of a page: each line of Python keeps the number that it has on the page."""
    lines: list[str] = ["from tests.docs.shell import run_shell"]
    for block in blocks:
        if not block.is_run or block.file:
            continue
        lines += [""] * (block.line - len(lines))
        shell = block.language in SHELL
        code = f"run_shell({commands_of(block)!r})\n" if shell else block.text
        lines += code.splitlines()
    return "\n".join(lines) + "\n"


def extras() -> set[str]:
    """Names of the extras that can be installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return set(project["optional-dependencies"])


def targets() -> set[str]:
    """Names of the targets of the Makefile."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z][\w-]*):(?!=)", text, re.MULTILINE))
