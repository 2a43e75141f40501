"""Worker loops for mypy, to which a `functools.partial` can be called with anything.

The signature that a partial leaves is kept by mypy in a member that only it knows, and against
which it checks a protocol. So a loop is such a partial, or else has a name, as functions and
methods have and partials have not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from rushtyped.task import XE, YE, X, Y
from rushtyped.worker import Worker


class LoopFunction(Protocol[X, Y, XE, YE]):
    """A function or a bound method that takes a worker of these models, and nothing else."""

    __name__: str

    def __call__(self, worker: Worker[X, Y, XE, YE], /) -> object:
        """Run until the worker is to end."""
        ...


class LoopPartial(Protocol[X, Y, XE, YE]):
    """A `functools.partial` that leaves a worker of these models to be given, and nothing else."""

    def __call__(self, worker: Worker[X, Y, XE, YE], /) -> object:
        """Run until the worker is to end."""
        ...

    @property
    def func(self) -> object:
        """What is called."""
        ...

    @property
    def args(self) -> object:
        """Positional arguments that are given already."""
        ...

    @property
    def keywords(self) -> object:
        """Options that are given already."""
        ...

    @property
    def __mypy_partial(self) -> Callable[[Worker[X, Y, XE, YE]], object]: ...


WorkerLoop: TypeAlias = LoopFunction[X, Y, XE, YE] | LoopPartial[X, Y, XE, YE]
