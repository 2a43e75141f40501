"""What a model takes comes back from Redis, as a frame and as a model, equal and of its type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import reduce
from typing import Annotated, Any, Literal
from uuid import UUID

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import AnyUrl, AwareDatetime, BaseModel, ConfigDict, Field, PostgresDsn, create_model

from rushtyped import Network, Xs, Ys
from rushtyped.keys import new_network_id
from rushtyped.testing import frame_value, xs_strategy, ys_strategy
from tests.annotations import CASES, Colour, Point


class Circle(BaseModel):
    model_config = ConfigDict(frozen=True)

    kind: Literal["circle", "disc"]
    radius: float
    made: AwareDatetime | None = None


class Box(BaseModel):
    model_config = ConfigDict(frozen=True)

    kind: Literal["box"] = "box"
    sides: tuple[float, float]
    names: dict[str, Colour]
    inside: Annotated[Circle | Sphere, Field(discriminator="kind")]


class Sphere(BaseModel):
    model_config = ConfigDict(frozen=True)

    kind: Literal["sphere"] = "sphere"
    radius: float
    colours: frozenset[Colour] | None = None


Solid = Annotated[Circle | Box | Sphere, Field(discriminator="kind")]
MORE = [
    *(
        Solid,
        set[UUID],
        set[Decimal],
        set[float],
        frozenset[AwareDatetime],
        set[tuple[int, int]],
        set[bytes],
    ),
    *(set[Point], list[set[timedelta]], dict[str, dict[str, time]], tuple[tuple[date, ...], ...]),
    *(AnyUrl, PostgresDsn, list[NDArray[np.float32]], NDArray[np.uint8], Literal["a", "b", None]),
]
"""Annotations beyond the table: unions, and items that a set can hold."""
ANNOTATIONS: list[Any] = [*(case.annotation for case in CASES), *MORE]
N_FAMILIES = len(ANNOTATIONS) // 6
FAMILIES = [ANNOTATIONS[at::N_FAMILIES] for at in range(N_FAMILIES)]
"""Annotations that share the models of one network."""
TASKS_AT_ONCE = 2
LIST: Any = list  # of what is known at run time only
DICT: Any = dict
PHASES = [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]  # explaining takes too long


@dataclass(frozen=True)
class Family:
    """The models of some annotations: each plain, optional, listed, in a dict, and nested."""

    annotations: Sequence[Any]
    xs: type[Xs]
    ys: type[Ys]

    @classmethod
    def of(cls, annotations: Sequence[Any]) -> Family:
        config = ConfigDict(arbitrary_types_allowed=True)
        xs: dict[str, Any] = {}
        ys: dict[str, Any] = {}
        for index, annotation in enumerate(annotations):
            nested = create_model("Nested", __config__=config, value=(annotation, ...))
            xs[f"plain_{index}"] = (annotation, ...)
            xs[f"maybe_{index}"] = (annotation | None, ...)
            xs[f"listed_{index}"] = (LIST[annotation], ...)
            ys[f"keyed_{index}"] = (DICT[str, annotation | None], ...)
            ys[f"nested_{index}"] = (nested, ...)
        return cls(
            annotations,
            create_model("FamilyXs", __base__=Xs, **xs),
            create_model("FamilyYs", __base__=Ys, **ys),
        )

    def values(self, xs: Any, ys: Any) -> Iterator[tuple[int, object]]:
        """List all values of a task, each with the index of its annotation."""
        for index in range(len(self.annotations)):
            found = [
                getattr(xs, f"plain_{index}"),
                getattr(xs, f"maybe_{index}"),
                *getattr(xs, f"listed_{index}"),
                *getattr(ys, f"keyed_{index}").values(),
                getattr(ys, f"nested_{index}").value,
            ]
            yield from ((index, value) for value in found if value is not None)


def same(one: Any, other: Any) -> bool:
    """Say whether two values are the same: nan is nan, -0.0 is not 0.0, types count."""
    if type(one) is not type(other):
        return False
    match one:
        case datetime():  # zones may differ
            return one == other and (one.tzinfo is None) == (other.tzinfo is None)
        case float():
            return repr(one) == repr(other)
        case BaseModel():
            return same(dict(one), dict(other))
        case np.ndarray():
            return one.dtype == other.dtype and same(one.tolist(), other.tolist())
        case dict():
            return same(list(one.items()), list(other.items()))
        case list() | tuple() | set() | frozenset():
            return len(one) == len(other) and _same_items(one, list(other))
        case _:
            return bool(one == other)


def _same_items(items: Collection[Any], others: list[Any]) -> bool:
    if isinstance(items, list | tuple):
        return all(map(same, items, others))
    return reduce(_without, items, others) == []


def _without(items: list[Any], item: object) -> list[Any]:
    """Take the first that is the same out of a list: a set finds no nan."""
    at = next((at for at, each in enumerate(items) if same(each, item)), len(items))
    return [*items[:at], *items[at + 1 :]]


def check_survival(family: Family, redis_url: str, examples: int) -> Counter[int]:
    """Push tasks of drawn values and compare what comes back; count the values."""
    survived = Counter[int]()
    network_type: Any = Network
    pairs = st.tuples(xs_strategy(family.xs), ys_strategy(family.ys))
    with network_type[family.xs, family.ys](new_network_id(), redis=redis_url) as network:

        @settings(max_examples=examples, deadline=None, phases=PHASES)
        @given(st.lists(pairs, min_size=1, max_size=TASKS_AT_ONCE))
        def survive(tasks: list[tuple[Any, Any]]) -> None:
            keys = network.push_finished_tasks(*map(list, zip(*tasks, strict=True)))
            rows = network.fetch_new_tasks(fields=["xs", "ys"]).to_dicts()
            records = network.read_tasks(keys)
            for key, (xs, ys), row, record in zip(keys, tasks, rows, records, strict=True):
                for name, value in shown(xs, ys).items():
                    assert same(row[name], value), f"{name}: {row[name]!r} is not {value!r}"
                assert list(row) == ["key", *shown(xs, ys)]
                assert (row["key"], record.key) == (key, key)
                assert same(record.xs, xs), f"{record.xs!r} is not {xs!r}"
                assert same(record.ys, ys), f"{record.ys!r} is not {ys!r}"
                survived.update(index for index, _ in family.values(xs, ys))

        survive()
    return survived


def shown(*models: BaseModel) -> dict[str, Any]:
    rows: Any = map(frame_value, models)
    return {name: value for row in rows for name, value in row.items()}


def check_coverage(
    annotations: Sequence[Any], survived: Counter[int], *, each: int, total: int
) -> None:
    """Fail where too few values of an annotation were drawn, or of the family's share of all."""
    seldom = {
        annotation: survived[index]
        for index, annotation in enumerate(annotations)
        if survived[index] < each
    }
    assert seldom == {}
    assert survived.total() * N_FAMILIES >= total


@pytest.mark.parametrize("annotations", FAMILIES, ids=range(N_FAMILIES))
def test_drawn_values_survive(annotations: list[Any], redis_url: str) -> None:
    survived = check_survival(Family.of(annotations), redis_url, examples=20)
    check_coverage(annotations, survived, each=10, total=1_000)


@pytest.mark.slow
@pytest.mark.parametrize("annotations", FAMILIES, ids=range(N_FAMILIES))
def test_ten_thousand_drawn_values_survive(annotations: list[Any], redis_url: str) -> None:
    survived = check_survival(Family.of(annotations), redis_url, examples=80)
    check_coverage(annotations, survived, each=60, total=10_000)
