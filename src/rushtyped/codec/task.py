"""The codecs of a network's tasks, and of what every task may carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import ValidationError

from rushtyped.codec.model import ModelCodec, explain
from rushtyped.errors import ColumnCollisionError, InvalidTaskError, InvalidTypeError
from rushtyped.models import Condition, Extra, Xs, Ys
from rushtyped.schema import Group, Models, NetworkSchema, network_schema

E = TypeVar("E", bound=Extra)


@dataclass(frozen=True, slots=True)
class TaskCodec:
    """The codecs of the four models of a network; `task_codec` makes each once."""

    models: Models
    schema: NetworkSchema
    xs: ModelCodec[Xs]
    ys: ModelCodec[Ys]
    xs_extra: ModelCodec[Extra]
    ys_extra: ModelCodec[Extra]

    def group(self, name: Group) -> ModelCodec[Any]:
        """Return the codec of one group by name."""
        codec: ModelCodec[Any] = getattr(self, name)
        return codec


@lru_cache(maxsize=256)
def task_codec(models: Models) -> TaskCodec:
    """Return the codecs of four models; raise what `network_schema` raises."""
    schema = network_schema(models)
    return TaskCodec(
        models,
        schema,
        ModelCodec(models.xs),
        ModelCodec(models.ys),
        ModelCodec(models.xs_extra),
        ModelCodec(models.ys_extra),
    )


def as_extra(model: type[E], value: E | Mapping[str, Any]) -> E:
    """Return an extra as an instance of its model; a mapping is validated.

    Raise InvalidTypeError for another model, InvalidTaskError for a mapping that doesn't fit.
    """
    if isinstance(value, model):
        return value
    if not isinstance(value, Mapping):
        raise InvalidTypeError(
            f"expected an instance of {model.__name__} or a mapping, got {value!r:.80} "
            f"({type(value).__name__})"
        )
    try:
        return model.model_validate(dict(value), by_alias=True, by_name=True)
    except ValidationError as error:
        raise InvalidTaskError(explain(model, error)) from error


def free_names(instance: Extra) -> frozenset[str]:
    """Name what a free-form extra holds beside its declared fields."""
    return frozenset(instance.__pydantic_extra__ or ())


def check_free_names(schema: NetworkSchema, group: Group, names: Iterable[str]) -> None:
    """Raise ColumnCollisionError when a free name is reserved or declared in the network."""
    taken = {name: owner for name in names if (owner := schema.owner(name)) is not None}
    if taken:
        clashes = "; ".join(f"{name!r} belongs to {taken[name]}" for name in sorted(taken))
        raise ColumnCollisionError(
            f"{group}: {clashes}; give what the extra holds names of its own"
        )


_CONDITION = ModelCodec(Condition)


def encode_condition(condition: Condition) -> bytes:
    """Pack a condition; text that is not valid Unicode is kept with its escapes."""
    texts = {name: _unicode(value) for name, value in condition.__dict__.items()}
    return _CONDITION.encode(Condition.model_construct(**texts))


def decode_condition(data: bytes) -> Condition:
    """Unpack a condition; raise CorruptDataError for anything else."""
    return _CONDITION.decode(data)


def _unicode(value: Any) -> Any:
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "backslashreplace").decode()
    return value
