"""What tests of task networks are built of; needs the extra `testing`."""

import rushtyped.testing.requirement  # noqa: F401 - says what is missing, before that is imported
from rushtyped.testing.frames import frame_value
from rushtyped.testing.loop_runner import LoopRunner
from rushtyped.testing.machine import NetworkMachine
from rushtyped.testing.strategies import (
    conditions,
    extra_strategy,
    tasks,
    xs_strategy,
    ys_strategy,
)

__all__ = [
    "LoopRunner",
    "NetworkMachine",
    "conditions",
    "extra_strategy",
    "frame_value",
    "tasks",
    "xs_strategy",
    "ys_strategy",
]
