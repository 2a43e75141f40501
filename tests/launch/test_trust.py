"""A loop that somebody else wrote into Redis is refused before anything of it runs."""

from __future__ import annotations

import concurrent.futures
import functools
import hashlib
import hmac
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rushtyped import Network, WorkerStartError
from rushtyped.keys import NetworkKeys
from rushtyped.loops import pack_loop
from tests.launch import hosted_loops, loops
from tests.models import ParamNetwork, Params, Scores, points, work_off
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
NOT_SIGNED = "the worker loop in Redis is not signed with this worker's secret"
ANOTHER = "the worker loop in Redis is another one than this worker was told to run"
WAYS = ("local", "script", "engine")
Forge = Callable[[ParamNetwork, bytes, str], bytes]


def tampered(_: ParamNetwork, signed: bytes, marker: str) -> bytes:
    """Change one byte at the end of the path that the loop writes to."""
    assert signed.count(marker.encode()) == 1
    return signed.replace(marker.encode(), f"{marker[:-1]}X".encode())


def unsigned(_: ParamNetwork, signed: bytes, marker: str) -> bytes:
    """Leave the signature out."""
    return signed[32:]


def blank(_: ParamNetwork, signed: bytes, marker: str) -> bytes:
    """Put zeros in place of the signature."""
    return bytes(32) + signed[32:]


def hashed(_: ParamNetwork, signed: bytes, marker: str) -> bytes:
    """Sign without a secret, as everybody can."""
    return hmac.digest(b"", signed[32:], "sha256") + signed[32:]


def empty(_: ParamNetwork, signed: bytes, marker: str) -> bytes:
    """Leave nothing."""
    return b""


def signed_by_another(network: ParamNetwork, _: bytes, marker: str) -> bytes:
    """Sign the same loop with another secret."""
    return pack(network, marker, b"another secret than the manager's")


def another_loop(network: ParamNetwork, _: bytes, marker: str) -> bytes:
    """Take a loop that this manager has signed itself, for other workers."""
    return pack(network, f"{marker}-other", network._secret.encode())


FORGERIES: dict[str, tuple[Forge, str]] = {
    "tampered": (tampered, NOT_SIGNED),
    "unsigned": (unsigned, NOT_SIGNED),
    "blank": (blank, NOT_SIGNED),
    "hashed": (hashed, NOT_SIGNED),
    "empty": (empty, NOT_SIGNED),
    "signed by another": (signed_by_another, NOT_SIGNED),
    "another loop": (another_loop, ANOTHER),
}


def pack(network: ParamNetwork, marker: str, secret: bytes) -> bytes:
    loop = functools.partial(hosted_loops.touch, marker=marker)
    return pack_loop(loop, network._packer.codec.schema.models, secret).signed


@contextmanager
def forged(
    network: ParamNetwork, monkeypatch: pytest.MonkeyPatch, forge: Forge, marker: Path
) -> Iterator[None]:
    """Have each loop exchanged in Redis as soon as the manager has stored it."""
    store = network._store.store_loop

    def store_and_forge(digest: str, signed: bytes) -> None:
        store(digest, signed)
        key = NetworkKeys(network.network_id).loop(digest)
        assert network.connector.get(key) == signed
        network.connector.set(key, forge(network, signed, str(marker)))

    with monkeypatch.context() as patch:
        patch.setattr(network._store, "store_loop", store_and_forge)
        yield


def start(network: ParamNetwork, way: str, marker: Path) -> tuple[int | None, str]:
    """Start a worker in one of the ways; return how it ended and what it said."""
    loop = functools.partial(hosted_loops.touch, marker=str(marker))
    if way == "script":
        done = subprocess.run(
            ["sh"],
            input=network.worker_script(loop),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.returncode, done.stderr
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        if way == "local":
            network.start_local_workers(loop, n_workers=1)
        else:
            network.start_workers(loop, executor=executor, n_workers=1)
        with pytest.raises(WorkerStartError) as caught:
            network.wait_for_workers(1, timeout=30.0)
    return (1 if "exit code 1" in str(caught.value) else None), str(caught.value)


@pytest.mark.parametrize(
    ("forgery", "way"),
    [
        *((forgery, way) for forgery in ("tampered", "another loop") for way in WAYS),
        *(("signed by another", way) for way in ("local", "engine")),
        *((forgery, "script") for forgery in ("unsigned", "blank", "hashed", "empty")),
    ],
)
def test_a_forged_loop_is_refused(
    network: ParamNetwork,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    forgery: str,
    way: str,
) -> None:
    forge, expected = FORGERIES[forgery]
    with forged(network, monkeypatch, forge, tmp_path / "marker"):
        code, messages = start(network, way, tmp_path / "marker")
    assert code == 1
    assert expected in messages
    assert "It was not run" in messages
    assert "Traceback" not in messages
    assert network._secret not in messages
    assert list(tmp_path.iterdir()) == []
    assert (network.worker_ids, network.n_tasks) == ([], 0)
    (entry,) = network.read_log().iter_rows(named=True)
    assert entry["level"] == "ERROR"
    assert expected in entry["message"]
    assert entry["worker_id"] in entry["message"]


@pytest.mark.parametrize("way", WAYS)
def test_a_loop_of_its_own_manager_is_run(network: ParamNetwork, tmp_path: Path, way: str) -> None:
    marker = tmp_path / "marker"
    loop = functools.partial(hosted_loops.touch, marker=str(marker))
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        script = None
        if way == "local":
            network.start_local_workers(loop, n_workers=1)
        elif way == "engine":
            network.start_workers(loop, executor=executor, n_workers=1)
        else:
            script = subprocess.Popen(["sh", "-c", network.worker_script(loop)], cwd=ROOT)
        wait_until(marker.exists, description="the loop runs")
        network.stop_workers("terminate")
        wait_until(lambda: network.n_terminated_workers == 1, description="it has left")
        if script is not None:
            assert script.wait(30) == 0
    assert network.read_log().height == 0


def test_several_loops_lie_side_by_side(
    network: ParamNetwork, redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    network.push_tasks(points(3))
    other = Network[Params, Scores](network.network_id, redis=redis_url)
    own = network.worker_script(functools.partial(loops.finish_one, y=1.0))
    same = network.worker_script(functools.partial(loops.finish_one, y=1.0))
    theirs = other.worker_script(functools.partial(loops.finish_one, y=2.0))
    network.start_local_workers(work_off, n_workers=1)
    with forged(other, monkeypatch, tampered, tmp_path / "marker"):
        assert start(other, "script", tmp_path / "marker")[0] == 1
    for line in (own, same, theirs):
        assert subprocess.run(["sh"], input=line, text=True, cwd=ROOT, check=False).returncode == 0
    network.wait_until_done(timeout=30.0)
    assert own == same
    assert sorted(network.fetch_finished_tasks()["y"]) == [0.0, 1.0, 1.0, 1.0, 2.0, 2.0]
    keys = NetworkKeys(network.network_id)
    client: Any = network.connector
    digests = [digest.decode() for digest in client.smembers(keys.loops)]
    assert len(digests) == 4
    stored = {digest: client.get(keys.loop(digest)) for digest in digests}
    right = [d for d, signed in stored.items() if hashlib.sha256(signed).hexdigest() == d]
    assert len(right) == 3
