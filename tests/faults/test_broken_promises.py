"""A library that breaks a promise on purpose is noticed, by a test that is named here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.stateful.test_broken_scripts import FAULTS

ROOT = Path(__file__).parents[2]
LOST = "tests/faults/test_lost_replies.py::test_a_call_has_the_effect_of_once"


class Break(NamedTuple):
    """A text of the package, what stands there instead, and the test that notices."""

    path: str
    right: str
    wrong: str
    test: str


def by_script(fault: str, test: str) -> Break:
    """Take a fault that the state machine finds, too."""
    found = FAULTS[fault]
    return Break(f"lua/{found.path}", found.right, found.wrong, test)


BREAKS = {
    "owner: anybody finishes a task": Break(
        "lua/finish_tasks.lua",
        "owned[2] == worker_id and state == 'running'",
        "state == 'running'",
        "tests/store/test_finish_tasks.py::test_a_task_of_another_worker_is_left_alone",
    ),
    "owner: anybody fails a task": by_script(
        "a worker fails the tasks of others",
        "tests/store/test_fail_tasks.py::test_a_worker_cannot_fail_what_is_not_its_own",
    ),
    "repeatable: a push makes its tasks twice": Break(
        "lua/push_tasks.lua",
        "if redis.call('EXISTS', task) == 0 then",
        "if true then",
        f"{LOST}[Tasks.push_tasks]",
    ),
    "repeatable: a failure is not known again": by_script(
        "a repeated failure is refused", f"{LOST}[Worker.fail_tasks]"
    ),
    "repeatable: a retry is not known again": Break(
        "lua/retry_tasks.lua", "task[2] == token", "false", f"{LOST}[Tasks.retry_tasks]"
    ),
    "repeatable: a pop takes two tasks": by_script(
        "a repeated pop takes another task", f"{LOST}[Worker.pop_task]"
    ),
    "repeatable: a request is not sent again": Break(
        "channel.py",
        "while _is_passing(error) and time.monotonic() + pause < deadline:",
        "while False:",
        f"{LOST}[NetworkView.n_tasks]",
    ),
    "epoch: a reader keeps tasks of before a reset": Break(
        "reader.py",
        'self._epoch not in (b"", page.epoch)',
        "False",
        "tests/network/test_cache.py::test_the_reset_of_another_drops_the_cache",
    ),
    "epoch: a repeated reset drops what came after it": Break(
        "lua/reset.lua",
        "if redis.call('HGET', meta, 'epoch') == epoch then return 1 end",
        "",
        f"{LOST}[Network.reset, workers stay]",
    ),
    "signature: a forged loop is run": Break(
        "loops/sign.py",
        "return hmac.compare_digest(signed[:SIGNATURE_BYTES], expected)",
        "return True or expected",
        "tests/unit/test_loops.py::test_a_loop_without_the_right_signature_is_refused_unread",
    ),
    "lease: a worker without one is not found": Break(
        "lua/find_lost_workers.lua",
        "if redis.call('EXISTS', worker .. ':heartbeat') == 0 then",
        "if false then",
        "tests/store/test_find_lost_workers.py::test_all_that_have_none_are_found",
    ),
    "lease: a worker that has one is settled": Break(
        "lua/settle_worker.lua",
        "if only_expired and redis.call('EXISTS', heartbeat) == 1 then return 0 end",
        "",
        "tests/store/test_settle_worker.py"
        "::test_nothing_happens_while_the_lease_lasts_where_only_an_expired_one_counts",
    ),
    "budget: more tasks start than are left": by_script(
        "tasks start beyond the budget",
        "tests/store/test_push_running_tasks.py"
        "::test_slots_that_others_hold_are_waited_for_from_the_newest_event",
    ),
}
QUICK = (
    "owner: anybody finishes a task",
    "repeatable: a push makes its tasks twice",
    "repeatable: a pop takes two tasks",
    "epoch: a reader keeps tasks of before a reset",
    "signature: a forged loop is run",
    "lease: a worker that has one is settled",
)
"""One or two of each promise; the others are for slow runs."""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package that may be broken."""
    copy = tmp_path / "rushtyped"
    shutil.copytree(ROOT / "src" / "rushtyped", copy)  # with its compiled modules, to be quick
    return copy


def run_tests(package: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """Run tests of this project with a copy of the package."""
    options = ("-q", "-rf", "--tb=no", "-p", "no:cacheprovider", "-p", "no:randomly")
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(package.parent), "COLUMNS": "300"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def failed_tests(output: str) -> set[str]:
    """Name the tests that failed, without their parameters too."""
    lines = [line.removeprefix("FAILED ") for line in output.splitlines() if "FAILED " in line]
    names = {line.partition(" - ")[0] for line in lines}
    return names | {name.partition("[")[0] for name in names}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in BREAKS],
)
def test_a_broken_promise_is_noticed(package: Path, name: str) -> None:
    path, right, wrong, test = BREAKS[name]
    source = package / path
    text = source.read_text()
    assert text.count(right) == 1, f"{path} has {text.count(right)} times {right!r}"
    source.write_text(text.replace(right, wrong))
    done = run_tests(package, test)
    assert done.returncode == 1, done.stdout + done.stderr
    assert test in failed_tests(done.stdout), done.stdout


def test_the_tests_that_notice_pass_where_nothing_is_broken(package: Path) -> None:
    done = run_tests(package, *{each.test: None for each in BREAKS.values()})
    assert done.returncode == 0, done.stdout + done.stderr
