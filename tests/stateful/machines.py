"""The machines that the tests of transitions run, each over another kind of network."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import numpy as np
from hypothesis.stateful import invariant
from numpy.typing import NDArray
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from rushtyped import Extra, Xs, Ys
from rushtyped.testing.machine import NetworkMachine
from tests.models import Params, Scores, Start, Timing


class Solver(StrEnum):
    EXACT = "exact"
    GREEDY = "greedy"


class Shape(Enum):
    ROUND = "round"
    SQUARE = "square"


class Layer(BaseModel):
    model_config = ConfigDict(frozen=True)

    width: Annotated[int, Field(ge=1, le=4096)]
    shape: Shape | None = None
    dropped: float = 0.0


class Design(Xs):
    solver: Solver
    layers: list[Layer]
    first: Layer | None
    bounds: tuple[float, float]
    start: datetime
    deadline: AwareDatetime | None
    patience: timedelta
    tags: set[str]
    limits: dict[str, float | None]
    budget: Annotated[Decimal, Field(max_digits=6, decimal_places=2)]
    mode: Literal["min", "max"] = "min"


class Outcome(Ys):
    loss: float
    steps: int | None
    stopped: bool
    worst: Layer
    curve: NDArray[np.float64]
    day: date


class Origin(Extra):
    parent: UUID | None
    source: Path
    notes: bytes


class Cost(Extra):
    seconds: Annotated[float, Field(ge=0)]
    parts: list[tuple[int, int]]


class Counted:
    """Counts the steps that machines of a test take."""

    n_steps: ClassVar[int] = 0

    @invariant()
    def count_step(self) -> None:
        Counted.n_steps += 1


class ParamMachine(Counted, NetworkMachine[Params, Scores, Start, Timing]):
    """Plain numbers, and extras of one field."""


class FreeMachine(Counted, NetworkMachine[Params, Scores]):
    """Plain numbers, and extras of any names and values."""


class RichMachine(Counted, NetworkMachine[Design, Outcome, Origin, Cost]):
    """A field of every kind."""


MACHINES: list[type[NetworkMachine[Any, Any, Any, Any]]] = [ParamMachine, FreeMachine, RichMachine]
