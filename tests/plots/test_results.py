"""Charts of what was found: best so far, points, lines, surfaces."""

from __future__ import annotations

import polars as pl
import pytest

from rushtyped import InvalidArgumentError, InvalidTypeError, Network, Worker, plots
from tests.plots.studies import Result, Setting, StudyNetwork, column, notes, rows, setting

FINITE = [4.0, 3.0, 5.0, 1.0, 2.0, 6.0, 0.5, 7.0]


def test_progress_draws_the_first_numeric_y_in_the_order_of_finishing(study: StudyNetwork) -> None:
    chart = plots.progress(study)
    assert column(chart, "y", 0) == FINITE
    assert column(chart, "x", 0) == [1, 3, 5, 7, 9, 10, 11, 12]
    assert chart.to_dict()["title"]["text"] == "Best loss so far"


def test_the_line_holds_the_improvements_and_the_last_point(study: StudyNetwork) -> None:
    steps = [(row["x"], row["best"]) for row in rows(plots.progress(study), 1)]
    assert steps == [(1, 4.0), (3, 3.0), (7, 1.0), (11, 0.5), (12, 0.5)]
    steps = [(row["x"], row["best"]) for row in rows(plots.progress(study, maximise=True), 1)]
    assert steps == [(1, 4.0), (5, 5.0), (10, 6.0), (12, 7.0), (12, 7.0)]


def test_results_that_are_not_finite_are_left_out_and_counted(study: StudyNetwork) -> None:
    assert notes(plots.progress(study)) == ["4 of 12 tasks without a finite loss left out"]
    assert notes(plots.scatter(study, "depth", "width")) == []


def test_progress_over_time_is_in_utc(study: StudyNetwork) -> None:
    chart = plots.progress(study, over="time")
    finished = study.fetch_finished_tasks(fields=["times"])["finished_at"]
    assert column(chart, "x", 0)[0] == pytest.approx(finished[0].timestamp() * 1000, abs=0.01)
    x = chart.to_dict()["layer"][0]["encoding"]["x"]
    assert (x["title"], x["scale"]["type"]) == ("time (UTC)", "utc")


def test_a_scatter_has_a_point_for_each_finished_task(study: StudyNetwork) -> None:
    chart = plots.scatter(study, "kernel", "depth", "warm")
    assert column(chart, "y") == [float(n) for n in range(12)]
    assert column(chart, "x")[:4] == ["radial", "linear", "linear", "radial"]
    assert column(chart, "colour")[:2] == ["true", "false"]
    x = chart.to_dict()["encoding"]["x"]
    assert (x["type"], x["scale"]["domain"]) == ("nominal", ["radial", "linear"])


def test_a_scatter_by_state_shows_the_tasks_of_all_states(study: StudyNetwork) -> None:
    chart = plots.scatter(study, "depth", "width", "state")
    states = column(chart, "colour")
    counts = {state: states.count(state) for state in states}
    assert counts == {"queued": 2, "running": 1, "finished": 12, "failed": 3}
    assert chart.to_dict()["encoding"]["color"]["scale"]["range"] == [*plots.STATE_COLOURS.values()]


def test_parallel_coordinates_scale_each_column_to_its_range(study: StudyNetwork) -> None:
    chart = plots.parallel_coordinates(study)
    titles = [row["text"] for row in rows(chart, 3)]
    assert titles == ["depth", "width", "kernel", "warm", "loss"]
    first = [row["place"] for row in rows(chart, 1) if row["task"] == 0]
    assert first == pytest.approx([0.0, 0.0, 0.0, 1.0, 3.5 / 6.5])
    labels = [row["text"] for row in rows(chart, 2) if row["axis"] in (2, 4)]
    assert labels == ["radial", "linear", "0.5", "7"]


def test_parallel_coordinates_take_the_xs_that_are_named(study: StudyNetwork) -> None:
    chart = plots.parallel_coordinates(study, "loss", xs=["width"])
    assert [row["text"] for row in rows(chart, 3)] == ["width", "loss"]


def test_a_surface_lies_between_two_numbers(study: StudyNetwork) -> None:
    chart = plots.contour(study, "depth", "width")
    assert len(rows(chart, 0)) == 50 * 50
    assert len(rows(chart, 1)) == 8
    assert min(column(chart, "x", 0)) == 0.0
    assert max(column(chart, "x_end", 0)) == 11.0


def test_a_surface_follows_the_points() -> None:
    side = [n / 9 for n in range(10)]
    frame = pl.DataFrame(
        [(a, b, a + 2 * b) for a in side for b in side], schema=["a", "b", "y"], orient="row"
    )
    cells = pl.DataFrame(rows(plots.contour(frame, "a", "b", "y"), 0))
    truth = (cells["x"] + cells["x_end"]) / 2 + (cells["x2"] + cells["x2_end"])
    assert (cells["y"] - truth).abs().max() < 0.1  # type: ignore[operator]  # floats have one


def test_cells_of_categories_hold_means(study: StudyNetwork) -> None:
    chart = plots.contour(study, "warm", "kernel")
    means = {(row["x"], row["x2"]): row["y"] for row in rows(chart, 0)}
    assert means[("true", "radial")] == 2.5  # 4 and 1
    assert means[("false", "radial")] == 6.0


def test_few_points_have_no_surface(study: StudyNetwork) -> None:
    few = study.fetch_finished_tasks().head(3)
    chart = plots.contour(few, "depth", "width", "loss")
    assert rows(chart, 0) == []
    assert len(rows(chart, 1)) == 2


def test_importance_finds_the_x_that_matters_and_is_repeatable() -> None:
    frame = pl.DataFrame(
        {
            "noise": [float(n * 7919 % 101) for n in range(120)],
            "kind": [("a", "b", None)[n % 3] for n in range(120)],
            "slope": [float(n * 31 % 120) for n in range(120)],
        }
    ).with_columns(y=pl.col("slope") * 2)
    chart = plots.importance(frame, "y")
    found = dict(zip(column(chart, "x", 0), column(chart, "importance", 0), strict=True))
    assert found["slope"] > 1.0
    assert abs(found["noise"]) < 0.05
    assert abs(found["kind"]) < 0.05
    assert notes(chart) == ["random forest of 120 tasks, R² 1.00 on those held out"]
    assert rows(plots.importance(frame, "y"), 0) == rows(chart, 0)


def test_importance_of_few_tasks_says_what_it_lacks(study: StudyNetwork) -> None:
    chart = plots.importance(study)
    assert rows(chart, 0) == []
    assert notes(chart) == ["needs 10 finished tasks with a finite y, and has 8"]


def test_workers_and_opened_networks_know_their_ys(
    redis_url: str, network_id: str, study: StudyNetwork
) -> None:
    opened = Network.open(study.network_id, redis=redis_url)
    assert column(plots.progress(opened), "y", 0) == FINITE
    worker = Worker[Setting, Result](network_id, redis=redis_url)
    worker.push_finished_tasks([setting(1)], [Result(note="", loss=2.0)])
    assert column(plots.progress(worker), "y", 0) == [2.0]
    assert column(plots.utilisation(worker), "share")[0] == 0.0


def test_a_frame_needs_its_y_named(study: StudyNetwork) -> None:
    frame = study.fetch_finished_tasks()
    with pytest.raises(InvalidArgumentError, match=r"give y=, one of 'depth', 'loss', 'width'"):
        plots.progress(frame)
    assert column(plots.progress(frame, "loss"), "y", 0) == FINITE
    alone = study.fetch_finished_tasks(fields=["ys"])
    assert column(plots.progress(alone), "y", 0) == FINITE


def test_a_frame_of_all_states_shows_its_finished_tasks(study: StudyNetwork) -> None:
    frame = study.fetch_tasks_with_state()
    assert column(plots.progress(frame, "loss"), "y", 0) == FINITE


def test_wrong_columns_are_named(study: StudyNetwork) -> None:
    with pytest.raises(InvalidArgumentError, match=r"y must be one of .*'loss'.* but is 'lost'"):
        plots.progress(study, "lost")
    with pytest.raises(InvalidArgumentError, match=r"column of numbers but 'note' is String"):
        plots.progress(study, "note")
    with pytest.raises(InvalidArgumentError, match=r"x must name .* 'layers' is List\(Int64\)"):
        plots.scatter(study, "layers", "loss")
    with pytest.raises(InvalidArgumentError, match=r"x2 must be one of .* but is 'depht'"):
        plots.contour(study, "depth", "depht")
    with pytest.raises(InvalidArgumentError, match=r"xs must be one of .* but is 3"):
        plots.parallel_coordinates(study, xs=[3])  # type: ignore[list-item]  # wrong on purpose


def test_what_is_no_source_is_refused(study: StudyNetwork) -> None:
    lazy = study.fetch_finished_tasks().lazy()
    with pytest.raises(InvalidTypeError, match=r"given a polars\.lazyframe\.frame\.LazyFrame"):
        plots.progress(lazy, "loss")  # type: ignore[arg-type]  # wrong on purpose


def test_columns_that_were_not_fetched_are_named_with_their_field(study: StudyNetwork) -> None:
    frame = study.fetch_finished_tasks()
    with pytest.raises(InvalidArgumentError, match=r"lacks 'finished_at'.*fields=\[..., 'times'\]"):
        plots.progress(frame, "loss", over="time")
    with pytest.raises(InvalidArgumentError, match=r"finished_at.*times come with fields="):
        plots.scatter(frame, "finished_at", "loss")
    with pytest.raises(InvalidArgumentError, match=r"'state'.* by fetch_tasks_with_state with"):
        plots.timeline(frame)
