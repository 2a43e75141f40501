"""Networks as wholes: found on a server, and moved to another one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from rushtyped import (
    Extra,
    InvalidArgumentError,
    InvalidNetworkIdError,
    InvalidTypeError,
    Network,
    SchemaMismatchError,
    ServerUnreachableError,
    UnreadableFileError,
    Xs,
    Ys,
    export_tasks,
    import_tasks,
    list_networks,
)
from rushtyped.selection import ALL_FIELDS
from tests.contents import check_one_state, contents_of
from tests.models import ParamNetwork, ParamWorker, Scores, points

OpenedNetwork = Network[Xs, Ys, Extra, Extra]
SCHEMA: dict[str, pl.DataType] = {
    "key": pl.String(),
    "state": pl.String(),
    **dict.fromkeys(("xs", "ys", "xs_extra", "ys_extra", "condition"), pl.Binary()),
    "worker_id": pl.String(),
    "attempt": pl.Int64(),
    **dict.fromkeys(("created_at", "started_at", "finished_at"), pl.Datetime("us", "UTC")),
}


class Words(Xs):
    """Other models."""

    x1: str


@pytest.fixture
def filled(network: ParamNetwork, worker: ParamWorker) -> ParamNetwork:
    """Tasks of every state, with extras, a condition with a traceback, and a second attempt."""
    network.push_tasks(points(2), xss_extra=[{"batch": 1, "note": "a"}])
    worker.finish_tasks(
        worker.push_running_tasks(points(3)), [Scores(y=0.5)] * 3, yss_extra=[{"seconds": 2.0}]
    )
    worker.push_running_tasks(points(1))
    failed = worker.push_running_tasks(points(2))
    worker.fail_tasks(failed, [ValueError("diverged"), "lost"])
    network.retry_tasks(failed[:1])
    return network


def moved(filled: ParamNetwork, path: Path, redis_url: str) -> OpenedNetwork:
    """Move a network to one of another name."""
    export_tasks(filled, path)
    return import_tasks(path, network_id=f"{filled.network_id}-2", redis=redis_url)


def test_networks_of_a_server_are_listed(
    network: ParamNetwork, redis_url: str, network_id: str
) -> None:
    network.push_tasks(points(1))
    network.connector.set(f"rush:{{{network_id}}}:metals", "of nobody")
    network.connector.set("rush:{no id}:meta", "of nobody")
    ids = list_networks(redis=redis_url)
    assert ids == sorted(set(ids))
    assert network_id in ids
    assert "no id" not in ids
    network.connector.delete(f"rush:{{{network_id}}}:metals", "rush:{no id}:meta")


def test_a_server_that_is_not_there_has_no_list() -> None:
    with pytest.raises(ServerUnreachableError, match="did not answer"):
        list_networks(redis="redis://127.0.0.1:1", retry_timeout=0.0)


def test_a_moved_study_holds_the_same_tasks(
    filled: ParamNetwork, tmp_path: Path, redis_url: str
) -> None:
    other = moved(filled, tmp_path / "study.parquet", redis_url)
    check_one_state(other)
    for fetch in ("fetch_finished_tasks", "fetch_failed_tasks"):
        ours, theirs = (getattr(each, fetch)(fields=ALL_FIELDS) for each in (filled, other))
        assert theirs.equals(ours)
    keys = [*filled.finished_tasks, *filled.failed_tasks]
    assert other.read_tasks(keys)[0].ys_extra == filled.read_tasks(keys)[0].ys_extra
    assert [each.condition for each in other.read_tasks(keys)] == [
        each.condition for each in filled.read_tasks(keys)
    ]
    assert other.schemas == filled.schemas
    assert set(other.verify()["problem"]) <= {"worker_unknown"}


def test_what_runs_or_waits_is_queued_where_it_arrives(
    filled: ParamNetwork, tmp_path: Path, redis_url: str
) -> None:
    waiting = {*filled.queued_tasks, *filled.running_tasks}
    other = moved(filled, tmp_path / "study.parquet", redis_url)
    assert set(other.queued_tasks) == waiting
    assert other.running_tasks == []
    retried = filled.queued_tasks[-1:]
    (before,), (again,) = filled.read_tasks(retried), other.read_tasks(retried)
    assert (again.xs.model_dump(), again.attempt) == (before.xs.model_dump(), 2)
    assert (again.worker_id, again.started_at, again.condition) == (None, None, None)


def test_a_repeated_import_changes_nothing(
    filled: ParamNetwork, tmp_path: Path, redis_url: str
) -> None:
    path = tmp_path / "study.parquet"
    other = moved(filled, path, redis_url)
    before = contents_of(other)
    import_tasks(path, network_id=other.network_id, redis=redis_url)
    assert contents_of(other) == before


def test_a_study_comes_back_to_its_own_network(
    filled: ParamNetwork, tmp_path: Path, redis_url: str
) -> None:
    path = tmp_path / "study.parquet"
    assert export_tasks(filled, path) == filled.n_tasks
    finished = filled.fetch_finished_tasks(fields=ALL_FIELDS)
    filled.reset()
    assert import_tasks(path, redis=redis_url).network_id == filled.network_id
    assert filled.fetch_finished_tasks(fields=ALL_FIELDS).equals(finished)


def test_free_form_names_of_a_moved_study_are_taken(
    filled: ParamNetwork, tmp_path: Path, redis_url: str
) -> None:
    other = moved(filled, tmp_path / "study.parquet", redis_url)
    taken = other.connector.hgetall(f"rush:{{{other.network_id}}}:meta")
    assert {b"column:batch", b"column:note", b"column:seconds"} <= taken.keys()


def test_a_network_of_other_models_takes_no_study(
    filled: ParamNetwork, tmp_path: Path, redis_url: str
) -> None:
    export_tasks(filled, tmp_path / "study.parquet")
    other = f"{filled.network_id}-3"
    Network[Words, Scores](other, redis=redis_url)
    with pytest.raises(SchemaMismatchError, match="x1"):
        import_tasks(tmp_path / "study.parquet", network_id=other, redis=redis_url)
    assert Network.open(other, redis=redis_url).n_tasks == 0


Damage = Callable[[pl.DataFrame], pl.DataFrame]


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda frame: frame.drop("ys"), "its columns are"),
        (lambda frame: pl.concat([frame, frame]), "more than once"),
        (lambda frame: frame.with_columns(pl.col("key") + " "), "a task key must be"),
        (lambda frame: frame.with_columns(xs=pl.lit(b"\xc1")), "is damaged"),
        (lambda frame: frame.with_columns(ys=pl.lit(None, pl.Binary)), "without its outcome"),
        (lambda frame: frame.with_columns(attempt=pl.lit(None, pl.Int64)), "lack attempt"),
        (lambda frame: frame.with_columns(state=pl.lit("done")), "is damaged"),
        (lambda frame: frame.with_columns(attempt=pl.lit(0, pl.Int64)), "attempt 0"),
        (lambda frame: frame.with_columns(pl.col("created_at").dt.offset_by("1y")), "and times"),
    ],
)
def test_a_damaged_file_is_refused_before_anything_is_written(
    filled: ParamNetwork, tmp_path: Path, redis_url: str, damage: Damage, why: str
) -> None:
    path = tmp_path / "study.parquet"
    export_tasks(filled, path)
    about = {"rushtyped": pl.read_parquet_metadata(path)["rushtyped"]}
    damaged = damage(pl.read_parquet(path))
    damaged.write_parquet(path, metadata=about)
    other = f"{filled.network_id}-4"
    with pytest.raises(UnreadableFileError, match=why):
        import_tasks(path, network_id=other, redis=redis_url)
    assert other not in list_networks(redis=redis_url)


@pytest.mark.parametrize(
    "about",
    [None, "no json", "{}", json.dumps({"version": 9, "network_id": "a", "schemas": "{}"})],
)
def test_a_file_of_somebody_else_is_refused(
    tmp_path: Path, redis_url: str, about: str | None
) -> None:
    path = tmp_path / "study.parquet"
    metadata = {} if about is None else {"rushtyped": about}
    pl.DataFrame(schema=SCHEMA).write_parquet(path, metadata=metadata)
    with pytest.raises(UnreadableFileError, match=r"study\.parquet"):
        import_tasks(path, redis=redis_url)


def test_a_file_that_is_not_there_or_no_parquet_is_refused(tmp_path: Path, redis_url: str) -> None:
    with pytest.raises(UnreadableFileError, match=r"none\.parquet"):
        import_tasks(tmp_path / "none.parquet", redis=redis_url)
    (tmp_path / "text.parquet").write_text("no Parquet")
    with pytest.raises(UnreadableFileError, match=r"text\.parquet"):
        import_tasks(tmp_path / "text.parquet", redis=redis_url)


def test_wrong_arguments_are_named(filled: ParamNetwork, tmp_path: Path, redis_url: str) -> None:
    with pytest.raises(InvalidTypeError, match="network must be a Network"):
        export_tasks("study", tmp_path / "study.parquet")  # type: ignore[arg-type]  # on purpose
    with pytest.raises(InvalidTypeError, match="path must be"):
        export_tasks(filled, 5)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(InvalidArgumentError, match="can be written"):
        export_tasks(filled, tmp_path / "none" / "study.parquet")
    export_tasks(filled, tmp_path / "study.parquet")
    with pytest.raises(InvalidNetworkIdError):
        import_tasks(tmp_path / "study.parquet", network_id="a b", redis=redis_url)
