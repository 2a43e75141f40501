"""Charts of nothing, of very much, and of odd names and values."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from rushtyped import TaskState, plots
from tests.plots.studies import Chart, StudyNetwork, column, many, n_marks, notes, rows

CHARTS: dict[str, Callable[[plots.Source], Chart]] = {
    "progress": lambda source: plots.progress(source, "loss"),
    "progress over time": lambda source: plots.progress(source, "loss", over="time"),
    "timeline": plots.timeline,
    "utilisation": plots.utilisation,
    "states": plots.states,
    "throughput": plots.throughput,
    "scatter": lambda source: plots.scatter(source, "depth", "loss", "warm"),
    "parallel_coordinates": lambda source: plots.parallel_coordinates(
        source, "loss", xs=["depth", "width", "warm"]
    ),
    "contour": lambda source: plots.contour(source, "depth", "width", "loss"),
    "importance": lambda source: plots.importance(source, "loss"),
}
NAMES = [
    *(
        "a.b",
        "a[0]",
        "it's",
        'say "so"',
        "x:Q",
        "^x$",
        "*",
        "end\\",
        'a\\"b',
        "two\nlines",
        "datum.x",
    ),
    *("toString", "constructor", "__proto__", "count()", "täg", "<b>"),
]
N = 12
VALUES: dict[str, list[object]] = {
    "bool": [n % 2 == 0 for n in range(N)],
    "datetime": [datetime(2026, 1, 1 + n, tzinfo=UTC) for n in range(N)],
    "date": [date(2026, 1, 1 + n) for n in range(N)],
    "time": [time(n) for n in range(N)],
    "duration": [timedelta(hours=n) for n in range(N)],
    "decimal": [Decimal(n) / 4 for n in range(N)],
    "large": [2**62 + n for n in range(N)],
    "larger": [1.7e308 * (-1) ** n for n in range(N)],
    "constant": [1.0] * N,
    "missing": [None] * N,
    "long": ["t" * 100_000 + str(n) for n in range(N)],
}


@pytest.mark.parametrize("name", CHARTS)
def test_an_empty_network_has_an_empty_chart(
    nothing: StudyNetwork, tmp_path: Path, name: str
) -> None:
    chart = CHARTS[name](nothing)
    chart.save(str(tmp_path / "chart.svg"))
    assert n_marks(chart) <= 8  # the axes of parallel coordinates


def test_a_network_that_was_reset_has_empty_charts(nothing: StudyNetwork) -> None:
    nothing.reset()
    assert column(plots.progress(nothing), "y", 0) == []


@pytest.mark.parametrize("name", CHARTS)
def test_one_task_makes_a_chart(study: StudyNetwork, name: str) -> None:
    one = study.fetch_tasks_with_state(
        states=["finished"], fields=["xs", "ys", "worker_id", "times"]
    )
    assert (n_marks(CHARTS[name](one.head(1))) > 0) == (name != "importance")


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_saved_as_a_picture(study: StudyNetwork, tmp_path: Path, name: str) -> None:
    path = tmp_path / "chart.png"
    CHARTS[name](study).save(str(path))
    assert path.read_bytes().startswith(b"\x89PNG\r\n")


@pytest.fixture(scope="module")
def large() -> pl.DataFrame:
    return many(50_000)


@pytest.mark.parametrize("name", CHARTS)
def test_many_tasks_make_a_small_chart(large: pl.DataFrame, name: str) -> None:
    assert 0 < n_marks(CHARTS[name](large)) <= plots.MOST_MARKS


def test_categories_are_bounded_too(large: pl.DataFrame) -> None:
    chart = plots.scatter(large.head(20_000), "label", "loss", "label")
    domain = chart.to_dict()["encoding"]["x"]["scale"]["domain"]
    assert len(domain) == 31
    assert domain[-1] == "(others)"
    assert n_marks(chart) <= plots.MOST_MARKS


def test_a_timeline_of_many_workers_shows_those_seen_last() -> None:
    chart = plots.timeline(many(20_000, 1000))
    assert n_marks(chart) <= plots.MOST_MARKS
    workers = {row["worker"] for row in rows(chart)}
    assert workers == {f"worker{n}" for n in range(800, 1000)}
    assert "the 200 workers seen last of 1,000" in notes(chart)


def test_joined_bars_stand_for_all_tasks() -> None:
    assert sum(column(plots.timeline(many(20_000)), "n")) == 20_000


def test_the_line_of_a_thinned_chart_ends_where_it_should(large: pl.DataFrame) -> None:
    assert rows(plots.progress(large, "loss"), 1)[-1] == {"x": 45_000, "best": -49_999.0}


@pytest.mark.parametrize("name", NAMES)
def test_any_name_of_a_column_can_be_drawn(tmp_path: Path, name: str) -> None:
    number = [float(n * 7 % N) for n in range(N)]
    frame = pl.DataFrame({name: number, "kind": [name, "b", "c"] * 4, "y": number[::-1]})
    chart = plots.scatter(frame, name, "kind", name)
    for each in (chart, plots.progress(frame, name)):
        each.save(str(tmp_path / "chart.svg"))
    assert column(chart, "x") == number


def test_all_these_names_can_be_drawn_at_once(tmp_path: Path) -> None:
    number = [float(n * 7 % N) for n in range(N)]
    frame = pl.DataFrame({**dict.fromkeys(NAMES, number), "y": number[::-1]})
    chart = plots.parallel_coordinates(frame, "y")
    for each in (
        chart,
        plots.importance(frame, "y"),
        plots.contour(frame, NAMES[0], NAMES[1], NAMES[3]),
    ):
        each.save(str(tmp_path / "chart.svg"))
    assert [row["text"] for row in rows(chart, 3)][:5] == [*NAMES[:5]]


@pytest.mark.parametrize("name", VALUES)
def test_any_single_value_can_be_drawn(tmp_path: Path, name: str) -> None:
    frame = pl.DataFrame({"value": VALUES[name], "y": [float(n) for n in range(N)]})
    chart = plots.scatter(frame, "value", "y", "value")
    chart.save(str(tmp_path / "chart.svg"))
    assert len(chart.to_json()) < 20_000
    assert n_marks(plots.parallel_coordinates(frame, "y", xs=["value"])) > 0
    surface = plots.contour(frame, "value", "y", "y")
    assert bool(n_marks(surface)) == (name not in ("missing", "larger"))


def test_importance_takes_any_single_value() -> None:
    frame = pl.DataFrame({**VALUES, "nested": [[1]] * N, "y": [float(n) for n in range(N)]})
    assert {*column(plots.importance(frame, "y"), "x", 0)} == {*VALUES}


def _luminance(colour: str) -> float:
    parts = [int(part, 16) / 255 for part in re.findall("[0-9a-f]{2}", colour)]
    red, green, blue = (((c + 0.055) / 1.055) ** 2.4 if c > 0.04 else c / 12.92 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("state", TaskState)
@pytest.mark.parametrize("ground", ["#ffffff", "#16181d"])
def test_states_stand_out_on_light_and_dark(state: TaskState, ground: str) -> None:
    low, high = sorted(map(_luminance, (plots.STATE_COLOURS[state], ground)))
    assert (high + 0.05) / (low + 0.05) >= 3.0
