"""The scripts that change a network: one file each, and their loader."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

_INCLUDE = re.compile(r"^-- include ([a-z_, ]+)$", re.MULTILINE)


class Script(NamedTuple):
    """A Lua script, addressed by the SHA-1 digest that the server knows it by."""

    name: str
    source: bytes
    sha: str


@cache
def load_script(name: str) -> Script:
    """Read a script by name, with the functions that it includes in their place."""
    source = _INCLUDE.sub(_included, _read(f"{name}.lua")).encode()
    return Script(name, source, hashlib.sha1(source, usedforsecurity=False).hexdigest())


def script_names() -> list[str]:
    """List the names of all scripts, sorted."""
    names = (entry.name for entry in files(__name__).iterdir())
    return sorted(name.removesuffix(".lua") for name in names if name.endswith(".lua"))


def _included(line: re.Match[str]) -> str:
    return "\n".join(_read(f"include/{name.strip()}.lua") for name in line[1].split(","))


def _read(path: str) -> str:
    return files(__name__).joinpath(path).read_text(encoding="utf-8")
