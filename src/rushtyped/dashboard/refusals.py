"""Replies that are no answers, as errors."""

from __future__ import annotations

from rushtyped import RushTypedError


class NotThereError(RushTypedError):
    """There is nothing under this name."""


class ForbiddenError(RushTypedError):
    """This dashboard only shows: start it with --allow-control to stop workers or retry tasks."""
