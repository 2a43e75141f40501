"""Finding the processes of a chaos run, whoever their parent is by now."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import psutil

from tests.chaos.loops import PID

MARK = "CHAOS_RUN"
"""Variable that all processes of one run have, and those that these start."""


class Role(StrEnum):
    """What a process is there for."""

    PRODUCER = "producer"
    MANAGER = "manager"
    WORKER = "worker"
    NURSERY = "parent of workers"
    LEASES = "lease process"
    KEEPER = "keeper"
    SERVER = "server"
    OTHER = "another"


class Traces:
    """The processes that have one mark."""

    def __init__(self, mark: str, directory: Path, server_directory: Path) -> None:
        self._mark = mark
        self._directory = directory
        self._server_directory = str(server_directory)
        self._workers: dict[str, int] = {}

    def find(self) -> dict[Role, list[psutil.Process]]:
        """List the processes that live, by what they are there for."""
        self._note_workers()
        workers = set(self._workers.values())
        found: dict[Role, list[psutil.Process]] = {role: [] for role in Role}
        for process, words in self._marked():
            found[_role(process.pid in workers, words)].append(process)
        return found

    def _note_workers(self) -> None:
        for path in self._directory.glob(f"*{PID}"):
            if path.name not in self._workers and (pid := path.read_text()):
                self._workers[path.name] = int(pid)

    def _marked(self) -> Iterator[tuple[psutil.Process, list[str]]]:
        own = psutil.Process().pid
        for process in psutil.process_iter():
            try:
                words = process.cmdline()
                if process.pid != own and self._is_ours(process, words):
                    yield process, words
            except psutil.Error:
                continue

    def _is_ours(self, process: psutil.Process, words: list[str]) -> bool:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        is_keeper = self._server_directory in words  # it is given no variable
        return is_keeper or process.environ().get(MARK) == self._mark


def _role(is_worker: bool, words: list[str]) -> Role:
    if "tests.chaos.producer" in words:
        return Role.PRODUCER
    if "tests.chaos.manager" in words:
        return Role.MANAGER
    if is_worker:
        return Role.WORKER
    if words[-1] == "rushtyped.launch":
        return Role.NURSERY
    for script, role in (("heartbeat/start.py", Role.LEASES), ("/keeper.py", Role.KEEPER)):
        if any(word.endswith(script) for word in words):
            return role
    return Role.SERVER if any("-server" in word for word in words) else Role.OTHER
