"""A failing history is printed as code that runs, whatever values it has."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis.stateful import run_state_machine_as_test
from pydantic import Field

from rushtyped import AnyExtra, Xs
from rushtyped.testing.machine.agreement import same
from rushtyped.testing.machine.history import code_of, imports_of
from tests.annotations import CASE_NAMES, CASES, Case, Colour
from tests.models import Params, Start
from tests.testing.forgetful import ForgetfulMachine


def history_of(failure: BaseException) -> str:
    """Take the code out of what Hypothesis adds to an error."""
    lines = "\n".join(failure.__notes__).splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith(("from ", "import ")))
    return "\n".join(lines[first : lines.index("state.teardown()") + 1])


def without_keys(complaint: str) -> str:
    """Leave out what is random, and may be cut off where it is too long to be shown."""
    return re.sub(r"'[0-9a-f]{0,24}(?:'|(?=\.\.\.))", "key", complaint)


def test_a_printed_history_runs_and_fails_alike(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUSHTYPED_REDIS_URL", redis_url)
    plain = settings(ForgetfulMachine.TestCase.settings, phases=[Phase.generate], database=None)
    with pytest.raises(AssertionError) as failure:
        run_state_machine_as_test(ForgetfulMachine, settings=plain)
    code = history_of(failure.value)
    for part in ("import datetime", "import numpy", "import decimal", "Layer(", "numpy.array("):
        assert part in code
    replayed = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    assert replayed.returncode == 1
    printed = replayed.stderr.splitlines()[-1]
    assert without_keys(printed) == without_keys(f"AssertionError: {failure.value}")


@pytest.mark.parametrize("case", CASES, ids=CASE_NAMES)
def test_every_value_is_printed_as_code_that_makes_it(case: Case) -> None:
    @settings(max_examples=30)
    @given(case.values)
    def check(value: Any) -> None:
        namespace: dict[str, Any] = {}
        exec("\n".join(imports_of([value])), namespace)
        made = eval(code_of(value), namespace)
        assert same(made, value)
        assert isinstance(made, type(value))

    check()


class Aliased(Xs):
    x: float = Field(alias="the x")
    rest: Start | None = None


ALIASED = "Aliased.model_validate({'x': 1.0, 'rest': Start(batch=2)}, by_name=True, by_alias=False)"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (Params(x1=float("nan"), x2=float("-inf")), "Params(x1=float('nan'), x2=float('-inf'))"),
        (
            Aliased.model_validate({"the x": 1.0, "rest": Start(batch=2)}),
            ALIASED,
        ),
        (AnyExtra(a=(1,), b=set[int]()), "AnyExtra(a=(1,), b=set([]))"),
        (AnyExtra.model_validate({"a b": [Colour.RED]}), "AnyExtra(**{'a b': [Colour.RED]})"),
    ],
)
def test_models_are_printed_as_calls(value: Any, code: str) -> None:
    assert code_of(value) == code
    assert same(eval(code), value)


def test_classes_of_functions_and_of_the_main_module_are_not_imported() -> None:
    class Local(Xs):
        x: float

    assert imports_of([Local(x=1.0), Params(x1=0.0, x2=0.0)]) == ["from tests.models import Params"]
