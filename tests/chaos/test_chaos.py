"""A short chaos run, with all kinds of faults."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.faults import kinds
from tests.chaos.violation import Law

ROOT = Path(__file__).parents[2]
TASKS = 3000


@pytest.mark.timeout(300)
def test_no_task_is_lost_doubled_or_in_two_states_whatever_breaks(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    run = subprocess.run(
        [
            *(sys.executable, "-m", "tests.chaos.run", "--tasks", str(TASKS), "--seed", "1"),
            *("--limit", "240", "--json", str(report), "--producers", "2", "--managers", "2"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    figures = json.loads(report.read_text())
    assert figures["tasks"] >= TASKS
    assert figures["budget_finished"] == figures["budget"] == TASKS // 10
    assert set(figures["faults"]) == {fault.value for fault in kinds(embedded=False)}
    assert {name for name, n in figures["faults"].items() if n == 0} == set()
    assert figures["violations"] == {f"broken: {law}": 0 for law in Law}
