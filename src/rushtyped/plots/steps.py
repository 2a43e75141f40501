"""Counts over time: how many are on at each instant, and for how long in sum."""

from __future__ import annotations

import polars as pl


def instants(first: float, last: float, n: int) -> pl.Series:
    """List n instants evenly from the first to the last."""
    width = (last - first) / (n - 1)
    return pl.Series([*(first + i * width for i in range(n - 1)), last], dtype=pl.Float64)


def changes(begins: pl.Series, ends: pl.Series) -> pl.DataFrame:
    """List when the count of open intervals changes, and by how much.

    A missing begin is no interval, a missing end one that stays open.
    """
    begun = begins.is_not_null()
    return pl.concat(
        [
            pl.DataFrame({"at": begins.filter(begun)}).with_columns(by=pl.lit(1, pl.Int64)),
            pl.DataFrame({"at": ends.filter(begun)}).with_columns(by=pl.lit(-1, pl.Int64)),
        ]
    ).drop_nulls("at")


def count_at(changed: pl.DataFrame, at: pl.Series) -> pl.Series:
    """Count at each of these instants, changes at it included."""
    return _joined(changed, at)["count"]


def total_at(changed: pl.DataFrame, at: pl.Series) -> pl.Series:
    """Return the sum of the time that each has been on until these instants."""
    joined = _joined(changed, at)
    return joined["total"] + joined["count"] * (joined["now"] - joined["at"])


def _joined(changed: pl.DataFrame, at: pl.Series) -> pl.DataFrame:
    steps = changed.group_by("at").agg(pl.col("by").sum()).sort("at")
    steps = steps.with_columns(count=pl.col("by").cum_sum())
    held = pl.col("count").shift(fill_value=0) * pl.col("at").diff().fill_null(0.0)
    steps = steps.with_columns(total=held.cum_sum())
    joined = pl.DataFrame({"now": at}).join_asof(
        steps, left_on="now", right_on="at", strategy="backward"
    )
    return joined.with_columns(
        pl.col("count").fill_null(0), pl.col("total").fill_null(0.0), pl.col("at").fill_null(0.0)
    )
