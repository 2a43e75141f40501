"""Models of one field, and what is drawn for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import Phase, find, given, settings
from hypothesis.strategies import SearchStrategy
from pydantic import create_model

from rushtyped import Xs
from rushtyped.codec import ModelCodec
from rushtyped.dtypes import model_columns
from rushtyped.testing.strategies.columns import column_values
from rushtyped.testing.strategies.constraints import Place
from tests.annotations import equal

QUICK = settings(max_examples=60, deadline=None)
FIRST = settings(max_examples=5_000, derandomize=True, database=None, phases=[Phase.generate])


def one(annotation: Any, **config: Any) -> Any:
    """Make a model with the field x, and with a config of its own."""
    base: Any = type("Configured", (Xs,), {"model_config": config}) if config else Xs
    return create_model("One", __base__=base, x=(annotation, ...))


def raw_values(model: Any) -> SearchStrategy[Any]:
    """Draw what is passed to the field x, before the model says what it thinks of it."""
    column = model_columns(model)["x"]
    return column_values(column, Place("One.x", dict(model.model_config)))


def check_accepted(model: Any) -> None:
    """Every value that is drawn for x is taken, stored, and read back equal."""
    codec: Any = ModelCodec(model)

    @QUICK
    @given(raw_values(model))
    def accepted(value: Any) -> None:
        instance = model(x=value)
        assert equal(codec.decode(codec.encode(instance)).x, instance.x)

    accepted()


def reach(strategy: SearchStrategy[Any], condition: Callable[[Any], bool]) -> None:
    """Fail unless a strategy draws a value with some property."""
    find(strategy, condition, settings=FIRST)


def drawn(strategy: SearchStrategy[Any], n: int = 200) -> list[Any]:
    """Draw many values."""
    values: list[Any] = []

    @settings(max_examples=n, database=None)
    @given(strategy)
    def draw(value: Any) -> None:
        values.append(value)

    draw()
    return values
