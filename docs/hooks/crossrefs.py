"""Names in docstrings become links: of errors as they stand, of all else in backticks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import griffe

OWNERS = ("Network", "Worker", "Task", "Progress")
"""Classes whose members are called by their names alone, looked up in this order."""
_NAME = re.compile(r"`(?P<quoted>[\w.]+)`|(?<![\w`\[])(?P<error>[A-Z]\w+Error)\b")


class LinkNames(griffe.Extension):
    """Link the public names that a docstring mentions."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Rewrite the docstrings of the package, once its names are known."""
        exported = {str(name): identifier(pkg, str(name)) for name in pkg.exports or ()}
        if pkg.name != "rushtyped" or not exported:
            return
        members = {name: shown_members(pkg[name]) for name in OWNERS}
        for each in documented(pkg):
            own = {parameter.name for parameter in getattr(each, "parameters", ())}
            link = partial(linked, exported=exported, members=members, own=own)
            each.docstring.value = _NAME.sub(link, each.docstring.value)


def identifier(pkg: Any, name: str) -> str:
    """Find what a name is called in the reference: a function may share its name with a package."""
    return f"rushtyped.{name}.{name}" if pkg.members[name].is_module else f"rushtyped.{name}"


def shown_members(owner: Any) -> set[str]:
    """List the members of a class that the reference shows."""
    return {
        name
        for name, member in owner.all_members.items()
        if member.docstring and not name.startswith("_")
    }


def documented(thing: Any) -> Iterator[Any]:
    """Go through everything below a module that has a docstring."""
    for member in thing.members.values():
        if not member.is_alias:
            if member.docstring:
                yield member
            yield from documented(member)


def linked(
    found: re.Match[str], *, exported: dict[str, str], members: dict[str, set[str]], own: set[str]
) -> str:
    """Make a link of a name, where it is public and no parameter."""
    name = found["quoted"] or found["error"]
    first, _, rest = name.partition(".")
    if first in own:
        return found[0]
    if name in exported:
        return f"[`{name}`][{exported[name]}]"
    if rest in members.get(first, ()):
        return f"[`{name}`][rushtyped.{name}]"
    owner = next((owner for owner in members if not rest and first in members[owner]), None)
    return f"[`{name}`][rushtyped.{owner}.{name}]" if owner else found[0]
