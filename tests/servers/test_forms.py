"""The library works on every form of server: alone, in a cluster, by sentinels, by TLS, by ACL."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from loguru import logger

from rushtyped import Network, Worker
from rushtyped.connect import resolve_endpoint
from rushtyped.errors import RedisUrlError, ServerUnreachableError
from tests.contents import check_one_state
from tests.models import ParamNetwork, Params, Scores, points
from tests.servers.binaries import redis_of_debian
from tests.servers.certificates import Authority
from tests.servers.cluster import ClusterDeployment
from tests.servers.forms import Form, open_form
from tests.servers.ports import free_port
from tests.servers.process import ServerProcess
from tests.servers.sentinel import SentinelDeployment
from tests.waiting import wait_until

N_TASKS = 20


def work_loudly(worker: Worker[Params, Scores]) -> None:
    """Evaluate the queue until the budget is spent."""
    logger.warning("{} begins", worker.worker_id)
    while not worker.terminated:
        task = worker.pop_task(timeout=0.2)
        if task is not None:
            task.finish(Scores(y=task.xs.x1))


@pytest.fixture(params=Form)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with (
        tempfile.TemporaryDirectory(prefix="rushtyped-") as directory,
        open_form(request.param, Path(directory)) as url,
    ):
        yield url


def test_a_study_runs_from_its_first_task_to_its_reset(url: str, network_id: str) -> None:
    with Network[Params, Scores](network_id, redis=url, max_tasks=N_TASKS) as network:
        ids = network.start_local_workers(work_loudly, n_workers=2, log_levels={"": "WARNING"})
        network.wait_for_workers(2, timeout=30.0)
        keys = network.push_tasks(points(N_TASKS))
        network.wait_for_tasks(keys, timeout=30.0)
        network.wait_until_done(timeout=30.0)
        wait_until(lambda: network.n_running_workers == 0, description="both have ended")
        assert sorted(network.fetch_finished_tasks()["y"]) == [float(x) for x in range(N_TASKS)]
        assert set(network.fetch_tasks()["worker_id"]) <= set(ids)
        assert sorted(network.read_log()["message"]) == sorted(f"{each} begins" for each in ids)
        check_one_state(network)
        assert network.verify().is_empty()
        check_stopping(network)
        network.reset()
        assert (network.n_tasks, network.n_workers) == (0, 0)


def check_stopping(network: ParamNetwork) -> None:
    """Kill a worker, fail a task, and retry it."""
    worker = Worker[Params, Scores](network.network_id, redis=network._endpoint)
    network.stop_workers("kill", worker_ids=[worker.worker_id])
    assert worker.terminated
    failed = network.push_failed_tasks(points(1))
    assert network.retry_tasks(failed) == failed
    assert network.empty_queue() == failed


def test_networks_of_a_cluster_lie_on_several_nodes() -> None:
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="rushtyped-"))
        cluster = stack.enter_context(ClusterDeployment(Path(directory)))
        networks = {}
        for number, node in {"0": 2, "1": 1, "3": 0}.items():
            assert cluster.node_of(number) is cluster.nodes[node]
            networks[number] = Network[Params, Scores](number, redis=cluster.url)
        for n, network in enumerate(networks.values(), start=1):
            network.push_tasks(points(n))
        for n, (number, network) in enumerate(networks.items(), start=1):
            assert network.fetch_queued_tasks().height == n
            with cluster.node_of(number).client() as client:
                tasks = list(client.scan_iter(match="rush:*:task:*"))
            assert len(tasks) == n
            assert all(task.startswith(b"rush:{%s}:" % number.encode()) for task in tasks)


def test_a_lost_sentinel_does_not_hold_anybody_up(network_id: str) -> None:
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="rushtyped-"))
        servers = stack.enter_context(SentinelDeployment(Path(directory)))
        servers.sentinels[0].kill()
        network = Network[Params, Scores](network_id, redis=servers.url, retry_timeout=1.0)
        network.push_tasks(points(1))
        assert network.n_queued_tasks == 1


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    with tempfile.TemporaryDirectory(prefix="rushtyped-") as directory:
        yield Authority(Path(directory))


@pytest.fixture(scope="module")
def tls_server(authority: Authority) -> Iterator[ServerProcess]:
    with (
        tempfile.TemporaryDirectory(prefix="rushtyped-") as directory,
        ServerProcess(
            Path(directory), binary=redis_of_debian(), port=free_port(), tls=authority
        ) as server,
    ):
        yield server


def test_a_client_without_a_certificate_is_refused(
    tls_server: ServerProcess, authority: Authority, network_id: str
) -> None:
    url = f"{tls_server.url.partition('?')[0]}?ssl_ca_certs={authority.ca.certificate}"
    with pytest.raises(ServerUnreachableError, match=r"rediss://127\.0\.0\.1"):
        Network[Params, Scores](network_id, redis=url)


def test_a_server_of_another_authority_is_refused(
    tls_server: ServerProcess, authority: Authority, network_id: str, tmp_path: Path
) -> None:
    other = authority.query_of_client(ssl_ca_certs=str(Authority(tmp_path).ca.certificate))
    with pytest.raises(ServerUnreachableError, match="CERTIFICATE_VERIFY_FAILED"):
        Network[Params, Scores](network_id, redis=f"{tls_server.url.partition('?')[0]}?{other}")


def test_the_certificate_of_a_client_reaches_its_workers(
    tls_server: ServerProcess, network_id: str
) -> None:
    client = redis.Redis.from_url(tls_server.url)
    run_workers(client, network_id)
    client.close()


@pytest.mark.parametrize("several", [ClusterDeployment, SentinelDeployment])
def test_several_servers_are_reached_by_tls(
    several: type[ClusterDeployment | SentinelDeployment],
    authority: Authority,
    network_id: str,
    tmp_path: Path,
) -> None:
    with several(tmp_path, binary=redis_of_debian(), tls=authority) as servers:
        run_workers(servers.url, network_id)
        plain = servers.url.replace("rediss+", "redis+").partition("?")[0]
        with pytest.raises(ServerUnreachableError):
            Network[Params, Scores](network_id, redis=plain)


def run_workers(server: redis.Redis | str, network_id: str) -> None:
    """Have a worker process do three tasks."""
    with Network[Params, Scores](network_id, redis=server, max_tasks=3) as network:
        network.push_tasks(points(3))
        network.start_local_workers(work_loudly, n_workers=1)
        network.wait_until_done(timeout=30.0)
        assert network.n_finished_tasks == 3


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (
            "redis+cluster://host:7000?ssl_ca_certs=ca.pem",
            "ssl_ca_certs, which redis+cluster does not know: for TLS, write rediss+cluster",
        ),
        (
            "redis+sentinel://host/main?ssl_keyfile=k&sentinel_password=s3cret",
            "ssl_keyfile, which redis+sentinel does not know: for TLS, write rediss+sentinel",
        ),
        (
            "rediss+sentinel://host/main?ssl_ca_cert=ca.pem",
            "ssl_ca_cert, which rediss+sentinel does not know",
        ),
        (
            "rediss+cluster://host?sentinel_password=s3cret",
            "sentinel_password, which rediss+cluster does not know",
        ),
    ],
)
def test_what_a_query_cannot_say_is_refused_rather_than_ignored(url: str, reason: str) -> None:
    with pytest.raises(RedisUrlError) as caught:
        resolve_endpoint(url)
    assert str(caught.value).endswith(f": its query has {reason}")
    assert "s3cret" not in str(caught.value)
