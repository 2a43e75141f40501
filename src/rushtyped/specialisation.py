"""Classes that carry their models: what `Network[Params, Scores]` evaluates to."""

from __future__ import annotations

import copyreg
from collections.abc import Callable
from functools import cache
from typing import Any

from rushtyped.errors import InvalidTypeError
from rushtyped.generics import portable
from rushtyped.models import AnyExtra
from rushtyped.schema import Models, network_schema
from rushtyped.stored_schema import stored_models

_MOST_MODELS = len(Models._fields)
_LEAST_MODELS = 2


class SpecialisedType(type):
    """Type of the generic classes; makes their specialisations picklable by their models."""

    generic: SpecialisedType | None = None
    models: Models | None = None
    stored: bytes | None = None
    """The recorded schemas that the models were read back from, where nobody declared them."""


def carries_models(parameters: Any) -> bool:
    """Tell models from type variables, which stand for models in generic code."""
    return all(each is not Any and isinstance(each, type) for each in _as_tuple(parameters))


def is_of_user(specialised: SpecialisedType) -> bool:
    """Tell a class that a user has derived from one of this library's."""
    generic = specialised if specialised.generic is None else specialised.generic
    is_made_here = "generic" in vars(specialised) or specialised.generic is None
    return not (is_made_here and generic.__module__.startswith(f"{__package__}."))


def with_defaults(parameters: Any) -> tuple[Any, ...]:
    """Fill in the extras where type variables are given for xs and ys only."""
    given = _as_tuple(parameters)
    missing = _MOST_MODELS - len(given)
    return given if len(given) < _LEAST_MODELS else (*given, *[AnyExtra] * missing)


def models_of(specialised: SpecialisedType) -> Models:
    """Return the models that a class carries, or raise InvalidTypeError where it has none."""
    if specialised.models is None:
        name = specialised.__name__
        raise InvalidTypeError(f"{name} needs its models: {name}[Params, Scores](...)")
    return specialised.models


def specialise(generic: SpecialisedType, parameters: Any) -> SpecialisedType:
    """Return the subclass of a generic class that carries these models; each is made once.

    Raises InvalidTypeError, UnsupportedFieldError or ColumnCollisionError for models that
    cannot be stored.
    """
    models = _as_tuple(parameters)
    if generic.models is not None:
        raise InvalidTypeError(f"{generic.__name__} has its models already: subscript it once")
    if not _LEAST_MODELS <= len(models) <= _MOST_MODELS:
        raise InvalidTypeError(
            f"{generic.__name__}[...] takes the models of xs and ys, and may take those of "
            f"xs_extra and ys_extra, but got {len(models)} parameters"
        )
    missing = _MOST_MODELS - len(models)
    return _specialised(generic, Models(*models, *[AnyExtra] * missing), None)


def check_undeclared(generic: SpecialisedType) -> None:
    """Raise InvalidTypeError for a class that has its models already."""
    if generic.models is not None:
        raise InvalidTypeError(
            f"open joins without declared models, but {generic.__name__} has some: call "
            f"Network.open(...), or {generic.__name__}(...) to join with its models"
        )


def specialise_as_stored(generic: SpecialisedType, schemas: bytes) -> Any:
    """Return the subclass of a generic class whose models are read back from recorded schemas.

    Raises CorruptDataError for bytes that are no schemas.
    """
    return _specialised(generic, stored_models(schemas), schemas)


@cache
def _specialised(generic: SpecialisedType, models: Models, stored: bytes | None) -> SpecialisedType:
    network_schema(models)
    shown = models if models[2:] != (AnyExtra, AnyExtra) else models[:2]
    name = f"{generic.__name__}[{', '.join(model.__name__ for model in shown)}]"
    members = {
        "__module__": generic.__module__,
        "__doc__": generic.__doc__,
        "generic": generic,
        "models": models,
        "stored": stored,
    }
    return type(generic)(name, (generic,), members)


def _reduce(cls: SpecialisedType) -> str | tuple[Callable[..., Any], tuple[Any, ...]]:
    if "generic" in vars(cls) and cls.generic is not None:
        if cls.stored is not None:
            return specialise_as_stored, (cls.generic, cls.stored)
        return specialise, (cls.generic, tuple(map(portable, cls.models or ())))
    return cls.__qualname__


copyreg.pickle(SpecialisedType, _reduce)


def _as_tuple(parameters: Any) -> tuple[Any, ...]:
    return parameters if isinstance(parameters, tuple) else (parameters,)
