"""What the routes of the live page reply."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from rushtyped import Network, TaskState
from rushtyped.dashboard.charts import CHARTS
from tests.dashboard.serving import strictly
from tests.dashboard.study import (
    HUGE,
    MARKUP,
    N_FAILED,
    N_FINISHED,
    N_QUEUED,
    N_RUNNING,
    ODD_NAME,
    StudyNetwork,
)
from tests.models import ParamNetwork, Params, Scores, points
from tests.waiting import wait_until

Get = Callable[..., Any]
N_ALL = N_FINISHED + N_FAILED + N_QUEUED + N_RUNNING


@pytest.fixture(scope="session")
def get(client: httpx.Client, studied: StudyNetwork) -> Get:
    """Get the JSON of a route of the network with everything in it."""

    def get(route: str, **parameters: object) -> Any:
        reply = client.get(f"/api/networks/{studied.network_id}/{route}", params=parameters)  # type: ignore[arg-type]
        assert reply.status_code == 200, reply.text
        return strictly(reply.text)

    return get


@pytest.fixture(scope="session")
def refused(client: httpx.Client, studied: StudyNetwork) -> Callable[..., str]:
    """Get why a route of the network with everything in it refuses its parameters."""

    def refused(route: str, status: int = 400, **parameters: object) -> str:
        reply = client.get(f"/api/networks/{studied.network_id}/{route}", params=parameters)  # type: ignore[arg-type]
        assert reply.status_code == status, reply.text
        error: str = reply.json()["error"]
        return error

    return refused


def texts(row: list[Any]) -> list[str]:
    """Write cells as text, as a free-form column is read where others hold text."""
    return list(map(str, row))


def column(reply: Any, name: str) -> list[Any]:
    """Take a column of a table."""
    place = reply["columns"].index(name)
    return [row[place] for row in reply["rows"]]


def test_networks_are_listed_with_their_counts(client: httpx.Client, studied: StudyNetwork) -> None:
    reply = client.get("/api/networks.json").json()
    (line,) = [each for each in reply["networks"] if each["id"] == studied.network_id]
    assert line == {
        "id": studied.network_id,
        "queued": N_QUEUED,
        "running": N_RUNNING,
        "finished": N_FINISHED,
        "failed": N_FAILED,
        "running_workers": 1,
        "max_tasks": 1000,
        "spent": False,
    }
    assert reply["server"].startswith("unix://")


def test_a_summary_counts_and_names_columns(get: Get, studied: StudyNetwork) -> None:
    reply = get("summary.json")
    assert reply["id"] == studied.network_id
    assert reply["progress"] | {"seconds_left": None} == {
        "queued": N_QUEUED,
        "running": N_RUNNING,
        "finished": N_FINISHED,
        "failed": N_FAILED,
        "running_workers": 1,
        "max_tasks": 1000,
        "seconds_left": None,
        "spent": False,
    }
    assert 3000 < reply["progress"]["seconds_left"] <= 3600
    assert not reply["allow_control"]
    assert reply["xs"][:3] == ["x", "n", "kernel"]
    assert reply["ys"] == ["loss", "accuracy", "remark"]
    groups = {line["name"]: (line["group"], line["numeric"]) for line in reply["columns"]}
    assert groups["x"] == ("xs", True)
    assert groups["kernel"] == ("xs", False)
    assert groups["loss"] == ("ys", True)
    assert groups[ODD_NAME] == ("xs_extra", True)
    assert groups["seconds"] == ("ys_extra", True)
    assert groups["worker_id"] == ("worker", False)
    assert groups["finished_at"] == ("times", False)


def test_the_rate_counts_what_has_just_finished(
    client: httpx.Client, redis_url: str, network_id: str
) -> None:
    ParamNetwork(network_id, redis=redis_url).push_finished_tasks(points(3), [Scores(y=0.0)] * 3)
    reply = client.get(f"/api/networks/{network_id}/summary.json").json()
    assert 0 < reply["rate"] <= 3


def test_the_best_rows_have_the_least_finite_values_of_the_first_y(get: Get) -> None:
    best = get("summary.json")["best"]
    assert [row["loss"] for row in best] == [1.0, 1.01, 1.01, 1.04, 1.04]
    assert best[0]["n"] == str(HUGE + 20)
    assert set(best[0]) > {"key", "x", "place", "accuracy"}


def test_the_newest_errors_come_first(get: Get, studied: StudyNetwork) -> None:
    errors = get("summary.json")["errors"]
    failed = studied.failed_tasks
    assert [line["key"] for line in errors] == failed[:-6:-1]
    assert all(MARKUP[:50] in line["message"] for line in errors)
    assert {line["type"] for line in errors} <= {"ValueError", "TaskFailed"}


def test_a_table_of_all_tasks_is_in_the_order_of_creation(get: Get, studied: StudyNetwork) -> None:
    reply = get("tasks.json", limit=500)
    assert reply["columns"][:3] == ["key", "state", "x"]
    assert reply["total"] == N_ALL
    assert sorted(column(reply, "key")) == sorted(studied.tasks)
    assert column(reply, "created_at") == sorted(column(reply, "created_at"))


@pytest.mark.parametrize(
    ("state", "n"),
    [("queued", N_QUEUED), ("running", N_RUNNING), ("finished", N_FINISHED), ("failed", N_FAILED)],
)
def test_a_table_of_a_state_is_in_its_order(
    get: Get, studied: StudyNetwork, state: str, n: int
) -> None:
    reply = get("tasks.json", state=state)
    assert reply["total"] == n
    assert set(column(reply, "state")) == {state}
    assert column(reply, "key") == getattr(studied, f"{state}_tasks")


@pytest.mark.parametrize("state", ["all", "queued", "finished", "failed"])
def test_windows_of_a_table_follow_each_other(get: Get, state: str) -> None:
    whole = get("tasks.json", state=state, limit=500)
    parts = [
        get("tasks.json", state=state, limit=2, offset=offset)
        for offset in range(0, whole["total"] + 2, 2)
    ]
    assert [texts(row) for part in parts for row in part["rows"]] == list(map(texts, whole["rows"]))
    assert {tuple(part["columns"]) for part in parts} == {tuple(whole["columns"])}
    assert parts[-1]["rows"] == []


def test_cells_are_finite_numbers_short_texts_and_moments_in_utc(get: Get) -> None:
    reply = get("tasks.json", state="finished", limit=10)
    assert column(reply, "loss")[6:9] == [None, None, None]  # nan, inf and -inf
    assert column(reply, "n")[8:] == [9, str(HUGE + 10)]
    assert column(reply, "maybe")[:2] == [None, 1.0]
    assert column(reply, "moment")[0] == "2026-01-01T13:00:00Z"
    assert column(reply, "day")[0] == "2026-01-02"
    assert column(reply, "is_big")[0] is False
    assert column(reply, "pause")[0] == "0:00:01"
    assert column(reply, "weights")[2] == "[0.0, 1.0, 2.0]"
    assert MARKUP[:40] in column(reply, "place")[0]
    assert column(reply, "blob")[0].endswith("(40 bytes)")
    assert all(len(text) < 300 for row in reply["rows"] for text in row if isinstance(text, str))


def test_a_table_is_sorted_with_missing_values_last(get: Get) -> None:
    rising = column(get("tasks.json", sort="accuracy", limit=500), "accuracy")
    assert rising == sorted(rising[:N_FINISHED]) + [None] * (N_ALL - N_FINISHED)
    falling = column(get("tasks.json", sort="accuracy", descending=1, limit=500), "accuracy")
    assert falling == sorted(rising[:N_FINISHED], reverse=True) + [None] * (N_ALL - N_FINISHED)


@pytest.mark.parametrize(
    ("wanted", "n"),
    [
        ("accuracy>0.5", 20),
        ("accuracy >= 0.5", 21),
        ("accuracy<0.5", 19),
        ("accuracy<=0.5", 20),
        ("accuracy=0.5", 1),
        ("accuracy!=0.5", 39),
        ("accuracy=", 0),
        (f"n={HUGE + 10}", 1),
        ("n>38.5", 5),
        ("kernel=linear", 13),
        ("kernel=<b>bold</b>", 13),
        ("is_big=true", 20),
        ("day=2026-01-02", 1),
        ("pause>=39.5", 1),
        ("moment<2026-01-01T15:00", 2),
        ("worker_id=worker-1", 40),
        ("maybe=", 20),
        (f"{ODD_NAME}>39", 1),
        ("BOLD", 13),
        ("window.HACKED", 40),
        ("nothing like it", 0),
        ("{{7*7}}", 40),
        ("x", 40),
        ("weights=[0.0]", 0),
        ("[0.0,1.0,2.0]", 1),
    ],
)
def test_a_filter_finds(get: Get, wanted: str, n: int) -> None:
    assert get("tasks.json", state="finished", filter=wanted)["total"] == n


def test_a_filter_and_an_order_go_together(get: Get) -> None:
    reply = get("tasks.json", filter="accuracy>0.9", sort="accuracy", descending=1)
    assert column(reply, "accuracy") == [1.0, 0.975, 0.95, 0.925]
    assert reply["total"] == 4


def test_a_filter_sees_messages_of_conditions(get: Get) -> None:
    assert get("tasks.json", filter="diverged")["total"] == N_FAILED - 1
    assert get("tasks.json", filter="condition!=", sort="condition")["total"] == N_FAILED


def test_one_task_comes_whole(get: Get, studied: StudyNetwork) -> None:
    key = studied.finished_tasks[0]
    reply = get(f"tasks/{key}.json")
    assert reply["key"] == key
    assert reply["state"] == "finished"
    assert reply["xs"]["kernel"] == "radial"
    assert reply["xs"]["note"] == f"1 {MARKUP}"
    assert reply["ys"]["accuracy"] == 1 / N_FINISHED
    assert reply["xs_extra"][ODD_NAME] == 1.0
    assert reply["ys_extra"] == {"seconds": 0.5}
    assert reply["condition"] is None
    assert reply["attempt"] == 1
    assert datetime.fromisoformat(reply["finished_at"]).utcoffset() == timedelta(0)


def test_a_failed_task_has_its_traceback(get: Get, studied: StudyNetwork) -> None:
    conditions = [get(f"tasks/{key}.json")["condition"] for key in studied.failed_tasks]
    (reason,) = [each for each in conditions if each["type"] == "ValueError"]
    assert reason["message"] == MARKUP
    assert "\n" in reason["traceback"]
    assert "raise ValueError(MARKUP)" in reason["traceback"]


def test_workers_are_listed_with_what_they_run(get: Get) -> None:
    first, second = get("workers.json")["workers"]
    assert (first["worker_id"], first["state"], first["n_running"]) == ("worker-1", "running", 2)
    assert first["heartbeat"] is True
    assert (second["state"], second["n_running"]) == ("terminated", 0)
    assert MARKUP in second["reason"]
    assert second["ended_at"] > second["started_at"]


def test_the_log_has_the_newest_last_and_from_a_level_on(get: Get) -> None:
    records = get("log.json")["records"]
    assert [each["level"] for each in records] == ["INFO", "WARNING", "ERROR"]
    assert records[0]["message"] == f"Starting {MARKUP}"
    assert "raise ValueError(MARKUP)" in records[2]["exception"]
    assert [each["level"] for each in get("log.json", limit=1)["records"]] == ["ERROR"]
    later = get("log.json", level="WARNING")["records"]
    assert [each["level"] for each in later] == ["WARNING", "ERROR"]


def test_the_schemas_are_those_of_the_network(get: Get, studied: StudyNetwork) -> None:
    assert get("schema.json") == studied.schemas


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        *((name, {}) for name in CHARTS if name != "scatter"),
        ("progress", {"column": "accuracy", "maximise": 1}),
        ("scatter", {"x": "finished_at", "y": "loss", "colour": "kernel"}),
        ("scatter", {"x": ODD_NAME, "y": "state"}),
        ("scatter", {"x": "note", "y": "worker_id", "colour": ""}),
        ("parallel", {"colour": "accuracy"}),
    ],
)
def test_a_chart_is_a_spec_with_its_data(get: Get, name: str, parameters: dict[str, Any]) -> None:
    spec = get(f"charts/{name}.json", **parameters)
    assert "vega-lite" in spec["$schema"]
    assert spec["width"] == "container"
    assert any(spec["datasets"].values())
    assert "url" not in json.dumps(spec["datasets"])


@pytest.mark.parametrize(
    ("route", "parameters", "words"),
    [
        ("tasks.json", {"state": "lost"}, ["state", "lost", "queued"]),
        ("tasks.json", {"limit": 501}, ["limit", "500", "501"]),
        ("tasks.json", {"limit": -1}, ["limit", "-1"]),
        ("tasks.json", {"limit": "nan"}, ["limit", "nan"]),
        ("tasks.json", {"offset": "1e99"}, ["offset", "1e99"]),
        ("tasks.json", {"offset": 10**30}, ["offset"]),
        ("tasks.json", {"offset": ""}, ["offset"]),
        ("tasks.json", {"descending": "perhaps"}, ["descending", "perhaps"]),
        ("tasks.json", {"sort": "nothing"}, ["nothing", "accuracy"]),
        ("tasks.json", {"sort": "place"}, ["place", "Struct"]),
        ("tasks.json", {"filter": "accuracy>nan"}, ["accuracy", "nan"]),
        ("tasks.json", {"filter": "accuracy>much"}, ["accuracy", "much"]),
        ("tasks.json", {"filter": "is_big=maybe"}, ["is_big", "maybe"]),
        ("tasks.json", {"filter": "moment<noon"}, ["moment", "noon"]),
        ("tasks.json", {"filter": "blob=x"}, ["blob", "Binary"]),
        ("tasks.json", {"filter": "place=x"}, ["place", "Struct"]),
        ("tasks.json", {"filter": "x" * 501}, ["filter", "500"]),
        ("tasks.json", {"where": "1"}, ["where", "filter"]),
        ("log.json", {"level": "LOUD"}, ["level", "LOUD"]),
        ("log.json", {"limit": 10**9}, ["limit"]),
        ("summary.json", {"x": 1}, ["x", "none"]),
        ("charts/scatter.json", {"x": "x"}, ["scatter", "y"]),
        ("charts/scatter.json", {"x": "x", "y": "nothing"}, ["nothing"]),
        ("charts/scatter.json", {"x": "x", "y": "place"}, ["place"]),
        ("charts/progress.json", {"column": "remark"}, ["remark"]),
        ("charts/parallel.json", {"colour": "nothing"}, ["nothing"]),
    ],
)
def test_a_wrong_parameter_is_named(
    refused: Callable[..., str], route: str, parameters: dict[str, Any], words: list[str]
) -> None:
    error = refused(route, **parameters)
    assert [word for word in words if word not in error] == []


def test_a_parameter_that_is_given_twice_is_refused(
    client: httpx.Client, studied: StudyNetwork
) -> None:
    reply = client.get(f"/api/networks/{studied.network_id}/tasks.json?limit=1&limit=2")
    assert reply.status_code == 400
    assert "'limit' is given twice" in reply.json()["error"]


@pytest.mark.parametrize("route", ["charts/pie.json", "tasks/nobody.json", "tasks/a b.json"])
def test_what_is_not_there_is_not_found(refused: Callable[..., str], route: str) -> None:
    assert refused(route, 404)


@pytest.mark.parametrize("name", ["nobody", "a%20b", "%7B%7D", "x" * 200, "..%2f"])
def test_an_unknown_network_is_not_found(client: httpx.Client, name: str) -> None:
    for route in (f"/api/networks/{name}/summary.json", f"/events/{name}"):
        reply = client.get(route)
        assert reply.status_code == 404
        assert reply.json()["error"]


def test_an_empty_network_has_empty_tables_and_charts(
    client: httpx.Client, redis_url: str, network_id: str
) -> None:
    Network[Params, Scores](network_id, redis=redis_url)
    root = f"/api/networks/{network_id}"
    for state in ("all", *TaskState):
        reply = client.get(f"{root}/tasks.json?state={state}").json()
        assert (reply["rows"], reply["total"]) == ([], 0)
        assert reply["columns"][:5] == ["key", "state", "x1", "x2", "y"]
    for name in CHARTS:
        reply = client.get(f"{root}/charts/{name}.json?{'x=x1&y=y' * (name == 'scatter')}")
        assert reply.status_code == 200, reply.text
    summary = client.get(f"{root}/summary.json").json()
    assert (summary["rate"], summary["best"], summary["errors"]) == (0.0, [], [])


def test_a_reset_and_other_columns_show(
    client: httpx.Client, redis_url: str, network_id: str
) -> None:
    network = ParamNetwork(network_id, redis=redis_url)
    network.push_finished_tasks(points(3), [Scores(y=float(i)) for i in range(3)])
    root = f"/api/networks/{network_id}"
    assert client.get(f"{root}/tasks.json").json()["total"] == 3
    network.reset()
    extra = [{"late": 1.0}]
    network.push_finished_tasks(points(1), [Scores(y=5.0)], xss_extra=extra)

    def late() -> Any:
        reply = client.get(f"{root}/tasks.json?state=finished").json()
        return reply["total"] == 1 and "late" in reply["columns"]

    wait_until(late, description="the table shows what came after the reset")
    assert [row["y"] for row in client.get(f"{root}/summary.json").json()["best"]] == [5.0]
