"""What a chaos run says in the end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

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
