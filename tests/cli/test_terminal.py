"""What commands show in a real terminal."""

from __future__ import annotations

import re

import pytest

from rushtyped import Network
from tests.cli.running import Terminal
from tests.models import ParamNetwork, Params, Scores, points, serve


def test_watch_follows_a_worker_and_ends_by_itself(redis_url: str, network_id: str) -> None:
    with (
        Network[Params, Scores](network_id, redis=redis_url, max_tasks=6) as network,
        Terminal("watch", network_id, "--redis", redis_url, "--sort", "-y") as terminal,
    ):
        terminal.wait_until(lambda text: "0/6 finished" in text, description="nothing is done")
        network.start_local_workers(serve, n_workers=1)
        terminal.wait_until(lambda text: "1 workers" in text, description="the worker")
        network.push_tasks(points(4))
        terminal.wait_until(lambda text: "4/6 finished" in text, description="four are finished")
        network.push_failed_tasks(points(1), conditions=["[red]no\x1b[2J"])
        terminal.wait_until(
            lambda text: r"TaskFailed: [red]no\x1b[2J" in text, description="the error"
        )
        network.push_tasks(points(2))
        assert terminal.wait() == 0
        text = terminal.text
    assert f"{network_id}  the budget is spent" in text
    assert "0 queued  0 running  6/6 finished  1 failed" in text
    best = [line.split()[1] for line in text.splitlines() if re.match("[0-9a-f]{24} ", line)]
    assert best == ["3", "2", "1", "1", "0"]


@pytest.mark.parametrize("ending", ["q", "Ctrl-C"])
def test_watch_is_left_by_a_key(study: ParamNetwork, redis_url: str, ending: str) -> None:
    with Terminal("watch", study.network_id, "--redis", redis_url) as terminal:
        terminal.wait_until(lambda text: "3/10 finished" in text, description="the states")
        if ending == "q":
            terminal.press("q")
        else:
            terminal.interrupt()
        assert terminal.wait() == (0 if ending == "q" else 130)
        assert "Traceback" not in terminal.text


def test_a_table_has_boxes_and_hostile_text_takes_no_effect(
    study: ParamNetwork, redis_url: str
) -> None:
    arguments = ("tasks", study.network_id, "--redis", redis_url, "--columns", "state,note")
    with Terminal(*arguments) as terminal:
        assert terminal.wait() == 0
        assert "────" in terminal.text
        assert r"failed     [red]fine[/red]\x1b[31m\x9b2J" in terminal.text
        assert b"\x1b[31m" not in terminal.raw


def test_columns_that_have_no_room_are_named(study: ParamNetwork, redis_url: str) -> None:
    times = "key,worker_id,created_at,started_at,finished_at,condition,note"
    with Terminal("tasks", study.network_id, "--redis", redis_url, "--columns", times) as terminal:
        assert terminal.wait() == 0
        assert "no room for condition, note" in terminal.text


def test_no_color_means_neither_colours_nor_boxes(study: ParamNetwork, redis_url: str) -> None:
    for words in (["tasks", study.network_id, "--redis", redis_url], ["info", "--help"]):
        with Terminal(*words, NO_COLOR="1") as terminal:
            assert terminal.wait() == 0
            assert b"\x1b" not in terminal.raw
            assert not re.search("[─│╭]", terminal.text)


def test_the_help_has_boxes_in_a_terminal() -> None:
    with Terminal("tasks", "--help") as terminal:
        assert terminal.wait() == 0
        assert "╭─ Options ─" in terminal.text
        assert "rushtyped tasks branin --state finished --sort y --limit 5" in terminal.text


def test_parquet_is_not_written_to_a_terminal(study: ParamNetwork, redis_url: str) -> None:
    arguments = ("tasks", study.network_id, "--redis", redis_url, "--format", "parquet")
    with Terminal(*arguments) as terminal:
        assert terminal.wait() == 2
        assert "parquet is no text" in terminal.text


def test_csv_takes_no_effect_in_a_terminal(study: ParamNetwork, redis_url: str) -> None:
    arguments = ("tasks", study.network_id, "--redis", redis_url, "--format", "csv")
    with Terminal(*arguments) as terminal:
        assert terminal.wait() == 0
        assert r"[red]fine[/red]\x1b[31m" in terminal.text
        assert b"\x1b" not in terminal.raw
