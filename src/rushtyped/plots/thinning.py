"""Fewer rows for a chart, and what it says about that."""

from __future__ import annotations

import polars as pl


def thinned(frame: pl.DataFrame, most: int) -> pl.DataFrame:
    """Keep at most so many rows, evenly spaced over the frame."""
    if frame.height <= most:
        return frame
    step = -(-frame.height // most)
    return frame.gather_every(step)


def notes_on(shown: int, drawable: int, n: int, unfit: str) -> list[str]:
    """Say how many rows a chart leaves out; `unfit` is what the undrawable ones lack."""
    notes = []
    if drawable < n:
        notes.append(f"{n - drawable:,} of {n:,} tasks without {unfit} left out")
    if shown < drawable:
        notes.append(f"{shown:,} of {drawable:,} points shown, evenly thinned out")
    return notes
