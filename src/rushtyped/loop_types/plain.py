"""Worker loops for pyright, which looks into a partial, and for whoever reads annotations."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from rushtyped.task import XE, YE, X, Y
from rushtyped.worker import Worker

WorkerLoop: TypeAlias = Callable[[Worker[X, Y, XE, YE]], object]
