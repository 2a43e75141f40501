"""The plans of this process: the one that was set or entered last is in force."""

from __future__ import annotations

import os
import threading
import weakref
from dataclasses import dataclass, replace
from itertools import pairwise
from types import TracebackType
from typing import Self

from rushtyped.connect import Server, resolve_endpoint
from rushtyped.errors import RushTypedError
from rushtyped.plan.values import Settings


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, weakref_slot=True)
class Plan(Settings):
    """Defaults for this process, as `plan` makes them; None where it leaves a setting to others.

    As a context manager it is in force until the block ends; then whatever was before the call of
    `plan` is in force again, or what was set between the call and the block. Blocks may be
    entered again, overlap, and end in any order: an ended one takes its plan, and those set within
    it, out from below the others.
    """

    redis: Server | None = None

    def __repr__(self) -> str:
        server = {} if self.redis is None else {"redis": _address(self.redis)}
        shown = {**server, **self.said()}
        return f"Plan({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def __enter__(self) -> Self:
        with _lock:
            called = _find(self, is_block=False)
            if called is not None:
                del _layers[called]
            _layers.append(_layer_of(self, is_block=True))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with _lock:
            first = _find(self, is_block=True)
            if first is None:
                return
            del _layers[first]
            while first < len(_layers) and not _layers[first].is_block:
                del _layers[first]


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """What one call of `plan` or `remove_plan`, or one block, has put over all before it."""

    plan: Plan
    owner: weakref.ref[Plan]
    """What was called or entered; `plan` is a copy, so that this tells whether it still can be."""
    is_block: bool


_NOTHING = Plan()
_layers: list[_Layer] = []
_lock = threading.RLock()  # held for moments only: os.fork waits for it
os.register_at_fork(
    before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
)


def set_plan(new: Plan) -> None:
    """Put a plan over all others, and let go of those that can never be in force again."""
    with _lock:
        _layers.append(_layer_of(new, is_block=False))
        _layers[:-1] = [
            lower
            for lower, upper in pairwise(_layers)
            if lower.is_block or upper.owner() is not None
        ]


def remove_plan() -> None:
    """Forget the plan; within a `with` block, until the block ends. Without one, do nothing."""
    with _lock:
        while _layers and not _layers[-1].is_block:
            del _layers[-1]
        if _layers:
            _layers.append(_Layer(_NOTHING, weakref.ref(_NOTHING), is_block=False))


def has_plan() -> bool:
    """Tell whether a plan is in force; the environment is none."""
    return plan_in_force() is not _NOTHING


def plan_in_force() -> Plan:
    """Return the plan that was set or entered last; one that says nothing where there is none."""
    with _lock:
        return _layers[-1].plan if _layers else _NOTHING


def _layer_of(plan: Plan, *, is_block: bool) -> _Layer:
    return _Layer(replace(plan, **plan.said()), weakref.ref(plan), is_block)


def _find(plan: Plan, *, is_block: bool) -> int | None:
    """Find the topmost layer that a plan has put there."""
    for index in reversed(range(len(_layers))):
        if _layers[index].owner() is plan and _layers[index].is_block == is_block:
            return index
    return None


def _address(server: Server) -> str:
    """Write a server without its password."""
    try:
        return resolve_endpoint(server).address
    except RushTypedError:  # it was checked by nobody: nothing of it may be shown
        return f"<{type(server).__name__}>"
