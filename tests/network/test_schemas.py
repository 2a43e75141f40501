"""Joining a network: what is stored there can be read and written by the models declared here."""

from __future__ import annotations

import pytest

from rushtyped import Extra, Network, SchemaMismatchError, Worker, Xs, Ys
from tests.contents import contents_of
from tests.models import ParamNetwork, Params, Scores, points


class WiderParams(Xs):
    """Params with one more optional field."""

    x1: float
    x2: float
    x3: float = 5.0
    note: str | None = None


class OtherParams(Xs):
    x1: int
    z: float


class OtherScores(Ys):
    y: str


class SameParams(Xs):
    """Other words, the same fields."""

    x1: float
    x2: float


class NeededParams(Xs):
    x1: float
    x2: float
    x3: float


class Origin(Extra):
    batch: int


def test_the_same_models_join(network: ParamNetwork, redis_url: str) -> None:
    before = contents_of(network)
    Network[Params, Scores](network.network_id, redis=redis_url)
    Network[SameParams, Scores](network.network_id, redis=redis_url)
    assert contents_of(network) == before


def test_other_models_are_refused_field_by_field(network: ParamNetwork, redis_url: str) -> None:
    before = contents_of(network)
    with pytest.raises(SchemaMismatchError) as caught:
        Network[OtherParams, OtherScores](network.network_id, redis=redis_url)
    message = str(caught.value)
    assert "xs.x1: stored Float64, declared Int64" in message
    assert "xs.x2: stored Float64, not declared" in message
    assert "xs.z: not stored, declared Float64 without a default" in message
    assert "ys.y: stored Float64, declared String" in message
    assert "another network_id" in message
    assert contents_of(network) == before


def test_a_worker_with_other_models_does_not_register(
    network: ParamNetwork, redis_url: str
) -> None:
    before = contents_of(network)
    with pytest.raises(SchemaMismatchError, match=r"ys\.y"):
        Worker[Params, OtherScores](network.network_id, redis=redis_url)
    assert contents_of(network) == before


def test_a_new_field_without_a_default_is_refused(network: ParamNetwork, redis_url: str) -> None:
    with pytest.raises(SchemaMismatchError, match=r"xs\.x3: not stored"):
        Network[NeededParams, Scores](network.network_id, redis=redis_url)


def test_declared_and_free_form_extras_do_not_mix(network: ParamNetwork, redis_url: str) -> None:
    with pytest.raises(SchemaMismatchError, match="xs_extra"):
        Network[Params, Scores, Origin](network.network_id, redis=redis_url)


def test_a_new_optional_field_joins_and_old_rows_read_as_its_default(
    network: ParamNetwork, redis_url: str
) -> None:
    keys = network.push_finished_tasks(points(1), [Scores(y=1.0)])
    wider = Network[WiderParams, Scores](network.network_id, redis=redis_url)
    keys += wider.push_finished_tasks(
        [WiderParams(x1=1.0, x2=2.0, x3=3.0, note="new")], [Scores(y=2.0)]
    )
    frame = wider.fetch_finished_tasks()
    assert frame.columns[:6] == ["key", "x1", "x2", "x3", "note", "y"]
    assert frame["x3"].to_list() == [5.0, 3.0]
    assert frame["note"].to_list() == [None, "new"]
    old, new = wider.read_tasks(keys)
    assert old.xs == WiderParams(x1=0.0, x2=0.0)
    assert new.xs == WiderParams(x1=1.0, x2=2.0, x3=3.0, note="new")


def test_those_who_do_not_know_a_new_field_go_on(network: ParamNetwork, redis_url: str) -> None:
    wider = Network[WiderParams, Scores](network.network_id, redis=redis_url)
    wider.push_tasks([WiderParams(x1=1.0, x2=2.0, x3=3.0)])
    (key,) = network.push_tasks(points(1))
    assert network.fetch_queued_tasks()["x1"].to_list() == [1.0, 0.0]
    assert wider.read_tasks([key])[0].xs.x3 == 5.0
    Network[Params, Scores](network.network_id, redis=redis_url)


def test_a_field_once_added_keeps_its_type(network: ParamNetwork, redis_url: str) -> None:
    class Differing(Xs):
        x1: float
        x2: float
        x3: int = 5

    Network[WiderParams, Scores](network.network_id, redis=redis_url)
    with pytest.raises(SchemaMismatchError, match=r"xs\.x3: stored Float64, declared Int64"):
        Network[Differing, Scores](network.network_id, redis=redis_url)


def test_another_wire_format_is_refused(network: ParamNetwork, redis_url: str) -> None:
    network.connector.hset(f"rush:{{{network.network_id}}}:meta", "version", "99")
    with pytest.raises(SchemaMismatchError, match="version '99' of the wire format"):
        Network[Params, Scores](network.network_id, redis=redis_url)
