"""Checks what is stored of a network while it goes on, and mends what has one right answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Any

from loguru import logger

from rushtyped.errors import NetworkResetError
from rushtyped.index_store import CHUNK, chunks
from rushtyped.lua import load_script
from rushtyped.store import Store
from rushtyped.verification.findings import Finding, Problem
from rushtyped.verification.key_space import KeySpace
from rushtyped.verification.sightings import Sighting
from rushtyped.verification.survey import Survey

_ELEMENTS = 500_000
"""Elements of lists that one command looks through: some five milliseconds."""
_ELEMENTS_IN_ALL = 50_000_000
"""Elements that are looked through before suspects are looked at anew instead."""
_ROUNDS = 5
_WORKERS = 100
_TRIES = 3
_LOOK, _MEND = 0, 1  # as the scripts are told


class Verifier:
    """Checks one network, whose lost workers' tasks fail with a packed condition."""

    def __init__(self, store: Store, condition: bytes) -> None:
        self._store = store
        self._condition = condition
        self._survey = Survey(store)
        self._key_space = KeySpace(store)
        self._repair = False

    def verify(self, *, repair: bool, read: Collection[str] = ()) -> list[Finding]:
        """Find what is wrong; `read` are the finished tasks that the caller knows.

        Starts anew where the network is reset meanwhile; raises NetworkResetError when that
        happens again and again.
        """
        self._repair = repair
        for _ in range(_TRIES):
            epoch = self._store.epoch()
            findings = list(self._find(read))
            if self._store.epoch() == epoch:
                return findings
        raise NetworkResetError(
            f"network {self._store.keys.network_id!r} was reset {_TRIES} times while it was "
            "verified: verify it when it is left alone"
        )

    def _find(self, read: Collection[str]) -> Iterator[Finding]:
        wrong = list(self._key_space.wrong_types())
        if wrong:
            yield from wrong  # nothing else can be read
            return
        yield from self._check_meta()
        yield from self._check_trash()
        found = self._key_space.find()
        if found is None:
            logger.warning(
                "Keys that nothing refers to were not searched for: this user may not SCAN"
            )
        hashes = self._survey.members(self._store.keys.hashes)
        sighting = self._survey.sight_all(found.tasks | hashes if found else hashes)
        yield from self._check_tasks(sighting, hashes)
        yield from self._check_workers()
        yield from self._check_owned(sighting)
        for key in read:
            if not sighting.settled.finished[key.encode()]:
                where = self._store.keys.finished
                yield Finding(Problem.RESULT_LOST, key, "", "", where, repaired=False)
        for name in found.strange if found else ():
            yield Finding(Problem.STRANGE_KEY, name, "", "", name, repaired=False)

    def _check_meta(self) -> Iterator[Finding]:
        # a reset leaves the epoch alone, until the next user joins
        if self._store.joined() is None and self._store.indexes.count("all"):
            meta = self._store.keys.meta
            yield Finding(Problem.META_INCOMPLETE, meta, "", "", meta, repaired=False)

    def _check_trash(self) -> Iterator[Finding]:
        """Report what a reset has left, unless it is being swept up right now."""
        keys = self._store.keys
        for command, trash in (("LLEN", keys.trash), ("SCARD", keys.trash_hashes)):
            before, after = (self._store.channel.call(command, trash) for _ in range(2))
            if before and after >= before:
                if self._repair:
                    self._store.sweep()
                yield Finding(Problem.TRASH_LEFT, trash, "", "", trash, repaired=self._repair)

    def _check_tasks(self, sighting: Sighting, hashes: set[bytes]) -> Iterator[Finding]:
        suspects = [key for key in sighting.suspects() if not _is_free(sighting, key, hashes)]
        n_queued = int(self._store.channel.call("LLEN", self._store.keys.queue))
        for _ in range(_ROUNDS):
            if len(suspects) * n_queued <= _ELEMENTS_IN_ALL:
                break
            sighting = self._survey.sight(suspects)
            suspects = sighting.suspects()
        n_workers = self._store.n_workers()
        step = max(1, min(CHUNK, _ELEMENTS // (n_queued + 100 * n_workers + 1)))
        for chunk in chunks(suspects, step):
            yield from self._settle(partial(self._look_closely, chunk, sighting))

    def _settle(self, look: Callable[[int], Iterator[Finding]]) -> Iterator[Finding]:
        """Look, and look again to mend: what was found is known where that reply is lost."""
        found = set(look(_LOOK))
        if found and self._repair:
            mended = list(look(_MEND))
            found |= {each._replace(repaired=False) for each in mended if each.repaired}
            left = {each for each in mended if not each.repaired}
            found = {each._replace(repaired=each not in left) for each in found}
        yield from found

    def _look_closely(
        self,
        suspects: Collection[bytes],
        sighting: Sighting,
        mend: int,
    ) -> Iterator[Finding]:
        """Check some tasks at one instant."""
        keys, settled = self._store.keys, sighting.settled
        names = (
            *(keys.all, keys.queue, keys.running, keys.finished, keys.failed),
            *(keys.hashes, keys.workers, keys.running_workers, keys.trash, keys.trash_hashes),
            *(keys.events, keys.meta),
        )
        seen = ((key, settled.all[key], settled.finished[key]) for key in suspects)
        gone_all, gone_finished, *replies = self._run(
            "verify_tasks",
            names,
            mend,
            *(settled.n_all, settled.n_finished, self._condition),
            *(part for row in seen for part in row),
        )
        settled.n_all -= gone_all
        settled.n_finished -= gone_finished
        for key, (state, worker_id, *problems) in zip(suspects, replies, strict=True):
            for problem, where, repaired in zip(*[iter(problems)] * 3, strict=True):
                yield _finding(problem, (key, state, worker_id, where), repaired=repaired)

    def _check_workers(self) -> Iterator[Finding]:
        keys = self._store.keys
        names = (keys.workers, keys.running_workers, keys.terminated_workers)
        ids = set[bytes]().union(*(self._survey.members(name) for name in names))
        for chunk in chunks(sorted(ids), _WORKERS):
            yield from self._settle(partial(self._look_at_workers, chunk))

    def _look_at_workers(
        self,
        chunk: Sequence[bytes],
        mend: int,
    ) -> Iterator[Finding]:
        keys = self._store.keys
        names = (keys.workers, keys.running_workers, keys.terminated_workers, keys.meta)
        reply = self._run("verify_workers", names, mend, *chunk)
        for worker_id, problem, where, repaired in zip(*[iter(reply)] * 4, strict=True):
            yield _finding(problem, (worker_id, b"", worker_id, where), repaired=repaired)

    def _check_owned(self, sighting: Sighting) -> Iterator[Finding]:
        for worker_id, listed in sighting.not_owned().items():
            for chunk in chunks(listed):
                yield from self._settle(partial(self._look_at_owned, worker_id, chunk))

    def _look_at_owned(
        self,
        worker_id: bytes,
        chunk: Sequence[bytes],
        mend: int,
    ) -> Iterator[Finding]:
        owned = self._store.keys.worker(worker_id.decode(errors="backslashreplace")).tasks
        for key in self._run("verify_owned", (owned,), mend, worker_id, *chunk):
            yield _finding(b"not_owned", (key, b"", worker_id, owned.encode()), repaired=mend)

    def _run(
        self,
        script: str,
        names: tuple[str, ...],
        mend: int,
        *arguments: Any,
    ) -> Any:
        channel, prefix = self._store.channel, self._store.keys.prefix
        flags = (prefix, mend)
        return channel.run(load_script(script), len(names), *names, *flags, *arguments)


def _is_free(sighting: Sighting, key: bytes, hashes: set[bytes]) -> bool:
    """Tell whether it is a hash that is no task, and was written as such."""
    mark = sighting.marks[key]
    return key in hashes and not mark.state and mark.fault == b"state_unknown"


def _finding(problem: bytes, parts: Sequence[bytes], *, repaired: int) -> Finding:
    """Make a finding of its problem, then key, state, worker and where it is."""
    key, state, worker_id, where = (part.decode(errors="backslashreplace") for part in parts)
    kind = Problem(problem.decode())
    return Finding(kind, key, state, worker_id, where, repaired=bool(repaired))
