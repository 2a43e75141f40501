"""Does the faults, and counts what it has done."""

from __future__ import annotations

import contextlib
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
from redis import exceptions

from tests.chaos.faults import Fault
from tests.chaos.servers import AnyServer
from tests.chaos.traces import Role, Traces

STOPPED = (5.0, 9.0)
"""Seconds for which a worker is stopped: more than its lease lasts."""
_MANAGER_STOPPED = (1.0, 3.0)
_SERVER_STOPPED = (0.5, 3.0)
_AWAY = (0.0, 0.7)
_MOST_CUTS = 5
_VICTIMS: Mapping[Fault, Role] = {
    Fault.KILL_WORKER: Role.WORKER,
    Fault.KILL_PRODUCER: Role.PRODUCER,
    Fault.KILL_MANAGER: Role.MANAGER,
    Fault.KILL_LEASES: Role.LEASES,
    Fault.KILL_NURSERY: Role.NURSERY,
    Fault.KILL_KEEPER: Role.KEEPER,
}


class Injector:
    """Kills, stops and cuts, as it is told, whom a seed decides."""

    def __init__(self, server: AnyServer, traces: Traces, rng: random.Random, log: Path) -> None:
        self.counts: Counter[Fault] = Counter()
        self._log = log
        self._last = 0
        self._server = server
        self._traces = traces
        self._rng = rng
        self._stopped: list[tuple[float, psutil.Process]] = []
        self._actions: Mapping[Fault, Callable[[], int]] = {
            Fault.STOP_WORKER: lambda: self._stop(Role.WORKER, STOPPED),
            Fault.STOP_LEASES: lambda: self._stop(Role.LEASES, STOPPED),
            Fault.STOP_MANAGER: lambda: self._stop(Role.MANAGER, _MANAGER_STOPPED),
            Fault.STOP_SERVER: self._stop_server,
            Fault.END_SERVER: lambda: self._restart(server.stop),
            Fault.KILL_SERVER: lambda: self._restart(self._kill_server),
            Fault.FORGET_SCRIPTS: lambda: self._ask(_forget_scripts),
            Fault.UNBLOCK: lambda: self._ask(self._unblock),
            Fault.CUT: lambda: self._ask(self._cut),
        }

    def inject(self, fault: Fault) -> bool:
        """Do a fault; False where there is nobody to do it to just now."""
        role = _VICTIMS.get(fault)
        n = self._actions[fault]() if role is None else self._signal(role, signal.SIGKILL)
        self.counts[fault] += n
        if n:
            self._note(fault)
        return n > 0

    def wake(self, *, all_of_them: bool = False) -> None:
        """Let those go on whose time is over, or all."""
        now = time.monotonic()
        due = [each for each in self._stopped if all_of_them or each[0] <= now]
        self._stopped = [each for each in self._stopped if each not in due]
        for _, process in due:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)
            self._last = process.pid
            self._note("woken up")

    def _note(self, what: str) -> None:
        """Write down what was done when, by the clock of the journals, and to which process."""
        with self._log.open("a") as log:
            log.write(f"{time.monotonic():.3f} {what}{f': {self._last}' if self._last else ''}\n")
        self._last = 0

    def _signal(self, role: Role, number: signal.Signals) -> int:
        return int(self._victim(role, number) is not None)

    def _victim(self, role: Role, number: signal.Signals) -> psutil.Process | None:
        """Send a signal to one of those of a role; who is stopped is to have time to come back."""
        stopped = [process for _, process in self._stopped]
        found = [process for process in self._traces.find()[role] if process not in stopped]
        if not found:
            return None
        victim = self._rng.choice(sorted(found, key=lambda process: process.pid))
        try:
            victim.send_signal(number)
        except psutil.NoSuchProcess:
            return None
        self._last = victim.pid
        return victim

    def _stop(self, role: Role, seconds: tuple[float, float]) -> int:
        victim = self._victim(role, signal.SIGSTOP)
        if victim is None:
            return 0
        self._stopped.append((time.monotonic() + self._rng.uniform(*seconds), victim))
        return 1

    def _stop_server(self) -> int:
        server = psutil.Process(self._server.pid)
        server.suspend()
        time.sleep(self._rng.uniform(*_SERVER_STOPPED))
        server.resume()
        return 1

    def _restart(self, end: Callable[[], None]) -> int:
        end()
        time.sleep(self._rng.uniform(*_AWAY))
        self._server.start()
        self._server.wait()
        return 1

    def _kill_server(self) -> None:
        """Kill it when it has written all that it has answered, as it will with what follows.

        With "everysec" it answers before it writes for as long as the disk is busy.
        """
        with self._server.client() as client:
            client.config_set("appendfsync", "always")
        self._server.kill()

    def _ask(self, what: Callable[[Any], int]) -> int:
        """Ask the server to do something; 0 where the connection for that is lost."""
        with contextlib.suppress(exceptions.ConnectionError), self._server.client() as client:
            return what(client)
        return 0

    def _cut(self, client: Any) -> int:
        """Have the server cut some of its connections."""
        own = client.client_id()
        others = [each["id"] for each in client.client_list() if int(each["id"]) != own]
        chosen = self._rng.sample(others, min(len(others), self._rng.randint(1, _MOST_CUTS)))
        return sum(client.execute_command("CLIENT", "KILL", "ID", each) for each in chosen)

    def _unblock(self, client: Any) -> int:
        """Have a call that waits on the server end, by an error or as if nothing had come."""
        blocked = [each["id"] for each in client.client_list() if "b" in each["flags"]]
        if not blocked:
            return 0
        how = self._rng.choice(("ERROR", "TIMEOUT"))
        ended: int = client.execute_command("CLIENT", "UNBLOCK", self._rng.choice(blocked), how)
        return ended


def _forget_scripts(client: Any) -> int:
    client.script_flush()
    return 1
