"""Ids of networks, as a shell completes them."""

from __future__ import annotations

import threading
from contextlib import suppress

import typer

from rushtyped.cli.server_use import is_running
from rushtyped.connect import resolve_endpoint
from rushtyped.errors import RushTypedError
from rushtyped.networks import list_networks

_PATIENCE = 1.0
"""Seconds after which a server counts as one that does not answer at once."""


def complete_network_id(context: typer.Context, incomplete: str) -> list[str]:
    """List the networks whose ids begin so; none where no server answers at once."""
    found: list[str] = []
    look = threading.Thread(target=_look, args=(context.params.get("redis"), found), daemon=True)
    look.start()
    look.join(_PATIENCE)
    return [each for each in found if each.startswith(incomplete)]


def _look(redis: str | None, found: list[str]) -> None:
    with suppress(RushTypedError):
        endpoint = resolve_endpoint(redis)
        if endpoint.directory is None or is_running(endpoint.directory):
            found += list_networks(redis=endpoint, retry_timeout=0.0)
