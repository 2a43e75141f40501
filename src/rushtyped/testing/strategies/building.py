"""From values to instances: through the model's own constructor, with all its validators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, RootModel, ValidationError

from rushtyped.codec import ModelCodec
from rushtyped.errors import InvalidArgumentError, InvalidTaskError

M = TypeVar("M", bound=BaseModel)

_MOST_REFUSED = 100
"""Refused in a row before the first success: then nothing is expected to pass."""


class Builder(Generic[M]):
    """Makes instances of drawn values, by field name, and counts what is refused.

    Gives None for values that a validator refuses, or turns into what cannot be stored. Raises
    InvalidArgumentError where nothing passes.
    """

    def __init__(self, model: type[M]) -> None:
        self._model = model
        self._codec = ModelCodec(model)
        self._refused = 0
        self._accepted = False

    def __call__(self, values: Mapping[str, Any]) -> M | None:
        """Make one instance."""
        content = values["root"] if issubclass(self._model, RootModel) else dict(values)
        try:
            instance = self._model.model_validate(content, by_name=True, by_alias=False)
            self._codec.encode(instance)
        except (ValidationError, InvalidTaskError) as error:
            self._count(error)
            return None
        self._accepted = True
        return instance

    def _count(self, error: Exception) -> None:
        self._refused += 1
        if not self._accepted and self._refused >= _MOST_REFUSED:
            raise InvalidArgumentError(
                f"none of {self._refused} drawn values of {self._model.__name__} passes its "
                f"validators, the last fails with {error}; give strategies that do for the fields "
                "which they check, by name"
            ) from error
