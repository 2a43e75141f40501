"""The leases of the workers of this process, as it asks another process to renew them."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from rushtyped.codec import encode_condition
from rushtyped.connect import Endpoint
from rushtyped.errors import InvalidArgumentError, WorkerStartError
from rushtyped.heartbeat.lease import Command, Drop, Hold, Lease, Orphans, Setting
from rushtyped.keys import new_token
from rushtyped.models import Condition
from rushtyped.pipes import frame, send

SECRET_VARIABLES = ("RUSHTYPED_SECRET", "RUSHTYPED_REDIS_URL", "REDIS_URL")
"""Variables that a process which does not need them is not given, since `ps` may show them."""
_SHORTEST_LIFE = 1.0
"""Seconds after which a process that died at once is started again."""
_SCRIPT = Path(__file__).with_name("start.py")


class LeaseHolder:
    """The way to a process that renews leases at one server.

    It is started before it is needed, and again when it has died. With a condition for orphans, it
    fails the tasks of workers that it kills since their manager has left.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        supervisor: int | None = None,
        orphaned: Condition | None = None,
    ) -> None:
        packed = b"" if orphaned is None else encode_condition(orphaned)
        reason = "" if orphaned is None else orphaned.message
        self._setting = Setting(endpoint, supervisor, packed, reason)
        self._held: dict[str, Lease] = {}
        self._lock = threading.RLock()
        self._closed = False
        self._process = self._start()

    def hold(self, lease: Lease) -> str:
        """Have a lease renewed from now on; return the token that ends it."""
        token = new_token()
        with self._lock:
            self._held[token] = lease
            self._tell(Hold(token, lease))
        return token

    def drop(self, token: str) -> None:
        """End a lease, since its worker is not in use any more."""
        with self._lock:
            if self._held.pop(token, None) is not None:
                self._tell(Drop(token))

    def revive(self) -> None:
        """Start the process anew where it has died."""
        with self._lock:
            if self._closed or self._process.poll() is None:
                return
            self._let_go()
            time.sleep(max(0.0, self._started_at + _SHORTEST_LIFE - time.monotonic()))
            self._process = self._start()
            for token, lease in self._held.items():
                self._tell(Hold(token, replace(lease, since=time.monotonic())))

    def settle_orphans(self) -> None:
        """Have the tasks of supervised workers settled: their manager has left."""
        with self._lock:
            self._tell(Orphans())

    def close(self) -> None:
        """Leave the process alone; it ends when none of its workers is left."""
        self._lock = threading.RLock()  # in a child of fork, nobody would give it back
        self._closed = True
        self._let_go()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def _start(self) -> subprocess.Popen[bytes]:
        self._started_at = time.monotonic()
        supervisor = self._setting.supervisor
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", str(_SCRIPT)],
                stdin=subprocess.PIPE,
                bufsize=0,  # a buffer has a lock that a child of fork could find taken
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=() if supervisor is None else (supervisor,),
                env={k: v for k, v in os.environ.items() if k not in SECRET_VARIABLES},
            )
        except OSError as error:
            raise WorkerStartError(
                f"the process that renews a worker's lease cannot be started: {error}"
            ) from error
        self._write(process, _packed(self._setting))
        return process

    def _tell(self, command: Command) -> None:
        self._write(self._process, frame(command))

    @staticmethod
    def _write(process: subprocess.Popen[bytes], framed: bytes) -> None:
        if process.stdin is not None and not process.stdin.closed:
            with contextlib.suppress(OSError):  # it has died: `revive` sees to it
                send(process.stdin.fileno(), framed)

    def _let_go(self) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        # it may live on, which is no reason for a warning when this object goes
        self._process.returncode = self._process.returncode or 0


def _packed(setting: Setting) -> bytes:
    try:
        return frame(setting)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise InvalidArgumentError(
            f"the client given as redis= cannot be handed to another process: {error}. Give a URL"
        ) from error


class Leases:
    """Holders of leases, one for each server that workers of this process are at."""

    def __init__(self) -> None:
        self._holders: dict[bytes, LeaseHolder] = {}
        self._elsewhere: set[str] = set()
        self._lock = threading.RLock()
        self._killable = False
        self._supervisor: int | None = None

    def leave_to_parent(self, worker_id: str) -> None:
        """Note that the process that started this one holds the lease of a worker."""
        self._elsewhere.add(worker_id)

    def give_process_to_worker(self, supervisor: int | None) -> None:
        """Note that this process is nothing but a worker, thus may be killed on command.

        With a pipe, it is also to be killed when the other end of that has gone.
        """
        self._killable, self._supervisor = True, supervisor

    def prepare(self, endpoint: Endpoint, worker_id: str) -> LeaseHolder | None:
        """Start the process that will renew a worker's lease; None where the parent does that."""
        if worker_id in self._elsewhere:
            return None
        key = _packed(Setting(endpoint, None, b"", ""))
        with self._lock:
            if key not in self._holders:
                # a process of its user's may live on when its last worker has ended
                lasting = endpoint if self._killable else endpoint.without_use()
                self._holders[key] = LeaseHolder(lasting, supervisor=self._supervisor)
            return self._holders[key]

    def lease(
        self, network_id: str, worker_id: str, period: float, expire: float, *, ends: bool
    ) -> Lease:
        """Make a lease for a worker of this process."""
        return Lease(
            network_id,
            worker_id,
            os.getpid(),
            period,
            expire,
            killable=self._killable,
            supervised=self._supervisor is not None,
            ends=ends,
        )

    def forget(self) -> None:
        """Let go of everything, as a child of fork has to: the leases are its parent's."""
        self._lock = threading.RLock()
        holders, self._holders = self._holders, {}
        for holder in holders.values():
            holder.close()


LEASES = Leases()
"""The leases of this process."""

os.register_at_fork(after_in_child=LEASES.forget)
