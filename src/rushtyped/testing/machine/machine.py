"""The state machine that users subclass with their models."""

from __future__ import annotations

from typing import Any, Generic

from hypothesis import HealthCheck, Phase, settings

from rushtyped.task import XE, YE, X, Y
from rushtyped.testing.machine.rules.interfering import InterferingMachine

_PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
"""All but "explain", which traces every line and so takes half of the time."""

_SUPPRESSED = (
    HealthCheck.too_slow,
    HealthCheck.filter_too_much,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
)
"""What says nothing of a history: a server takes its time."""


class NetworkMachine(InterferingMachine[X, Y, XE, YE], Generic[X, Y, XE, YE]):
    """Test any history of task transitions against a plain model of the network.

    Subclass it with the models of the network, and run its `TestCase`. Two workers and a manager
    push, pop, finish, fail, retry, get lost, come back late, are stopped and reset in any order;
    every request is sent twice. After each step all that Redis holds, and all that frames and
    records show, has to be what `model` says.

    Rules of a subclass call `network` and `workers` ("first", "second", and "late" for the last
    one that was replaced), take values from `next_xss` and `next_yss`, and tell `model` what their
    calls have done. `redis` is the server, as `Network(redis=...)` takes it. A failing history is
    printed as code that can be run.

    Raises InvalidTypeError for a class without models.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        parent = next(base for base in cls.__mro__[1:] if issubclass(base, NetworkMachine))
        inherits = parent is not NetworkMachine
        cls.TestCase.settings = parent.TestCase.settings if inherits else _default_settings()


def _default_settings() -> settings:
    """Make settings for a run of half a minute, whatever profile is loaded."""
    return settings(
        max_examples=150,
        stateful_step_count=40,
        deadline=None,
        phases=_PHASES,
        report_multiple_bugs=False,
        suppress_health_check=_SUPPRESSED,
    )
