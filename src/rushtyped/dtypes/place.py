"""Where an annotation stands, and how it is refused there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, get_args, get_origin

from rushtyped.dtypes.refusals import why
from rushtyped.errors import UnsupportedFieldError


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a model an annotation stands: its path, and the models and aliases around it."""

    path: str
    around: tuple[object, ...] = ()

    def inside(self, item: object) -> Place:
        """Go into a model or an alias."""
        return Place(self.path, (*self.around, item))

    def at(self, path: str) -> Place:
        """Go to another path within the same models."""
        return Place(path, self.around)

    def refuse(self, annotation: object, reason: str = "", hint: str = "") -> UnsupportedFieldError:
        """Make the error that says why an annotation has no column type, and what to do."""
        known_reason, known_hint = why(annotation)
        shown = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
        if isinstance(shown, type) and not get_args(shown):
            shown = shown.__name__
        return UnsupportedFieldError(
            f"{self.path}: {shown} has no column type: {reason or known_reason}; "
            f"{hint or known_hint}"
        )
