"""The values that a history works with: drawn once, at its begin, and used in turns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import cycle, islice
from typing import Any, Generic, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from rushtyped.codec import free_names
from rushtyped.models import Extra
from rushtyped.schema import GROUPS, Group, Models, network_schema
from rushtyped.task import XE, YE, X, Y
from rushtyped.testing.machine.history import Drawn
from rushtyped.testing.strategies import extra_strategy, xs_strategy, ys_strategy

E = TypeVar("E", bound=Extra)

_MOST: dict[Group, int] = {"xs": 3, "ys": 2, "xs_extra": 2, "ys_extra": 2}
"""Values of a group in one history: few, since each takes time to draw and space to print."""


@dataclass(slots=True)
class Values(Generic[X, Y, XE, YE]):
    """Some instances of each model; extras of other free names each."""

    xss: Sequence[X]
    yss: Sequence[Y]
    xss_extra: Sequence[XE]
    yss_extra: Sequence[YE]
    _turns: dict[Group, Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        groups = (self.xss, self.yss, self.xss_extra, self.yss_extra)
        self._turns = {name: cycle(values) for name, values in zip(GROUPS, groups, strict=True)}

    def next(self, group: Group, n: int) -> list[Any]:
        """Return the next n values of a group."""
        return list(islice(self._turns[group], n))


@lru_cache(maxsize=64)
def drawn_values(models: Models, group: Group) -> SearchStrategy[list[Any]]:
    """Draw the values of one group for a history."""
    schema = network_schema(models)
    match group:
        case "xs":
            one: SearchStrategy[Any] = xs_strategy(models.xs)
        case "ys":
            one = ys_strategy(models.ys)
        case _:
            declared = {name for other in schema.groups for name in other.columns}
            one = extra_strategy(getattr(models, group), declared)
    return st.lists(one, min_size=1, max_size=_MOST[group]).map(Drawn)


def set_apart(extras: Iterable[E], taken: Collection[str]) -> list[E]:
    """Leave out free names that are taken, so that each makes a column of one type."""
    names, kept = set(taken), list[E]()
    for extra in extras:
        copy = extra.model_copy()
        for name in free_names(extra) & names:
            (copy.__pydantic_extra__ or {}).pop(name)
        names |= free_names(copy)
        kept.append(copy)
    return kept
