"""Many processes work at one network while everything that can break is broken.

    python -m tests.chaos.run --tasks 100000 --seed 1

Ends with status 1 where a task is lost, doubled or in two states, or anything else that somebody
was told does not hold; journals and data stay then.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil
from loguru import logger

from rushtyped.keys import new_network_id, new_token
from tests.chaos.cast import Cast
from tests.chaos.faults import Fault, kinds, schedule
from tests.chaos.injector import Injector
from tests.chaos.journal import Verb
from tests.chaos.options import Options, read_options
from tests.chaos.part import Part
from tests.chaos.phase import Deadline, Outcome, Phase, TimeIsUpError
from tests.chaos.proxies import cutting_proxy, rates
from tests.chaos.report import Figures, describe_violations, figures_of
from tests.chaos.servers import make_server
from tests.chaos.traces import MARK, Traces
from tests.chaos.violation import Law, Violation
from tests.waiting import wait_until

BUDGET_SHARE = 0.1
"""Part of the tasks that belongs to the phase with a budget."""
_ROOM = 1_000_000_000
"""Bytes that a full run may fill, twice over."""


class Run:
    """A server, a proxy before it, and the phases that use them."""

    def __init__(self, options: Options, directory: Path) -> None:
        self._options = options
        self._directory = directory
        self._rng = random.Random(options.seed)
        self._deadline = Deadline(options.limit)
        self._faults: Counter[Fault] = Counter()
        self._began = time.monotonic()
        self._mark = new_token()
        os.environ[MARK] = self._mark
        self._server_directory = directory / "server"
        self._server = make_server(options, self._server_directory)

    def run(self) -> tuple[Figures, list[Violation]]:
        """Go through all phases; return what they came to."""
        outcomes: dict[int | None, Outcome] = {}
        violations: list[Violation] = []
        n_budget = max(1, round(self._options.tasks * BUDGET_SHARE))
        try:
            with self._server:
                for budget in (None, n_budget):
                    outcomes[budget] = self._phase(budget)
        except (TimeIsUpError, AssertionError) as error:
            violations.append(Violation(Law.SETTLED, "the run", str(error)))
        finally:
            left = self._kill_all()
        violations = [*(v for each in outcomes.values() for v in each.violations), *violations]
        violations += [Violation(Law.SETTLED, "a process", name) for name in left]
        figures = figures_of(
            self._options,
            outcomes,
            budget=n_budget,
            seconds=time.monotonic() - self._began,
            faults={each.value: self._faults[each] for each in kinds(embedded=self._is_embedded)},
            violations=violations,
        )
        return figures, violations

    def _phase(self, budget: int | None) -> Outcome:
        """Go through one phase, with a network, processes and proxies of its own."""
        options, name = self._options, "plain" if budget is None else "budget"
        tasks = budget or options.tasks
        part = self._part(name, tasks, budget)
        log = part.directory / "faults.log"
        injector = Injector(self._server, self._traces(part.directory), self._rng, log)
        phase = Phase(part, tasks, self._server, injector, self._deadline)
        faults = schedule(tasks, options.faults, self._rng, embedded=self._is_embedded)
        with ExitStack() as stack:
            proxies = {}
            for role, rate in rates(tasks).items():
                listen = self._directory / f"{name}-{role}.sock"
                proxy = cutting_proxy(self._server.socket, listen, rate=rate, rng=self._rng)
                proxies[role] = stack.enter_context(proxy)
            cast = Cast(
                part,
                self._rng,
                n_producers=options.n_producers,
                n_managers=options.n_managers,
                urls={role: (proxy.url, part.url, part.url) for role, proxy in proxies.items()},
            )
            outcome = phase.run(cast, faults)
            injector.counts[Fault.CUT_BYTES] += sum(proxy.end() for proxy in proxies.values())
        half_pops = [call for call in outcome.calls if call.verb is Verb.HALF_POP]
        injector.counts[Fault.KILL_IN_POP] += len(half_pops)
        self._faults += injector.counts
        return outcome

    def _part(self, name: str, tasks: int, budget: int | None) -> Part:
        directory = self._directory / name
        directory.mkdir()
        return Part(
            name=name,
            seed=0,
            network_id=new_network_id(),
            url=self._server.url,
            directory=directory,
            gate=self._directory / f"{name}.gate",
            budget=budget,
            backlog=max(50, min(2000, tasks // 20)),
            n_workers=self._options.n_workers,
        )

    @property
    def _is_embedded(self) -> bool:
        return self._options.program == "embedded"

    def _traces(self, journals: Path) -> Traces:
        return Traces(self._mark, journals, self._server_directory)

    def _kill_all(self) -> list[str]:
        """Kill what is left; return what that was, after some seconds to end by itself."""
        traces = self._traces(self._directory)

        def left() -> list[psutil.Process]:
            return [each for processes in traces.find().values() for each in processes]

        try:
            wait_until(lambda: not left(), description="all processes have ended", timeout=15.0)
        except AssertionError:
            names = [f"{role} {n}" for role, found in traces.find().items() for n in found]
            for process in left():
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            return names
        return []


def _scratch() -> Path:
    """Make a directory, in memory where that is possible: the server then writes without a wait.

    What a process has written there survives its kill as it does on a disk.
    """
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > _ROOM
    return Path(tempfile.mkdtemp(prefix="chaos-", dir=memory if has_room else None))


def main(words: Sequence[str] | None = None) -> int:
    """Run, report, and clean up unless something was found."""
    options = read_options(words)
    logger.remove()
    directory = options.directory or _scratch()
    directory.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(f"terminated; files are in {directory}"))
    figures, violations = Run(options, directory).run()
    print(figures.as_table())
    if options.json is not None:
        options.json.write_text(figures.as_json())
    if violations:
        print(describe_violations(violations, options.seed, directory))
        return 1
    if options.directory is None:
        shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
