"""The process that renews the leases of workers: it has no GIL that a worker's loop could hold.

It looks at the workers' processes, so that a dead or stopped one is not kept alive. It kills a
worker on command, and all supervised ones when their manager has gone, and then settles their
tasks. It ends when whoever started it has gone and no worker is left.
"""

from __future__ import annotations

import contextlib
import importlib
import pickle
import signal
import sys
import threading
import time
from dataclasses import dataclass, replace

import psutil
import redis

from rushtyped.channel import Channel
from rushtyped.connect import Endpoint
from rushtyped.errors import RushTypedError
from rushtyped.heartbeat.lease import Command, Drop, Hold, Lease, Orphans, Setting
from rushtyped.keys import NetworkKeys, new_token
from rushtyped.lease_store import LeaseStore, Renewal
from rushtyped.pipes import receive, receive_bytes
from rushtyped.store import Store

TICK = 0.5
"""Seconds between two looks at the processes."""
LISTEN = 1.0
"""Seconds for which one wait for a command to kill lasts, then new workers are waited for too."""
DEATH = 5.0
"""Seconds within which a killed process is gone."""
PATIENCE = 10.0
"""Seconds for which the server is tried when the tasks of orphans are to be settled."""
SHORTEST_TIMEOUT = 0.5
SHORTEST_LEASE = 0.001
LOOK = -1.0
"""Stands for a lease that is to be left as it is."""

_FAILURES = (RushTypedError, redis.RedisError, OSError)


@dataclass(slots=True)
class HeldLease:
    """A lease, with the process of its worker."""

    lease: Lease
    process: psutil.Process | None
    due: float = 0.0
    """When it is to be renewed, by the monotonic clock."""
    begun: bool = False
    """Whether it was ever renewed; before that, its worker may not have registered yet."""
    over: bool = False
    """Whether there is nothing to renew any more, though its process may have to be killed."""
    dropped: bool = False

    @property
    def is_alive(self) -> bool:
        """Whether the worker's process lives."""
        if self.process is None or self.dropped:
            return False
        try:
            return self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    @property
    def is_stopped(self) -> bool:
        """Whether the worker's process was stopped by a signal."""
        try:
            return self.process is not None and self.process.status() == psutil.STATUS_STOPPED
        except psutil.NoSuchProcess:
            return False

    @property
    def lasts(self) -> float:
        """Seconds that the lease is to last from now; that of a stopped worker runs out."""
        if not self.is_stopped:
            return self.lease.expire
        if self.begun:
            return LOOK
        # the worker was granted more, so that this process had time to start
        return max(SHORTEST_LEASE, self.lease.since + self.lease.expire - time.monotonic())

    def kill(self) -> None:
        """Kill the process, and wait until it has gone."""
        if self.process is not None:
            with contextlib.suppress(psutil.Error):
                self.process.kill()
            deadline = time.monotonic() + DEATH
            while self.is_alive and time.monotonic() < deadline:
                time.sleep(0.01)


class LeaseProcess:
    """Holds leases of the workers of one host at one server."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._held: dict[str, HeldLease] = {}
        self._stores: dict[str, LeaseStore] = {}
        self._listening: set[str] = set()
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._left_alone = False
        self._orphaned = False
        self._manager_left = False

    def run(self, commands: int) -> None:
        """Do what is read from a file descriptor, and go on while there is a lease to renew."""
        # an error while renewing ends the process, so that it is started anew
        threading.Thread(target=self._read, args=(commands,), daemon=True).start()
        if self._setting.supervisor is not None:
            threading.Thread(
                target=self._watch_manager, args=(self._setting.supervisor,), daemon=True
            ).start()
        self._renew_until_done()

    def _read(self, commands: int) -> None:
        with contextlib.suppress(EOFError):
            while True:
                self._obey(receive(commands))
        if self._setting.supervisor is None:
            self._note_orphans()
        self._left_alone = True
        self._wake.set()

    def _obey(self, command: Command) -> None:
        with self._lock:
            match command:
                case Hold(token, lease):
                    self._held[token] = _held(lease)
                    self._listen_for_kills(lease)
                case Drop(token):
                    if token in self._held:
                        self._held[token].dropped = True
                case Orphans():
                    self._manager_left = self._orphaned = True
        self._wake.set()

    def _watch_manager(self, pipe: int) -> None:
        with contextlib.suppress(EOFError, OSError):
            receive_bytes(pipe)
        self._note_orphans()

    def _note_orphans(self) -> None:
        self._orphaned = True
        self._wake.set()

    def _renew_until_done(self) -> None:
        while True:
            self._wake.clear()
            if self._orphaned:
                self._settle_orphans()
            self._tick()
            with self._lock:
                if self._left_alone and not self._held:
                    return
                next_due = min((each.due for each in self._held.values()), default=0.0)
            # a lease that is due but not renewed is one whose worker or server does not answer
            left = next_due - time.monotonic()
            self._wake.wait(min(left, TICK) if left > 0 else TICK)

    def _tick(self) -> None:
        """Renew the leases that are due, and end those of dead workers."""
        with self._lock:
            held = dict(self._held)
        alive = {token for token, each in held.items() if each.is_alive}
        in_use = {_worker_of(held[token]) for token in alive}
        networks: dict[str, dict[str, float]] = {}
        for token, each in held.items():
            if token not in alive:
                if each.over or not each.lease.ends or _worker_of(each) in in_use:
                    self._forget(token)
                else:
                    networks.setdefault(each.lease.network_id, {})[token] = 0.0
            elif time.monotonic() >= each.due and not each.over:
                networks.setdefault(each.lease.network_id, {})[token] = each.lasts
        for network_id, seconds in networks.items():
            self._renew(network_id, {token: held[token] for token in seconds}, seconds)

    def _renew(
        self, network_id: str, held: dict[str, HeldLease], seconds: dict[str, float]
    ) -> None:
        store = self._store(network_id, min(each.lease.period for each in held.values()))
        started = time.monotonic()
        asked = {each.lease.worker_id: seconds[token] for token, each in held.items()}
        try:
            replies = dict(zip(asked, store.renew(asked), strict=True))
        except _FAILURES:
            store.store.channel.renew()
            if self._left_alone:  # a dead worker's lease runs out by itself
                self._forget(*(token for token, lasts in seconds.items() if lasts == 0))
            return
        for token, each in held.items():
            # early enough for a lease that is hardly longer than its period
            pause = min(each.lease.period, each.lease.expire / 3)
            each.due = started + (pause if seconds[token] > 0 else min(pause, TICK))
            self._heed(token, each, replies[each.lease.worker_id])
            if seconds[token] == 0:
                each.over = True  # forgotten in the next round: it may be an orphan of this moment

    def _heed(self, token: str, held: HeldLease, renewal: Renewal) -> None:
        held.begun = held.begun or renewal is Renewal.DONE
        if renewal is not Renewal.KILL:
            return  # one that is gone may register again, when a server has lost that it had
        held.over = True
        if held.lease.killable:
            held.kill()
        elif not held.lease.supervised:
            self._forget(token)

    def _forget(self, *tokens: str) -> None:
        """Let go of leases, and of the connections that none needs any more."""
        with self._lock:
            for token in tokens:
                self._held.pop(token, None)
            needed = {each.lease.network_id for each in self._held.values()}
            for network_id in self._stores.keys() - needed:
                self._stores.pop(network_id).store.channel.close()

    def _settle_orphans(self) -> None:
        """Kill the workers whose manager has gone, and fail their tasks where asked to."""
        with self._lock:
            orphans = {
                token: each
                for token, each in self._held.items()
                if each.lease.supervised and not each.dropped
            }
        for each in orphans.values():
            each.kill()
        if not (self._setting.orphaned and self._manager_left):
            return  # there may be a manager, which finds them lost since their leases end
        deadline = time.monotonic() + PATIENCE
        for each in orphans.values():
            self._settle(each.lease, max(0.0, deadline - time.monotonic()))
        self._forget(*orphans)

    def _settle(self, lease: Lease, patience: float) -> None:
        store = _open_store(self._setting.endpoint, lease.network_id, patience)
        with contextlib.suppress(*_FAILURES):
            store.settle_worker(
                lease.worker_id,
                new_token(),
                self._setting.orphaned,
                max_attempts=0,
                fail_pending=False,
                reason=self._setting.orphaned_reason,
            )
        store.channel.close()

    def _listen_for_kills(self, lease: Lease) -> None:
        if lease.killable and lease.network_id not in self._listening:
            self._listening.add(lease.network_id)
            threading.Thread(target=self._listen, args=(lease.network_id,), daemon=True).start()

    def _listen(self, network_id: str) -> None:
        """Wait for commands to kill, as long as there is somebody whom they may mean."""
        store = LeaseStore(_open_store(self._setting.endpoint, network_id, 0.0))
        while worker_ids := self._killable(network_id):
            try:
                if store.wait_for_kill(worker_ids, LISTEN):
                    self._renew_at_once(network_id)
            except _FAILURES:
                store.store.channel.renew()
                time.sleep(TICK)
        store.store.channel.close()

    def _killable(self, network_id: str) -> list[str]:
        with self._lock:
            leases = [each.lease for each in self._held.values()]
            found = [
                lease.worker_id
                for lease in leases
                if lease.killable and lease.network_id == network_id
            ]
            if not found:
                self._listening.discard(network_id)
            return found

    def _renew_at_once(self, network_id: str) -> None:
        with self._lock:
            for each in self._held.values():
                if each.lease.network_id == network_id:
                    each.due = 0.0
        self._wake.set()

    def _store(self, network_id: str, period: float) -> LeaseStore:
        """Return a store whose calls end well before the next renewal is due."""
        if network_id not in self._stores:
            timeout = max(SHORTEST_TIMEOUT, period / 2)
            endpoint = replace(self._setting.endpoint, socket_timeout=timeout)
            self._stores[network_id] = LeaseStore(_open_store(endpoint, network_id, 0.0))
        return self._stores[network_id]


def _held(lease: Lease) -> HeldLease:
    try:
        return HeldLease(lease, psutil.Process(lease.pid))
    except psutil.NoSuchProcess:
        return HeldLease(lease, None)


def _worker_of(held: HeldLease) -> tuple[str, str]:
    return held.lease.network_id, held.lease.worker_id


def _open_store(endpoint: Endpoint, network_id: str, patience: float) -> Store:
    keys = NetworkKeys(network_id)
    return Store(Channel(endpoint, keys.meta, patience), keys)


def _receive_setting(commands: int) -> Setting:
    packed = receive_bytes(commands)
    try:
        setting: Setting = pickle.loads(packed)  # noqa: S301 - its own parent wrote it
    except (ImportError, AttributeError):  # a connection class of the user's own needs it all
        del sys.modules["rushtyped"]
        importlib.import_module("rushtyped")
        setting = pickle.loads(packed)  # noqa: S301 - its own parent wrote it
    return setting


def main() -> int:
    """Hold leases as standard input says."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    commands = sys.stdin.fileno()
    LeaseProcess(_receive_setting(commands)).run(commands)
    return 0
