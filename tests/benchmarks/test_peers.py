"""Peers that rushtyped is measured beside, whoever of them is here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from tests.benchmarks.peers.celery import CeleryQueue
from tests.benchmarks.peers.crew import run_together
from tests.benchmarks.peers.optuna import OptunaStudy, trials_per_second
from tests.benchmarks.peers.presence import absence, absences
from tests.benchmarks.peers.queue import SharedQueue, TaskQueue, seconds_between
from tests.benchmarks.peers.rq import RqQueue
from tests.benchmarks.peers.saq import SaqQueue
from tests.benchmarks.scene import QUICK, Scene, server

N = 40


class Present:
    name: ClassVar[str] = "Present"
    module: ClassVar[str] = "json"


class Absent:
    name: ClassVar[str] = "Absent"
    module: ClassVar[str] = "no_such_queue"


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with server(QUICK) as scene:
        yield scene


def test_absence_is_nothing_for_a_module_that_is_here() -> None:
    assert not absence("json")


def test_absence_names_a_missing_module() -> None:
    assert absence("no_such_queue") == "no_such_queue is not installed"


def test_absence_tells_the_error_of_a_broken_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_queue.py").write_text("raise ValueError('half of a queue')")
    monkeypatch.syspath_prepend(tmp_path)
    expected = "broken_queue cannot be imported: ValueError('half of a queue')"
    assert absence("broken_queue") == expected


def test_absence_tells_what_a_module_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "poor_queue.py").write_text("import no_such_driver")
    monkeypatch.syspath_prepend(tmp_path)
    assert absence("poor_queue").startswith("poor_queue cannot be imported")
    assert "no_such_driver" in absence("poor_queue")


def test_absences_are_by_the_names_of_peers() -> None:
    assert absences(Present, Absent) == {"Absent": "no_such_queue is not installed"}


def process_id() -> Callable[[], int]:
    return os.getpid


def nothing() -> Callable[[], int]:
    raise SystemExit(3)


def test_each_of_a_crew_is_a_process_of_its_own() -> None:
    ids = run_together(2, process_id)
    assert len({os.getpid(), *ids}) == 3


def test_a_crew_fails_with_a_process_of_it() -> None:
    with pytest.raises(RuntimeError, match="failed"):
        run_together(2, nothing)


def test_seconds_leave_out_what_came_before_each_workers_first_task() -> None:
    assert seconds_between([[10.0, 11.0, 12.0]], 3) == 3.0
    assert seconds_between([[10.0, 11.0], [10.0, 11.0]], 4) == 2.0


def test_seconds_ask_for_all_tasks() -> None:
    with pytest.raises(ValueError, match="3 tasks were queued but 2 were worked off"):
        seconds_between([[10.0, 11.0]], 3)


@pytest.mark.parametrize("kind", [RqQueue, SaqQueue, CeleryQueue])
def test_a_worker_of_a_queue_works_off_what_is_queued(kind: type[TaskQueue], scene: Scene) -> None:
    skip_without(absence(kind.module))
    queue = kind(scene.url)
    queue.enqueue(N)
    assert queue.work_off(N) > 0.0


@pytest.mark.parametrize("kind", [RqQueue, SaqQueue])
def test_workers_of_a_queue_share_what_is_queued(kind: type[SharedQueue], scene: Scene) -> None:
    skip_without(absence(kind.module))
    queue = kind(scene.url, "shared")
    queue.enqueue(N)
    assert queue.work_off_with(2, N) > 0.0


def test_a_study_of_optuna_keeps_what_is_told_and_added(scene: Scene) -> None:
    skip_without(absence(OptunaStudy.module))
    with OptunaStudy(scene.url, "told") as study:
        study.ask()
        study.tell()
        study.add_finished(2)
        assert len(study.get_trials()) == 3


def test_processes_share_a_study_of_optuna(scene: Scene) -> None:
    skip_without(absence(OptunaStudy.module))
    assert trials_per_second(scene.url, "shared", 2, 0.2) > 0.0


def skip_without(reason: str) -> None:
    if reason:
        pytest.skip(reason)
