"""Many processes work at one network while everything that can break is broken.

    python -m tests.chaos.run --tasks 100000 --seed 1

Ends with status 1 where a task is lost, doubled or in two states, or anything else that somebody
was told does not hold; journals and data stay then.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from loguru import logger

from rushtyped.keys import new_network_id, new_token
from tests.chaos.cast import Cast
from tests.chaos.faults import Fault, kinds, schedule
from tests.chaos.injector import Injector
from tests.chaos.journal import Verb
from tests.chaos.options import Options, read_options
from tests.chaos.part import Part
from tests.chaos.phase import Deadline, Outcome, Phase, TimeIsUpError
from tests.chaos.report import Figures, count_violations, describe_violations
from tests.chaos.servers import make_server
from tests.chaos.traces import MARK, Traces
from tests.chaos.violation import Law, Violation
from tests.faults.proxy_process import proxy_process
from tests.waiting import wait_until

BUDGET_SHARE = 0.1
"""Part of the tasks that belongs to the phase with a budget."""
_CUTS_OF_PRODUCERS = 1 / 10
"""Share of the producers' calls that a proxy cuts; there are few, and each is a large one."""
_FEWEST_CALLS = 60
"""Calls of managers and workers between two cuts by a proxy, and more in a large run."""
_SPARED = ("INFO",)
"""Never cut by the proxy: the first question of a new object is asked only once."""


class _Proxy(NamedTuple):
    """A proxy that cuts connections."""

    url: str
    process: subprocess.Popen[str]

    def end(self) -> int:
        """End it; return how many calls it has cut, from its last line."""
        self.process.terminate()
        said = self.process.stdout.read() if self.process.stdout is not None else ""
        words = said.split()
        return int(words[-2]) if words[-1:] == ["cut"] else 0


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
        return self._figures(outcomes, n_budget, violations), violations

    def _phase(self, budget: int | None) -> Outcome:
        options = self._options
        name = "plain" if budget is None else "budget"
        directory = self._directory / name
        directory.mkdir()
        tasks = budget or options.tasks
        part = Part(
            name=name,
            seed=0,
            network_id=new_network_id(),
            url=self._server.url,
            directory=directory,
            gate=self._directory / f"{name}.gate",
            budget=budget,
            backlog=max(50, min(2000, tasks // 20)),
            n_workers=options.n_workers,
        )
        injector = Injector(self._server, self._traces(directory), self._rng)
        phase = Phase(part, tasks, self._server, injector, self._deadline)
        faults = schedule(tasks, options.faults, self._rng, embedded=self._is_embedded)
        rates = {"producer": _CUTS_OF_PRODUCERS, "manager": 1 / max(_FEWEST_CALLS, tasks // 250)}
        with ExitStack() as stack:
            proxies = {
                role: stack.enter_context(self._proxy(f"{name}-{role}", rate))
                for role, rate in rates.items()
            }
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

    @contextmanager
    def _proxy(self, name: str, rate: float) -> Iterator[_Proxy]:
        """Run a proxy that cuts a share of the calls that come by."""
        listen = self._directory / f"{name}.sock"
        seed = self._rng.randrange(1 << 30)
        with proxy_process(self._server.socket, listen, seed=seed, rate=rate, spared=_SPARED) as (
            url,
            process,
        ):
            yield _Proxy(url, process)

    @property
    def _is_embedded(self) -> bool:
        return self._options.program == "embedded"

    def _traces(self, journals: Path) -> Traces:
        return Traces(self._mark, journals, self._server_directory)

    def _kill_all(self) -> list[str]:
        """Kill what is left; return what that was, after some seconds to end by itself."""
        traces = self._traces(self._directory)

        def left() -> list[str]:
            return [
                f"{role} {process.pid}: {process.cmdline()}"
                for role, processes in traces.find().items()
                for process in processes
            ]

        try:
            wait_until(lambda: not left(), description="all processes have ended", timeout=15.0)
        except AssertionError:
            found = left()
            for processes in traces.find().values():
                for process in processes:
                    process.kill()
            return found
        return []

    def _figures(
        self, outcomes: dict[int | None, Outcome], n_budget: int, violations: Sequence[Violation]
    ) -> Figures:
        calls = [call for outcome in outcomes.values() for call in outcome.calls]
        tasks = [task for outcome in outcomes.values() for task in outcome.stored.tasks.values()]
        attempts = sum(task.attempt - 1 for task in tasks)
        retried = sum(len(call.told or ()) for call in calls if call.verb is Verb.RETRY)
        finishes = [call for call in calls if call.verb is Verb.FINISH and call.told is not None]
        spent = outcomes.get(n_budget)
        return Figures(
            server=self._options.program,
            fsync=self._options.fsync,
            seed=self._options.seed,
            seconds=time.monotonic() - self._began,
            tasks=len(tasks),
            finished=sum(task.state == "finished" for task in tasks),
            failed=sum(task.state == "failed" for task in tasks),
            budget=n_budget,
            budget_finished=len(spent.stored.places.finished) if spent else 0,
            retried=retried,
            requeued=attempts - retried,
            workers=sum(len(outcome.stored.places.workers) for outcome in outcomes.values()),
            calls=len(calls),
            untold=sum(call.told is None for call in calls),
            refused=sum(len(call.asked) - len(call.told or ()) for call in finishes),
            faults={
                fault.value: self._faults[fault] for fault in kinds(embedded=self._is_embedded)
            },
            violations=count_violations(violations),
        )


def _scratch() -> Path:
    """Make a directory, in memory where that is possible: the server then writes without a wait.

    What a process has written there survives its kill as it does on a disk.
    """
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="chaos-", dir=memory if memory.is_dir() else None))


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
