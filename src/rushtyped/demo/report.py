"""What is shown at the end: the best results, where the time went, how to read them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from rushtyped.demo.problem import DemoNetwork, Origin, Params
from rushtyped.printable import excerpt

PARTS = ("evaluation", "surrogate", "rushtyped")


@dataclass(frozen=True, slots=True)
class Run:
    """What the network does not know of its run."""

    max_tasks: int
    seconds: float
    redis: str | None
    """What was given as redis=, without a password."""


def describe(network: DemoNetwork, run: Run) -> str:
    """Describe a run whose workers have ended."""
    finished = network.fetch_finished_tasks()
    paragraphs = [
        _outcome(finished, network.fetch_failed_tasks(), run),
        *([_best(finished), _times(finished, network.worker_info)] if finished.height else []),
        _how_to_read(network.network_id, run.redis),
    ]
    return "\n" + "\n\n".join(paragraphs)


def _outcome(finished: pl.DataFrame, failed: pl.DataFrame, run: Run) -> str:
    lines = [f"{finished.height} of {run.max_tasks} evaluations finished in {run.seconds:.1f} s."]
    reasons = failed["condition"].struct.field("message").value_counts(sort=True, name="n")
    lines += [f"{n} failed: {excerpt(message)}" for message, n in reasons.iter_rows()]
    if finished.height < run.max_tasks:
        lines.append("No worker was left to go on: start the demo again.")
    return "\n".join(lines)


def _best(finished: pl.DataFrame) -> str:
    """Show one result in each column: its rows would be wider than a terminal."""
    best = finished.sort("log_loss").head(5)
    names = [
        "log_loss",
        "accuracy",
        *(name for name in best.columns if name in (*Params.model_fields, *Origin.model_fields)),
        "worker_id",
    ]
    lines = [
        "The five best by log loss, the mean of a 10-fold cross-validation:",
        *_table(
            ["", "1st", "2nd", "3rd", "4th", "5th"][: best.height + 1],
            [[name, *map(_text, best[name])] for name in names],
        ),
    ]
    design = finished.filter(pl.col("origin") == "design")["log_loss"].min()
    if isinstance(design, float):
        lowest = _text(best[0, "log_loss"])
        lines.append(f"Best of the initial design: {_text(design)}. Best of all: {lowest}.")
    return "\n".join(lines)


def _times(finished: pl.DataFrame, workers: pl.DataFrame) -> str:
    lived = (pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds() / 1e6
    spent = finished.group_by("worker_id").agg(
        pl.len().alias("tasks"), *(pl.col(f"{part}_seconds").sum().alias(part) for part in PARTS)
    )
    rows = (
        workers.sort("started_at")
        .select("worker_id", lived.alias("seconds"))
        .join(spent, on="worker_id", how="left", maintain_order="left")
        .fill_null(0)
    )
    total = rows.sum().with_columns(worker_id=pl.lit("all"))
    names = ("worker", "tasks", "seconds", *PARTS, "rest")
    per_task = 1000 * total[0, "rushtyped"] / total[0, "tasks"]
    lines = [
        "Where the workers' time went:",
        *_table(names, [_shares(row) for row in pl.concat([rows, total]).iter_rows(named=True)]),
        f"rushtyped: its calls, {per_task:.1f} ms for each task. They read all results, start the",
        "task and store its result. rest: waiting for the last tasks of other workers, and what",
        "was begun but not finished.",
    ]
    return "\n".join(lines)


def _shares(row: dict[str, float]) -> list[str]:
    parts = [row[part] for part in PARTS]
    whole = row["seconds"] or 1.0
    shares = [100 * seconds / whole for seconds in (*parts, row["seconds"] - sum(parts))]
    texts = [f"{share:.1f} %" if share >= 1 else f"{share:.2f} %" for share in shares]
    return [excerpt(row["worker_id"]), str(row["tasks"]), f"{row['seconds']:.1f}", *texts]


def _how_to_read(network_id: str, redis: str | None) -> str:
    server = "" if redis is None else f", redis={redis!r}"
    return "\n".join(
        [
            "The results stay in the network. To look at them again, in Python:",
            "",
            "    from rushtyped import Network",
            "    from rushtyped.demo import Origin, Params, Scores, Seconds",
            f"    network = Network[Params, Scores, Origin, Seconds]({network_id!r}{server})",
            '    print(network.fetch_finished_tasks().sort("log_loss"))',
        ]
    )


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else excerpt(value)


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lay out a column of names and columns of values."""
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        )
        for row in (names, *rows)
    ]
