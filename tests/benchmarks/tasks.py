"""The tasks that are measured: ten or a hundred floats in, one out."""

from __future__ import annotations

from typing import Any

from pydantic import create_model

from rushtyped import Network, Worker, Xs, Ys


class Ten(Xs):
    """Ten floats."""

    x0: float
    x1: float
    x2: float
    x3: float
    x4: float
    x5: float
    x6: float
    x7: float
    x8: float
    x9: float


class Value(Ys):
    """One float."""

    y: float


Hundred: type[Xs] = create_model(
    "Hundred",
    __base__=Xs,
    __module__=__name__,
    **{f"x{i}": (float, ...) for i in range(100)},  # type: ignore[call-overload]
)

TenNetwork = Network[Ten, Value]
TenWorker = Worker[Ten, Value]
HundredNetwork: Any = Network[Hundred, Value]  # type: ignore[valid-type]
HundredWorker: Any = Worker[Hundred, Value]  # type: ignore[valid-type]

TEN = Ten(**{f"x{i}": i + 0.5 for i in range(10)})
HUNDRED = Hundred(**{f"x{i}": i + 0.5 for i in range(100)})
VALUE = Value(y=1.5)
