"""Metrics for Prometheus."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.dashboard.serving import served
from tests.dashboard.study import N_FAILED, N_FINISHED, N_QUEUED, N_RUNNING, StudyNetwork


def values(text: str, network_id: str) -> dict[tuple[str, str], float]:
    """Read the metrics of one network, by name and state."""
    return {
        (sample.name, sample.labels["state"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.labels.get("network") == network_id
    }


def test_tasks_and_workers_are_counted_by_state(
    client: httpx.Client, studied: StudyNetwork
) -> None:
    reply = client.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert values(reply.text, studied.network_id) == {
        ("rushtyped_tasks", "queued"): N_QUEUED,
        ("rushtyped_tasks", "running"): N_RUNNING,
        ("rushtyped_tasks", "finished"): N_FINISHED,
        ("rushtyped_tasks", "failed"): N_FAILED,
        ("rushtyped_workers", "running"): 1,
        ("rushtyped_workers", "terminated"): 1,
    }
    assert "rushtyped_up 1.0" in reply.text


def test_nothing_but_that_is_said_of_a_server_that_is_away() -> None:
    with served("redis://127.0.0.1:1/0") as page, page.client() as client:
        reply = client.get("/metrics")
    assert reply.status_code == 200
    families = {
        family.name: family.samples for family in text_string_to_metric_families(reply.text)
    }
    assert [sample.value for sample in families["rushtyped_up"]] == [0.0]
    assert families["rushtyped_tasks"] == []
