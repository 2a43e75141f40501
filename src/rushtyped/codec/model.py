"""The codec of one model: instances to bytes and back, checked both ways."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from reprlib import Repr
from typing import Any, Generic, NoReturn, TypeVar

import msgpack
from pydantic import BaseModel, ValidationError

from rushtyped.codec import free, wire
from rushtyped.dtypes import model_columns, validates_default
from rushtyped.errors import CorruptDataError, InvalidTaskError, InvalidTypeError, TooLargeError
from rushtyped.printable import excerpt
from rushtyped.stored_schema import is_stored

M = TypeVar("M", bound=BaseModel)

_MOST_LINES = 10
_OPENED = (
    "; the network was opened without its models: join it with Network[Params, Scores](...) to "
    "push new values"
)
_short = Repr()
_short.maxstring = _short.maxother = 80


class ModelCodec(Generic[M]):
    """Encode instances of a model as msgpack maps of field names, and decode them.

    What comes back equals what went in. Private attributes and cached properties are not stored.
    """

    __slots__ = (
        *("free_form", "model"),
        *("_columns", "_defaults", "_derived", "_from_wire", "_to_wire"),
    )

    def __init__(self, model: type[M]) -> None:
        columns = model_columns(model)
        self.model = model
        self.free_form: bool = model.model_config.get("extra") == "allow"
        self._columns = columns
        self._defaults: dict[str, Any] | None = None
        self._derived = wire.derived_names(model)
        self._to_wire = wire.encoder(model, columns)
        self._from_wire = wire.decoder(model, columns)

    def encode(self, instance: M) -> bytes:
        """Pack an instance.

        Raise InvalidTypeError for an instance of another model, InvalidTaskError for one that
        breaks its own schema (`model_construct` makes such) or cannot be stored, TooLargeError
        beyond 512 MiB.
        """
        derived = self._derived
        if type(instance) is not self.model:
            if not wire.has_fields_of(self.model, instance):
                raise InvalidTypeError(
                    f"expected an instance of {self.model.__name__}, got {_short.repr(instance)} "
                    f"({type(instance).__name__}){_OPENED if is_stored(self.model) else ''}"
                )
            derived = wire.derived_names(type(instance))
        fields = instance.__dict__
        if derived:
            fields = {name: fields[name] for name in fields if name not in derived}
        try:
            values = self._to_wire(fields)
            if self.free_form:
                self._add_free(values, instance)
            data: bytes = msgpack.packb(values)
        except (ValueError, TypeError, OverflowError) as error:
            self._refuse(instance, error)
        if len(data) > free.MAX_VALUE_BYTES:
            free.sized(data, self.model.__name__)
        return data

    def decode(self, data: bytes) -> M:
        """Make the instance again, without running users' validators.

        Names that the model doesn't declare are ignored, missing ones take their default.
        Raise CorruptDataError for data that are not an encoded instance.
        """
        try:
            stored = free.unpack(data) if self.free_form else free.unpack_plain(data)
            values = self._from_wire(stored)
            extra = self._free_values(stored) if self.free_form else None
            return wire.build(self.model, values, extra)
        except ValidationError as error:
            raise CorruptDataError(
                f"stored data do not fit their model: {self._explain(error)}"
            ) from error
        except free.UNREADABLE as error:
            raise CorruptDataError(
                f"stored {self.model.__name__} cannot be read: {free.why(error)}"
            ) from error

    def decode_values(self, data: bytes) -> dict[str, Any]:
        """Unpack the stored map as it is: values on the wire by name, nothing checked."""
        try:
            values = free.unpack(data)
        except free.UNREADABLE as error:
            raise CorruptDataError(
                f"stored {self.model.__name__} cannot be read: {free.why(error)}"
            ) from error
        if not isinstance(values, dict):
            raise CorruptDataError(
                f"stored {self.model.__name__} is not a map: {_short.repr(values)}"
            )
        return values

    def complete(self, values: dict[str, Any], data: bytes) -> dict[str, Any]:
        """Add the defaults that stored values lack, because the model was extended since.

        Raise CorruptDataError when a value is missing that has no default.
        """
        defaults = self._stored_defaults()
        if self._columns.keys() - values.keys() <= defaults.keys():
            return {**defaults, **values}
        instance = self.decode(data)
        try:
            return {**free.unpack(self.encode(instance)), **values}
        except InvalidTaskError:  # a default that breaks its own field
            return {**dict.fromkeys(self._columns), **values}

    def _stored_defaults(self) -> dict[str, Any]:
        """Map each field that has a plain, valid default to what would be stored for it."""
        if self._defaults is None:
            self._defaults = {}
            for name, info in self.model.model_fields.items():
                is_plain = not info.is_required() and info.default_factory is None
                if is_plain and not validates_default(self.model, info):
                    one = wire.encoder(self.model, {name: self._columns[name]})
                    with suppress(ValueError):
                        self._defaults |= one({name: info.get_default()})
        return self._defaults

    def _add_free(self, values: dict[str, Any], instance: M) -> None:
        for name, value in (instance.__pydantic_extra__ or {}).items():
            values[name] = free.plain(value, f"{self.model.__name__}.{name}")

    def _free_values(self, stored: dict[str, Any]) -> dict[str, Any]:
        values = {name: value for name, value in stored.items() if name not in self._columns}
        for name, value in values.items():
            if type(name) is not str:
                raise ValueError("a name is not text")
            free.plain(value, name)  # what could not be pushed was not
        return values

    def _refuse(self, instance: M, error: Exception) -> NoReturn:
        if isinstance(error, InvalidTaskError | TooLargeError):
            raise error
        if isinstance(error, ValidationError):
            raise InvalidTaskError(self._explain(error)) from error
        for name, value in instance.__dict__.items():  # find the field that cannot be packed
            if name in self._columns:
                one = wire.encoder(self.model, {name: self._columns[name]})
                free.pack(one({name: value}), f"{self.model.__name__}.{name}")
        for name, value in (instance.__pydantic_extra__ or {}).items():
            place = f"{self.model.__name__}.{name}"
            free.pack({name: free.plain(value, place)}, place)
        raise InvalidTaskError(f"{self.model.__name__} cannot be stored: {error}") from error

    def _explain(self, error: ValidationError) -> str:
        return explain(self.model, error)


def explain(model: type[BaseModel], error: ValidationError) -> str:
    """Say of each field that pydantic refuses what was expected and what was given."""
    lines = list(_lines(model, error))
    more = [f"and {len(lines) - _MOST_LINES} more"] if len(lines) > _MOST_LINES else []
    return "; ".join([*lines[:_MOST_LINES], *more])


def _lines(model: type[BaseModel], error: ValidationError) -> Iterator[str]:
    for detail in error.errors(include_url=False, include_context=False):
        place = ".".join([model.__name__, *(excerpt(part, 80) for part in detail["loc"])])
        message = excerpt(detail["msg"].removeprefix("Value error, "))
        if detail["type"] == "missing":
            yield f"{place}: the field is missing"
        elif detail["type"] == "extra_forbidden":
            yield f"{place}: no such field is declared, got {_short.repr(detail['input'])}"
        else:
            kind = type(detail["input"]).__name__
            yield f"{place}: {message}, got {_short.repr(detail['input'])} ({kind})"
