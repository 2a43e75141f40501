"""What may be a worker loop."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from rushtyped.errors import InvalidTypeError
from rushtyped.schema import Models
from rushtyped.specialisation import SpecialisedType, is_of_user

Loop = Callable[[Any], object]


def check_loop(loop: Loop, models: Models) -> None:
    """Raise InvalidTypeError for what cannot be called with a worker of these models alone."""
    if not callable(loop):
        raise InvalidTypeError(
            f"worker_loop must be callable with a Worker but is {loop!r} ({type(loop).__name__})"
        )
    try:
        parameters = list(inspect.signature(loop, eval_str=True).parameters.values())
    except (ValueError, TypeError, NameError):
        return  # a builtin or an annotation that cannot be evaluated here: the call will tell
    missing = [
        parameter.name
        for parameter in parameters[1:]
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if not parameters or missing:
        raise InvalidTypeError(
            f"worker_loop {name_of(loop)!r} must take the Worker and nothing else, but needs "
            f"{', '.join(missing) or 'no argument at all'}: bind others with functools.partial"
        )
    declared = parameters[0].annotation
    if isinstance(declared, SpecialisedType) and declared.models not in (None, models):
        raise InvalidTypeError(
            f"worker_loop {name_of(loop)!r} takes a {declared.__name__} but this network has the "
            f"models {', '.join(model.__name__ for model in models)}"
        )
    if isinstance(declared, SpecialisedType) and is_of_user(declared):
        raise InvalidTypeError(
            f"worker_loop {name_of(loop)!r} takes a {declared.__name__} but is called with a plain "
            "Worker: take that, and pass it to what needs more"
        )


def name_of(loop: Loop) -> str:
    """Name a loop for messages, as module:qualname where it has them."""
    if isinstance(loop, functools.partial):
        return name_of(loop.func)
    name = getattr(loop, "__qualname__", type(loop).__qualname__)
    return f"{getattr(loop, '__module__', '?')}:{name}"
