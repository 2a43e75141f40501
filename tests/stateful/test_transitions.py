"""Any history of transitions leaves a network as a plain model of it says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from loguru import logger

from tests.stateful.machine import NetworkMachine


@pytest.fixture(autouse=True)
def machine_on_server(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run the machine on the session's server; it loses many tasks, so the log is off."""
    monkeypatch.setattr(NetworkMachine, "url", redis_url)
    logger.disable("rushtyped")
    yield
    logger.enable("rushtyped")


# Without "explain", which traces every line and so takes half of the time.
SETTINGS = settings(
    phases=[Phase.reuse, Phase.generate, Phase.shrink], report_multiple_bugs=False, deadline=None
)


@pytest.mark.timeout(600)  # a failing history takes minutes to shrink
def test_every_history_of_transitions_agrees_with_the_model() -> None:
    run_state_machine_as_test(
        NetworkMachine, settings=settings(SETTINGS, max_examples=150, stateful_step_count=40)
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_long_histories_of_transitions_agree_with_the_model() -> None:
    run_state_machine_as_test(
        NetworkMachine, settings=settings(SETTINGS, max_examples=400, stateful_step_count=80)
    )
