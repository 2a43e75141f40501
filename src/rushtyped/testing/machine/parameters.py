"""The models that a class was subscripted with, also through classes in between."""

from __future__ import annotations

from typing import Any, get_args, get_origin

from rushtyped.errors import InvalidTypeError
from rushtyped.models import AnyExtra
from rushtyped.schema import Models, network_schema


def completed(generic: Any, parameters: Any) -> tuple[Any, ...]:
    """Fill in the extras that a subscription leaves out."""
    given = parameters if isinstance(parameters, tuple) else (parameters,)
    left_out = generic.__parameters__[len(given) :]
    defaults = [AnyExtra for each in left_out if getattr(each, "__default__", None) is AnyExtra]
    return (*given, *defaults)


def parameters_of(cls: type, generic: type) -> tuple[Any, ...] | None:
    """Say what stands for the four models in a class, which may still be type variables.

    None where no base of the class is subscripted, so that it has what its bases have.
    """
    for base in vars(cls).get("__orig_bases__", ()):
        origin: Any = get_origin(base)
        if isinstance(origin, type) and issubclass(origin, generic):
            kind: Any = origin  # it is generic, which type checkers do not follow here
            given = dict(zip(kind.__parameters__, get_args(base), strict=True))
            return tuple(
                given.get(each, each) for each in vars(kind)["_parameters"] or kind.__parameters__
            )
    return None


def models_of(name: str, parameters: tuple[Any, ...]) -> Models:
    """Return the models of a class, or raise InvalidTypeError where it has none.

    Raises UnsupportedFieldError or ColumnCollisionError for models that cannot be stored.
    """
    if not all(isinstance(each, type) for each in parameters):
        raise InvalidTypeError(
            f"{name} needs the models of its network: "
            f"class {name}(NetworkMachine[Params, Scores]), "
            "or with four models NetworkMachine[Params, Scores, Before, After]"
        )
    models = Models(*parameters)
    network_schema(models)
    return models
