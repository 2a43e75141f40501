"""Findings as a Polars frame."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from rushtyped.verification.findings import Finding, Problem

FINDING_SCHEMA: dict[str, pl.DataType] = {
    "problem": pl.Enum([problem.value for problem in Problem]),
    "key": pl.String(),
    "state": pl.String(),
    "worker_id": pl.String(),
    "where": pl.String(),
    "repaired": pl.Boolean(),
}


def findings_frame(findings: Iterable[Finding]) -> pl.DataFrame:
    """Make one row of each finding, sorted; a state or worker that is not known is null."""
    rows = sorted(findings)
    columns = dict(zip(Finding._fields, zip(*rows, strict=True), strict=False)) if rows else {}
    for name in ("state", "worker_id"):
        columns[name] = tuple(value or None for value in columns.get(name, ()))
    return pl.DataFrame(
        {name: list(columns.get(name, ())) for name in FINDING_SCHEMA},
        schema=FINDING_SCHEMA,
        strict=True,
    )
