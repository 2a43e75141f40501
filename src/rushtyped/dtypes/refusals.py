"""Why an annotation that no rule covers has no column type, and what to use for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from typing_extensions import is_typeddict  # of its own TypedDict too

_NO_RULE = "no rule covers it"
_HINT = "use a plain type, a container of one type, or a nested model"
_MODEL = "make it a pydantic BaseModel"
_SECRET = (
    "it would be stored as plain text, a secret no longer",
    "leave it out, and read it where it is needed",
)
_ZONE = (_NO_RULE, "use NaiveDatetime or AwareDatetime with a validator")
_REASONS: Mapping[str, tuple[str, str]] = {
    "SecretStr": _SECRET,
    "SecretBytes": _SECRET,
    "Secret": _SECRET,
    "PastDatetime": _ZONE,
    "FutureDatetime": _ZONE,
}
_HINTS: Mapping[str, str] = {
    **dict.fromkeys(("Any", "object"), "declare one type"),
    "list": "say what it holds, as in list[float]",
    "set": "say what it holds, as in set[int]",
    "frozenset": "say what it holds, as in frozenset[int]",
    "tuple": "say what it holds, as in tuple[float, ...]",
    "dict": "say what it holds, as in dict[str, float]",
    **dict.fromkeys(("Sequence", "Iterable", "Collection"), "use list[T] or tuple[T, ...]"),
    **dict.fromkeys(("MutableSequence", "deque", "Deque"), "use list[T]"),
    **dict.fromkeys(("Set", "AbstractSet", "MutableSet"), "use set[T]"),
    **dict.fromkeys(("Mapping", "MutableMapping", "Counter"), "use dict[str, T]"),
    **dict.fromkeys(("OrderedDict", "defaultdict", "DefaultDict"), "use dict[str, T]"),
    "ndarray": "say what it holds, as in numpy.typing.NDArray[numpy.float64]",
    **dict.fromkeys(("IPv4Address", "IPv6Address", "Pattern", "ImportString"), "use str"),
    **dict.fromkeys(("Callable", "type"), "store its name as str"),
    "complex": "use a field for its real and one for its imaginary part",
    "Json": "say what it holds, as in Json[list[int]]",
    **dict.fromkeys(("None", "NoneType"), "leave it out"),
}
_PLAIN = (bool, int, float, str, bytes, Decimal, datetime, date, time, timedelta, list, dict, set)


def why(annotation: object) -> tuple[str, str]:
    """Return the reason and the advice for an annotation that no rule covers."""
    name = (getattr(annotation, "__name__", "") or str(annotation)).rpartition(".")[2]
    if name in _REASONS:
        return _REASONS[name]
    if name in _HINTS or not isinstance(annotation, type):
        return _NO_RULE, _HINTS.get(name, _HINT)
    if dataclasses.is_dataclass(annotation):
        return "it is a dataclass", _MODEL
    if is_typeddict(annotation):
        return "it is a TypedDict", _MODEL
    if issubclass(annotation, tuple):
        return "it is a NamedTuple", _MODEL
    for plain in _PLAIN:
        if issubclass(annotation, plain):
            return f"its values would come back as {plain.__name__}", f"use {plain.__name__}"
    return _NO_RULE, _HINT
