"""Instances of the models of a network."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from hypothesis.strategies import SearchStrategy
from pydantic import BaseModel

from rushtyped.dtypes import model_columns
from rushtyped.errors import InvalidArgumentError, InvalidTypeError
from rushtyped.models import Extra, Xs, Ys
from rushtyped.testing.strategies.columns import instances
from rushtyped.testing.strategies.free import free_dicts

X = TypeVar("X", bound=Xs)
Y = TypeVar("Y", bound=Ys)
E = TypeVar("E", bound=Extra)
M = TypeVar("M", bound=BaseModel)


def xs_strategy(model: type[X], /, **fields: SearchStrategy[object]) -> SearchStrategy[X]:
    """Draw xs of every value that their annotations and constraints allow.

    A strategy in `fields` replaces that of the field of its name. What a validator of the model
    refuses is discarded.
    Raise InvalidTypeError for what is no subclass of Xs, InvalidArgumentError for the name of no
    field and for constraints that no value meets.
    """
    return _instances(model, Xs, fields)


def ys_strategy(model: type[Y], /, **fields: SearchStrategy[object]) -> SearchStrategy[Y]:
    """Draw ys of every value that their annotations and constraints allow; cf. `xs_strategy`."""
    return _instances(model, Ys, fields)


def extra_strategy(
    model: type[E],
    avoid: Collection[str] = (),
    prefix: str = "",
    /,
    **fields: SearchStrategy[object],
) -> SearchStrategy[E]:
    """Draw extras of every value that their annotations and constraints allow; cf. `xs_strategy`.

    A free-form extra, such as AnyExtra, gets a few names with plain values. None is reserved or
    in `avoid`, which is to name the fields of the network's other models. Each starts with
    `prefix`: where both extras of a network are free-form, no name may be in both.
    """
    return _instances(model, Extra, fields, (avoid, prefix))


def _instances(
    model: type[M],
    base: type[BaseModel],
    fields: Mapping[str, SearchStrategy[object]],
    free: tuple[Collection[str], str] = ((), ""),
) -> SearchStrategy[M]:
    given: Any = model  # callers that no type checker sees may pass anything
    if not isinstance(given, type) or not issubclass(given, base):
        raise InvalidTypeError(f"expected a subclass of {base.__name__}, got {_described(given)}")
    columns = model_columns(model)
    free_form = model.model_config.get("extra") == "allow"
    for name, strategy in fields.items():
        if name not in columns and not free_form:
            raise InvalidArgumentError(
                f"{model.__name__} has no field {name!r}; its fields are "
                f"{', '.join(sorted(columns)) or 'none'}"
            )
        if not isinstance(strategy, SearchStrategy):
            raise InvalidTypeError(
                f"{model.__name__}.{name}: expected a Hypothesis strategy, "
                f"got {strategy!r} ({type(strategy).__name__})"
            )
    avoid, prefix = free
    names = free_dicts({*columns, *avoid}, prefix) if free_form else None
    return instances(model, columns, replaced=fields, free=names)


def _described(given: object) -> str:
    if not isinstance(given, type):
        return f"{given!r} ({type(given).__name__})"
    kinds = [base.__name__ for base in (Xs, Ys, Extra) if issubclass(given, base)]
    return given.__name__ + (f", a subclass of {kinds[0]}" if kinds else "")
