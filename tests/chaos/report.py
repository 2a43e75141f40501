"""What a chaos run says in the end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.chaos.journal import Call, Verb
from tests.chaos.options import Options
from tests.chaos.phase import Outcome
from tests.chaos.violation import Law, Violation

MOST_SHOWN = 20
"""Violations that are written out."""


@dataclass(frozen=True, slots=True)
class Figures:
    """A run in figures."""

    server: str
    fsync: str
    seed: int
    seconds: float
    tasks: int
    finished: int
    failed: int
    budget: int
    """Tasks that were to finish in the phase that has a budget."""
    budget_finished: int
    retried: int
    requeued: int
    workers: int
    came_back: int
    """Workers that were declared lost and went on, until they were told."""
    calls: int
    """Calls that processes wrote down."""
    untold: int
    """Of these, calls that a kill came before the answer of."""
    refused: int
    """Results that were refused, since the task was no longer the worker's."""
    faults: Mapping[str, int]
    violations: Mapping[str, int]
    """How often each law was broken."""

    def as_table(self) -> str:
        """Write them as a table."""
        given = asdict(self)
        faults, violations = given.pop("faults"), given.pop("violations")
        given["seconds"] = round(self.seconds, 1)
        given["injected faults"] = sum(faults.values())
        rows = [
            *given.items(),
            *((f"  {name}", n) for name, n in faults.items()),
            *violations.items(),
        ]
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {_shown(value):>12}" for name, value in rows)

    def as_json(self) -> str:
        """Write them as JSON."""
        return json.dumps(asdict(self), indent=2) + "\n"


def figures_of(
    options: Options,
    outcomes: Mapping[int | None, Outcome],
    *,
    budget: int,
    seconds: float,
    faults: Mapping[str, int],
    violations: Sequence[Violation],
) -> Figures:
    """Sum up the phases; the one with a budget is found by it, the other one by None."""
    calls = [call for outcome in outcomes.values() for call in outcome.calls]
    tasks = [task for outcome in outcomes.values() for task in outcome.stored.tasks.values()]
    retried = sum(len(call.told or ()) for call in calls if call.verb is Verb.RETRY)
    finishes = [call for call in calls if call.verb is Verb.FINISH and call.told is not None]
    spent = outcomes.get(budget)
    return Figures(
        server=options.program,
        fsync=options.fsync if options.program != "embedded" else "everysec",
        seed=options.seed,
        seconds=seconds,
        tasks=len(tasks),
        finished=sum(task.state == "finished" for task in tasks),
        failed=sum(task.state == "failed" for task in tasks),
        budget=budget,
        budget_finished=len(spent.stored.places.finished) if spent else 0,
        retried=retried,
        requeued=sum(task.attempt - 1 for task in tasks) - retried,
        workers=sum(len(outcome.stored.places.workers) for outcome in outcomes.values()),
        came_back=_came_back(calls),
        calls=len(calls),
        untold=sum(call.told is None for call in calls),
        refused=sum(len(call.asked) - len(call.told or ()) for call in finishes),
        faults=faults,
        violations=count_violations(violations),
    )


def _came_back(calls: Sequence[Call]) -> int:
    lost_at = {
        worker_id: call.at
        for call in calls
        if call.verb is Verb.DETECT
        for worker_id in call.told or ()
    }
    return len({call.who for call in calls if call.at > lost_at.get(call.who, float("inf"))})


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def count_violations(violations: Sequence[Violation]) -> dict[str, int]:
    """Count how often each law was broken, also where it never was."""
    counts = Counter(violation.law for violation in violations)
    return {f"broken: {law}": counts[law] for law in Law}


def describe_violations(violations: Sequence[Violation], seed: int, directory: Path) -> str:
    """Write out the first violations, and where to look further."""
    shown = [str(violation) for violation in violations[:MOST_SHOWN]]
    more = len(violations) - len(shown)
    if more:
        shown.append(f"... and {more} more")
    return "\n".join([*shown, f"seed {seed}; journals and data are in {directory}"])
