"""The commands that look at a network."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from loguru import logger

from rushtyped import Network, Worker, Xs, Ys
from rushtyped.schema import DEFAULT_FIELDS
from tests.cli.conftest import HOSTILE, SHOWN, Run
from tests.cli.running import COMMAND, rushtyped
from tests.models import ParamNetwork, Params, Scores, points
from tests.servers.process import ServerProcess
from tests.waiting import wait_until


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def words_of(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def check_plain(text: str) -> None:
    assert all(char.isprintable() or char == "\n" for char in text)
    assert not re.search("[━─│╭]", text)


def test_networks_are_listed_with_their_tasks_by_state(
    study: ParamNetwork, redis_url: str, run: Run
) -> None:
    done = run("list", "--redis", redis_url, "--json")
    assert (done.code, done.err) == (0, "")
    (row,) = [row for row in objects(done.out) if row["network_id"] == study.network_id]
    assert row == {
        "network_id": study.network_id,
        "queued": 2,
        "running": 1,
        "finished": 3,
        "failed": 1,
        "running_workers": 1,
        "max_tasks": 10,
    }
    table = words_of(run("list", "--redis", redis_url).out)
    assert table[0] == list(row)
    assert [study.network_id, "2", "1", "3", "1", "1", "10"] in table


def test_a_network_that_cannot_be_read_is_named_and_the_others_listed(
    own_server: ServerProcess, run: Run
) -> None:
    for network_id in ("bad", "good"):
        Network[Params, Scores](network_id, redis=own_server.url)
    with own_server.client() as client:
        client.hset("rush:{bad}:meta", "schemas", "none")
    done = run("list", "--redis", own_server.url, "--json")
    assert [row["network_id"] for row in objects(done.out)] == ["good"]
    assert done.code == 1
    assert done.err.startswith("rushtyped: ")


def test_a_server_without_networks_says_so(own_server: ServerProcess, run: Run) -> None:
    done = run("list", "--redis", own_server.url)
    assert (done.code, done.out) == (0, "")
    assert done.err == f"rushtyped: no network on {own_server.url}\n"


def test_info_tells_progress_budget_workers_columns_and_times(
    study: ParamNetwork, redis_url: str, run: Run
) -> None:
    (facts,) = objects(run("info", study.network_id, "--redis", redis_url, "--json").out)
    assert (facts["queued"], facts["finished"], facts["max_tasks"]) == (2, 3, 10)
    assert (facts["running_workers"], facts["terminated_workers"]) == (1, 0)
    assert facts["columns"] == [
        {"name": "x1", "group": "xs", "dtype": "Float64", "required": True},
        {"name": "x2", "group": "xs", "dtype": "Float64", "required": True},
        {"name": "y", "group": "ys", "dtype": "Float64", "required": True},
    ]
    times = study.fetch_tasks(fields=["times"])
    assert facts["first_created_at"] == times["created_at"].min().isoformat()  # type: ignore[union-attr]
    assert facts["last_finished_at"] == times["finished_at"].max().isoformat()  # type: ignore[union-attr]
    shown = run("info", study.network_id, "--redis", redis_url).out
    assert ["max", "tasks", "10"] in words_of(shown)
    assert ["y", "ys", "Float64", "True"] in words_of(shown)


def test_info_of_an_empty_network_has_no_times(redis_url: str, network_id: str, run: Run) -> None:
    Network[Params, Scores](network_id, redis=redis_url)
    (facts,) = objects(run("info", network_id, "--redis", redis_url, "--json").out)
    assert facts["first_created_at"] is facts["last_finished_at"] is None


def test_a_table_of_tasks_shows_hostile_text_without_effect(
    study: ParamNetwork, redis_url: str
) -> None:
    done = rushtyped("tasks", study.network_id, "--redis", redis_url)
    assert (done.returncode, done.stderr) == (0, "")
    check_plain(done.stdout)
    assert f"ValueError: {SHOWN}" in done.stdout
    assert done.stdout.count(SHOWN) == 2
    assert len(done.stdout.splitlines()) == 8


def test_a_table_leaves_out_times_and_empty_columns_unless_they_are_named(
    study: ParamNetwork, redis_url: str, run: Run
) -> None:
    arguments = ("tasks", study.network_id, "--redis", redis_url, "--state", "queued")
    assert words_of(run(*arguments).out)[0] == ["key", "state", "x1", "x2"]
    named = run(*arguments, "--columns", "x1,y", "--columns", "attempt").out
    assert words_of(named) == [["x1", "y", "attempt"], ["0", "-", "1"], ["1", "-", "1"]]


def test_tasks_are_chosen_by_state(study: ParamNetwork, redis_url: str, run: Run) -> None:
    arguments = ("tasks", study.network_id, "--redis", redis_url, "--format", "json")
    assert len(objects(run(*arguments).out)) == 7
    chosen = objects(run(*arguments, "--state", "failed", "--state", "running").out)
    assert sorted(row["state"] for row in chosen) == ["failed", "running"]


@pytest.mark.parametrize(
    ("sort", "expected"), [("y", [1.0, 2.0, "NaN"]), ("-y", [2.0, 1.0, "NaN"])]
)
def test_tasks_are_sorted_with_nan_last(
    study: ParamNetwork, redis_url: str, run: Run, sort: str, expected: list[object]
) -> None:
    arguments = ("tasks", study.network_id, "--redis", redis_url, "--format", "json")
    rows = objects(run(*arguments, "--state", "finished", "--sort", sort, "--columns", "y").out)
    assert [row["y"] for row in rows] == expected


def test_a_limit_cuts_after_sorting_and_a_table_says_what_it_leaves_out(
    redis_url: str, network_id: str, run: Run
) -> None:
    Network[Params, Scores](network_id, redis=redis_url).push_tasks(points(60))
    arguments = ("tasks", network_id, "--redis", redis_url, "--columns", "x1")
    assert run(*arguments, "--sort", "-x1", "--limit", "2").out.split() == ["x1", "59", "58"]
    done = run(*arguments)
    assert len(done.out.splitlines()) == 51
    assert done.err == "rushtyped: 50 of 60 tasks are shown: --limit 0 shows all\n"
    assert len(run(*arguments, "--limit", "0").out.splitlines()) == 61


@pytest.mark.parametrize("option", ["--columns", "--sort"])
def test_a_column_that_is_not_there_is_named(
    study: ParamNetwork, redis_url: str, run: Run, option: str
) -> None:
    done = run("tasks", study.network_id, "--redis", redis_url, option, "states")
    assert done.code == 2
    assert "there is no column 'states', did you mean state? There are key, state" in done.err


class Odd(Xs):
    items: list[int]
    part: dict[str, float]
    raw: bytes


class Even(Ys):
    y: float


@pytest.fixture
def odd(redis_url: str, network_id: str) -> Network[Odd, Even]:
    """One task with nested values."""
    network = Network[Odd, Even](network_id, redis=redis_url)
    network.push_tasks([Odd(items=[1, 2], part={"a": 0.5}, raw=b"\xff")])
    return network


def test_nested_values_are_json_in_csv_and_cells(
    odd: Network[Odd, Even], redis_url: str, run: Run
) -> None:
    arguments = ("tasks", odd.network_id, "--redis", redis_url, "--columns", "items,part,raw")
    part = '[{"key": "a", "value": 0.5}]'
    csv = pl.read_csv(io.StringIO(run(*arguments, "--format", "csv").out))
    assert csv.rows() == [("[1, 2]", part, "/w==")]
    assert f"[1, 2]  {part}" in run(*arguments).out
    (row,) = objects(run(*arguments, "--format", "json").out)
    assert row == {"items": [1, 2], "part": [{"key": "a", "value": 0.5}], "raw": "/w=="}
    assert run(*arguments, "--sort", "items").code == 2


def test_parquet_has_the_frame_in_a_file_and_in_a_pipe(
    study: ParamNetwork, redis_url: str, run: Run, tmp_path: Path
) -> None:
    arguments = ("tasks", study.network_id, "--redis", redis_url, "--format", "parquet")
    path = tmp_path / "tasks.parquet"
    done = run(*arguments, "--output", str(path))
    assert (done.code, done.out, done.err) == (0, "", "")
    piped = subprocess.run([*COMMAND, *arguments], capture_output=True, timeout=60, check=True)
    written = pl.read_parquet(path)
    expected = study.fetch_tasks_with_state(fields=[*DEFAULT_FIELDS, "times"])
    assert written.equals(expected)
    assert pl.read_parquet(io.BytesIO(piped.stdout)).equals(written)
    assert HOSTILE in written["note"].to_list()


def test_a_file_that_cannot_be_written_is_named(
    study: ParamNetwork, redis_url: str, run: Run, tmp_path: Path
) -> None:
    arguments = ("tasks", study.network_id, "--redis", redis_url, "--format", "csv")
    done = run(*arguments, "--output", str(tmp_path / "no" / "file"))
    assert done.code == 1
    assert done.err.startswith("rushtyped: --output must be a file that can be written but")


def test_workers_are_listed(study: ParamNetwork, redis_url: str, run: Run) -> None:
    (row,) = objects(run("workers", study.network_id, "--redis", redis_url, "--json").out)
    assert (row["worker_id"], row["state"], row["ended_at"]) == ("w1", "running", None)
    names, cells = words_of(run("workers", study.network_id, "--redis", redis_url).out)
    assert names[:3] == ["worker_id", "state", "heartbeat"]
    assert cells[:2] == ["w1", "running"]


def test_a_network_without_workers_says_so(redis_url: str, network_id: str, run: Run) -> None:
    Network[Params, Scores](network_id, redis=redis_url)
    done = run("workers", network_id, "--redis", redis_url)
    assert (done.code, done.out) == (0, "")
    assert "no worker has registered" in done.err


def warn(worker: Worker[Params, Scores]) -> None:
    """Log, with hostile text and a traceback."""
    logger.info("ready")
    logger.warning("{}", HOSTILE)
    while not worker.terminated:
        task = worker.pop_task(timeout=0.2)
        if task is not None:
            task.finish(Scores(y=0.0))
            logger.error("done")


@pytest.fixture
def talking(redis_url: str, network_id: str) -> Any:
    """A network with a worker that logs at its start, and an error for each task."""
    with Network[Params, Scores](network_id, redis=redis_url) as network:
        network.start_local_workers(warn, n_workers=1, log_levels={"": "INFO"})
        wait_until(lambda: network.read_log().height >= 2, description="two records")
        yield network


def test_logs_are_printed_filtered_and_followed(
    talking: ParamNetwork, redis_url: str, run: Run
) -> None:
    arguments = ("logs", talking.network_id, "--redis", redis_url)
    out = run(*arguments).out
    check_plain(out)
    first, second, rest = out.splitlines()
    assert re.fullmatch(r"\d{4}-.*Z INFO +\w+ tests\.cli\.test_looking \| ready", first)
    assert second.endswith(r"[red]fine[/red]\x1b[31m\x9b2J\u202e\r")
    assert rest == "    | next"
    (record,) = objects(run(*arguments, "--level", "warning", "--json").out)
    assert (record["level"], record["message"]) == ("WARNING", HOSTILE)
    assert run(*arguments, "--worker", "nobody").out == ""

    follower = subprocess.Popen(
        [*COMMAND, *arguments, "--follow", "--level", "ERROR", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert follower.stdout is not None
    talking.push_tasks(points(1))
    assert json.loads(follower.stdout.readline())["message"] == "done"
    follower.send_signal(signal.SIGINT)
    out, err = follower.communicate(timeout=30)
    assert (follower.returncode, out, err) == (130, "", "")


def test_watch_prints_lines_where_there_is_no_terminal(redis_url: str, network_id: str) -> None:
    with Network[Params, Scores](network_id, redis=redis_url, max_tasks=3) as network:
        network.push_finished_tasks(points(3), [Scores(y=0.0)] * 3)
    done = rushtyped("watch", network_id, "--redis", redis_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(
        rf"{network_id}: 3/3 finished, 0 running, 0 queued, 0 failed, 0 workers, \d+ s\n",
        done.stdout,
    )


def test_the_schema_of_a_network_is_shown(study: ParamNetwork, redis_url: str, run: Run) -> None:
    arguments = ("schema", "show", study.network_id, "--redis", redis_url)
    assert objects(run(*arguments, "--json").out) == [study.schemas]
    assert ["x1", "xs", "Float64", "True"] in words_of(run(*arguments).out)


class Params2(Xs):
    x1: int
    x3: float = 0.0


def test_schemas_that_differ_are_told_field_by_field(
    study: ParamNetwork, redis_url: str, network_id: str, run: Run, tmp_path: Path
) -> None:
    Network[Params2, Scores](network_id, redis=redis_url)
    arguments = ("schema", "diff", study.network_id, network_id, "--redis", redis_url)
    done = run(*arguments)
    lines = done.out.splitlines()
    assert (done.code, done.err) == (3, "")
    assert 'xs.x1: column "Float64" | "Int64"' in lines
    assert 'xs.x2: column "Float64" | -' in lines
    assert 'xs.x3: column - | "Float64"' in lines
    assert all(line.startswith("xs") for line in lines)
    found = objects(run(*arguments, "--json").out)
    assert {"place": "xs.x2", "word": "column", "left": "Float64", "right": None} in found

    file = tmp_path / "schema.json"
    shown = run("schema", "show", network_id, "--redis", redis_url, "--json").out
    file.write_text(shown)
    assert run(*arguments[:3], str(file), *arguments[4:]).out.splitlines() == lines
    same = run("schema", "diff", network_id, str(file), "--redis", redis_url)
    assert (same.code, same.out) == (0, "")
    assert "have the same schemas" in same.err
    file.write_text("{}")
    damaged = run("schema", "diff", network_id, str(file), "--redis", redis_url)
    assert damaged.code == 1
    assert "is no file that `rushtyped schema show --json` has written" in damaged.err
