"""Which peers can be measured here: all of them are optional."""

from __future__ import annotations

from importlib import import_module
from typing import ClassVar, Protocol


class Peer(Protocol):
    """Somebody that rushtyped is compared with."""

    name: ClassVar[str]
    """As its authors write it."""
    module: ClassVar[str]
    """What has to be importable."""


def absence(module: str) -> str:
    """Say why a module cannot be imported; nothing where it can."""
    try:
        import_module(module)
    except ModuleNotFoundError as error:
        if error.name == module:
            return f"{module} is not installed"
        return f"{module} cannot be imported: {error!r}"
    except Exception as error:  # noqa: BLE001 - a broken module may raise anything
        return f"{module} cannot be imported: {error!r}"
    return ""


def absences(*peers: type[Peer]) -> dict[str, str]:
    """Say of each peer that is absent why."""
    reasons = {peer.name: absence(peer.module) for peer in peers}
    return {name: reason for name, reason in reasons.items() if reason}
