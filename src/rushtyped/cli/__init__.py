"""The command line: `rushtyped`, or `python -m rushtyped`."""

from __future__ import annotations

from rushtyped.cli.main import main

__all__ = ["main"]
