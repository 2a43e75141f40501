"""What a free-form extra may hold: any names, plain values."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from rushtyped.schema import RESERVED

_DAYS = timedelta(days=10**6)
_ATOMS: SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=10),
    st.binary(max_size=10),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.dates(),
    st.times(),
    st.timedeltas(-_DAYS, _DAYS),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.uuids(),
)


def _containers(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
    lists = st.lists(inner, max_size=3)
    return lists | lists.map(tuple) | st.dictionaries(st.text(max_size=5), inner, max_size=3)


FREE_VALUES: SearchStrategy[Any] = st.recursive(
    _ATOMS
    | st.sets(st.integers(-9, 9), max_size=3)
    | st.frozensets(st.text(max_size=3), max_size=3),
    _containers,
    max_leaves=5,
)
"""Values that need no model: what `pack_value` takes."""


def free_dicts(avoided: Collection[str], prefix: str = "") -> SearchStrategy[dict[str, Any]]:
    """Draw a few names with values; none is reserved or avoided, all start with a prefix."""
    taken = RESERVED.union(avoided)
    names = st.text(min_size=1, max_size=8).map(lambda text: prefix + text)
    names = names.filter(lambda name: name not in taken)
    return st.dictionaries(names, FREE_VALUES, max_size=3)
