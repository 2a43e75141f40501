"""How loops are pickled, and what is in the way where they cannot be."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import random
import sys
from collections.abc import Iterable, Iterator
from operator import attrgetter
from pickle import PickleBuffer
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import cloudpickle
import loguru

from rushtyped.generics import reduce_model
from rushtyped.large_objects import Sink

PYTHON = f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}"
"""This Python, as far as the code of functions depends on it."""

_PROTOCOL = 5
_CORE_OF_LOGURU = attrgetter("logger._core")


def dump(content: object, sink: Sink) -> bool:
    """Pickle into a sink; return whether code is among it, rather than names of modules."""
    pickler = _LoopPickler(_PlainSink(sink), protocol=_PROTOCOL)
    pickler.dump(content)
    return pickler.holds_code


class _PlainSink:
    """Passes on what a pickler writes as plain bytes: large arrays come in their own shape."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def write(self, data: bytes | PickleBuffer) -> int:
        return self._sink.write(data.raw() if isinstance(data, PickleBuffer) else data)


class Spool:
    """Keeps what is written up to a number of bytes; beyond it, only counts and digests."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._digest = hashlib.sha256()
        self.size: int = 0
        self.kept: io.BytesIO | None = io.BytesIO()

    @property
    def sha256(self) -> str:
        """Digest of all that was written."""
        if self.kept is not None:
            return hashlib.sha256(self.kept.getbuffer()).hexdigest()
        return self._digest.hexdigest()

    def write(self, data: bytes | memoryview, /) -> int:
        """Take the next bytes."""
        self.size += len(data)
        if self.kept is not None and self.size > self._limit:
            self._digest.update(self.kept.getbuffer())
            self.kept = None
        if self.kept is not None:
            return self.kept.write(data)
        self._digest.update(data)
        return len(data)


class _LoopPickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
    """Sends functions of the global random generators by name, and notes whether it sends code.

    Such a function is a method of its generator, whose state would travel with it: all workers
    would draw the same numbers. What loguru's loggers write to is sent by name too: a copy would
    have a handler of its own, and keep what the loop logs from the worker's log. Scores[float] is
    sent as Scores and float, and so remains the class that the code of a loop means by it.
    """

    holds_code = False

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, CodeType):
            self.holds_code = True
            return NotImplemented
        if obj is _CORE_OF_LOGURU(loguru):
            return _CORE_OF_LOGURU, (loguru,)
        owner = getattr(obj, "__self__", None)
        for module, generator in _global_generators():
            if owner is generator:
                return getattr, (module, obj.__name__)
        if (reduced := reduce_model(obj)) is not None:
            return reduced
        return super().reducer_override(obj)


def _global_generators() -> Iterator[tuple[ModuleType, object]]:
    yield random, random.seed.__self__  # type: ignore[attr-defined]  # a bound method
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        yield numpy_random, numpy_random.random_sample.__self__


def parts_at_fault(
    parts: Iterable[tuple[str, object]], seen: frozenset[int] = frozenset()
) -> list[str]:
    """Name the part that cannot be pickled, then the part of that one, as far as there is any."""
    for name, part in parts:
        if id(part) not in seen and not _can_be_pickled(part):
            described = [f"{name} ({type(part).__name__})"] if name else []
            return [*described, *parts_at_fault(_parts_of(part), seen | {id(part)})]
    return []


def _can_be_pickled(part: object) -> bool:
    try:
        dump(part, Spool(0))
    except Exception:  # noqa: BLE001 - an object may raise anything when it is pickled
        return False
    return True


def _parts_of(whole: object) -> Iterator[tuple[str, object]]:
    """Name the parts that are pickled with an object; those without a name are passed over."""
    match whole:
        case functools.partial():
            yield "", whole.func
            yield from _named("bound argument", enumerate(whole.args))
            yield from _named("bound argument", whole.keywords.items())
        case FunctionType():
            yield from _parts_of_function(whole)
        case MethodType():
            yield "", whole.__self__
        case list() | tuple():
            yield from _named("element", enumerate(whole))
        case dict():
            yield from _named("value of", whole.items())
        case _:
            yield from _named("attribute", _attributes_of(whole).items())


def _attributes_of(whole: object) -> dict[str, object]:
    """Collect the attributes that are pickled as they are; of a class, those that users name."""
    if isinstance(whole, type):
        return {name: value for name, value in vars(whole).items() if not name.startswith("_")}
    methods = ("__reduce_ex__", "__reduce__", "__getstate__")
    if any(getattr(type(whole), name) is not getattr(object, name) for name in methods):
        return {}
    return getattr(whole, "__dict__", {})


def _named(what: str, parts: Iterable[tuple[object, object]]) -> Iterator[tuple[str, object]]:
    for name, part in parts:
        yield f"{what} {name!r}", part


def _parts_of_function(function: FunctionType) -> Iterator[tuple[str, object]]:
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # nothing was assigned to it
            yield f"closure variable {name!r}", cell.cell_contents
    names = sorted(_names_in(code) & function.__globals__.keys())
    yield from _named("global variable", ((name, function.__globals__[name]) for name in names))
    yield from _named("default", enumerate(function.__defaults__ or ()))
    yield from _named("default of", (function.__kwdefaults__ or {}).items())


def _names_in(code: CodeType) -> set[str]:
    """Collect the global names that a function and the functions inside it may use."""
    inner = [_names_in(each) for each in code.co_consts if isinstance(each, CodeType)]
    return set(code.co_names).union(*inner)
