"""Who can only write to Redis has no code run: one test for each way in which he may try.

What he writes would make a directory, the canary, where it is loaded or run.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import os
import pickle
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgpack
import pytest

from rushtyped import LoopLoadError, Network, RushTypedError, UntrustedLoopError
from rushtyped.keys import NetworkKeys
from rushtyped.loops import PackedLoop, pack_loop, unpack_loop
from rushtyped.models import AnyExtra
from rushtyped.schema import Models
from tests.faults.damage import READERS
from tests.faults.hostile import Canary
from tests.launch import hosted_loops
from tests.models import ParamNetwork, Params, Scores, points, search, work_off
from tests.servers.behind import client_behind
from tests.waiting import wait_until

SECRET = b"the secret of the manager"
MODELS = Models(Params, Scores, AnyExtra, AnyExtra)
WORKER = (sys.executable, "-m", "rushtyped", "worker")
RECORD = ("pid", "hostname", "version", "started_at", "reason", "token", "settled_by")
NOT_SIGNED = "the worker loop in Redis is not signed with this worker's secret"
ANOTHER = "the worker loop in Redis is another one than this worker was told to run"


@pytest.fixture
def network(redis_url: str, network_id: str) -> ParamNetwork:
    return Network[Params, Scores](network_id, redis=redis_url)


def canary_loop(canary: Path) -> Any:
    return functools.partial(os.mkdir, str(canary))


def signed_with(secret: bytes, packed: bytes) -> bytes:
    return hmac.digest(secret, packed, "sha256") + packed


def envelope_of(payload: bytes, **changes: object) -> bytes:
    """Pack an envelope as `pack_loop` does."""
    packed: bytes = msgpack.packb({"version": 1, "name": "a:b", "payload": payload, **changes})
    return packed


def pickled(canary: Path) -> bytes:
    """Pickle a loop that leaves the canary when it is loaded, and when it is run."""
    return pickle.dumps((Canary(canary), canary_loop(canary)))


def refused(signed: bytes, digest: str | None = None, secret: bytes = SECRET) -> str:
    """Have a worker with the manager's secret load a loop; return why it does not."""
    told = hashlib.sha256(signed).hexdigest() if digest is None else digest
    with pytest.raises(UntrustedLoopError) as caught:
        unpack_loop(signed, secret, digest=told)
    return str(caught.value)


def test_a_pickle_that_is_not_signed_is_not_loaded(tmp_path: Path) -> None:
    for signed in (pickled(tmp_path / "x"), envelope_of(pickled(tmp_path / "x"))):
        assert NOT_SIGNED in refused(signed)
        assert NOT_SIGNED in refused(bytes(32) + signed)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("secret", [b"", b"\0", bytes(32), b"short", SECRET[:-1], SECRET + b"x"])
def test_a_pickle_signed_with_another_secret_is_not_loaded(tmp_path: Path, secret: bytes) -> None:
    assert NOT_SIGNED in refused(signed_with(secret, envelope_of(pickled(tmp_path / "x"))))
    assert list(tmp_path.iterdir()) == []


def test_a_signature_that_is_cut_or_extended_is_refused(tmp_path: Path) -> None:
    signed = pack_loop(canary_loop(tmp_path / "x"), MODELS, SECRET).signed
    for n in (0, 1, 16, 31, 32):
        assert NOT_SIGNED in refused(signed[:n])
        assert NOT_SIGNED in refused(signed[n + 1 :])
    for changed in (signed[:-1], signed + b"\0", signed[:32] + b"\0" + signed[32:], signed * 2):
        assert NOT_SIGNED in refused(changed)
    assert list(tmp_path.iterdir()) == []


def test_each_changed_bit_is_noticed(tmp_path: Path) -> None:
    signed = pack_loop(canary_loop(tmp_path / "x"), MODELS, SECRET).signed
    for at in range(0, len(signed), 7):
        changed = bytearray(signed)
        changed[at] ^= 1
        assert NOT_SIGNED in refused(bytes(changed))
    assert list(tmp_path.iterdir()) == []


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return False

    monkeypatch.setattr(hmac, "compare_digest", compare)
    signed = pack_loop(work_off, MODELS, SECRET).signed
    assert NOT_SIGNED in refused(signed)
    assert compared == [(signed[:32], signed[:32])]


def test_a_loop_of_another_network_is_not_replayed(tmp_path: Path) -> None:
    old = pack_loop(canary_loop(tmp_path / "x"), MODELS, SECRET)
    told = pack_loop(work_off, MODELS, SECRET)
    assert ANOTHER in refused(old.signed, told.digest)
    assert list(tmp_path.iterdir()) == []


def test_loops_that_change_places_are_refused() -> None:
    one, other = (pack_loop(loop, MODELS, SECRET) for loop in (work_off, search))
    assert ANOTHER in refused(one.signed, other.digest)
    assert ANOTHER in refused(other.signed, one.digest)


def test_a_reference_to_a_file_is_followed_only_when_it_is_signed(tmp_path: Path) -> None:
    file = tmp_path / "evil"
    file.write_bytes(pickled(tmp_path / "x"))
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    for place in (str(file), f"{tmp_path}/../{tmp_path.name}/evil", "/proc/self/mem", "/dev/zero"):
        packed = msgpack.packb({"version": 1, "name": "a:b", "file": place, "sha256": sha256})
        for secret in (b"", b"another secret"):
            assert NOT_SIGNED in refused(signed_with(secret, packed))
    assert list(tmp_path.iterdir()) == [file]


def stored_in_file(directory: Path) -> tuple[PackedLoop, Path]:
    loop = functools.partial(hosted_loops.touch, marker="x" * 5000)
    packed = pack_loop(loop, MODELS, SECRET, max_object_size=1024, large_objects_path=directory)
    (file,) = directory.iterdir()
    return packed, file


def test_a_file_that_was_exchanged_is_not_loaded(tmp_path: Path) -> None:
    packed, file = stored_in_file(tmp_path / "objects")
    file.write_bytes(pickled(tmp_path / "x"))
    assert "which holds something else" in refused(packed.signed, packed.digest)
    file.unlink()
    file.symlink_to("/proc/self/environ")
    assert "which holds something else" in refused(packed.signed, packed.digest)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("kind", ["pipe", "device", "directory", "missing"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    packed, file = stored_in_file(tmp_path / "objects")
    file.unlink()
    match kind:
        case "pipe":
            os.mkfifo(file)
        case "device":
            file.symlink_to("/dev/zero")
        case "directory":
            file.mkdir()
        case _:
            pass
    with pytest.raises(LoopLoadError, match="cannot be read here"):
        unpack_loop(packed.signed, SECRET, digest=packed.digest)


def test_a_dangerous_function_is_not_called_without_a_signature(tmp_path: Path) -> None:
    command = f"mkdir {tmp_path / 'x'}"
    for loop in (os.system, functools.partial(os.system, command), functools.partial(eval, "1")):
        packed = envelope_of(pickle.dumps((tuple(MODELS), loop)))
        for secret in (b"", b"another secret"):
            assert NOT_SIGNED in refused(signed_with(secret, packed))
    assert list(tmp_path.iterdir()) == []


def test_who_holds_the_secret_can_have_code_run(tmp_path: Path) -> None:
    signed = signed_with(SECRET, envelope_of(pickled(tmp_path / "x")))
    with pytest.raises(LoopLoadError):
        unpack_loop(signed, SECRET, digest=hashlib.sha256(signed).hexdigest())
    assert (tmp_path / "x").exists()


@pytest.mark.parametrize("secret", ["", "short", "\udcff" * 20])
def test_a_worker_with_an_empty_or_short_secret_runs_nothing(
    network: ParamNetwork, tmp_path: Path, secret: str
) -> None:
    key = secret.encode(errors="surrogateescape")
    packed = signed_with(key, envelope_of(pickled(tmp_path / "x")))
    digest = hashlib.sha256(packed).hexdigest()
    client_behind(network).set(NetworkKeys(network.network_id).loop(digest), packed)
    done = subprocess.run(
        [*WORKER, "--network-id", network.network_id, "--loop", digest],
        env={**os.environ, "RUSHTYPED_SECRET": secret, "REDIS_URL": url_of(network)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "RUSHTYPED_SECRET" in done.stderr
    assert "Traceback" not in done.stderr
    assert secret not in done.stderr or not secret
    assert list(tmp_path.iterdir()) == []


def url_of(network: ParamNetwork) -> str:
    return str(network._endpoint.url)


@pytest.mark.parametrize("told", [b"", b"\xff" * 8, b"\0" * 7 + b"\x02N.", b"\0" * 7 + b"\x01\xff"])
def test_an_order_that_is_none_is_refused(told: bytes) -> None:
    done = subprocess.run(
        [*WORKER, "--order-from-stdin"],
        input=told * 2,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(b"rushtyped: ")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("key", ["task", "worker", "meta", "logs", "events", "pending"])
def test_a_pickle_under_any_other_key_is_never_loaded(
    network: ParamNetwork, tmp_path: Path, key: str
) -> None:
    (task,) = network.push_tasks(points(1))
    network.start_local_workers(work_off, n_workers=1)
    wait_until(lambda: network.n_finished_tasks == 1, description="a worker has been there")
    wait_until(lambda: network.n_running_workers == 0, description="the worker has ended")
    (worker_id,) = network.worker_ids
    client, keys = client_behind(network), NetworkKeys(network.network_id)
    evil = pickled(tmp_path / "x")
    match key:
        case "task":
            fields = ("xs", "ys", "xs_extra", "ys_extra", "condition", "worker_id", "note")
            client.hset(keys.task(task), mapping=dict.fromkeys(fields, evil))
        case "worker":
            client.hset(keys.worker(worker_id).record, mapping=dict.fromkeys(RECORD, evil))
        case "meta":
            client.hset(keys.meta, mapping={"schemas": evil, "column:a": evil})
        case "logs":
            client.rpush(keys.worker(worker_id).log, evil)
            client.hset(keys.logs, worker_id, "1")
        case "events":
            client.xadd(keys.events, {"type": evil, "worker": evil})
        case _:
            client.rpush(keys.worker(worker_id).pending, evil)
            client.rpush(keys.queue, evil)
    for read in READERS.values():
        with suppress(RushTypedError):
            read(network)
    for join in (Network[Params, Scores], Network.open):
        with suppress(RushTypedError):
            join(network.network_id, redis=url_of(network)).fetch_tasks()
    assert list(tmp_path.iterdir()) == []
