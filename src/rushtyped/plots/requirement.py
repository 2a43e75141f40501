"""Says which extra is missing, before an import fails for it."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("altair") is None:
    raise ModuleNotFoundError(
        "rushtyped.plots needs Altair: pip install 'rushtyped[plots]'", name="altair"
    )
