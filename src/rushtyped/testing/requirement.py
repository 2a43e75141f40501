"""What the testing kit needs beside the library itself."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("hypothesis") is None:
    raise ModuleNotFoundError(
        "rushtyped.testing needs Hypothesis: pip install 'rushtyped[testing]'", name="hypothesis"
    )
