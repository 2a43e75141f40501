"""The finished tasks that an object has read: rows are only ever added."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from rushtyped.frames import align_frames

LARGEST_CHUNK = 2**16
"""Rows that are copied at most when chunks are put together."""

_MERGE = 4  # so many chunks of one size become one of the next size
_LEVEL_BITS = _MERGE.bit_length() - 1
_MOST_RECENT = 32  # chunks that may still be merged


class FrameChunks:
    """An append-only frame, kept in chunks.

    Adding a row and taking the frame cost the same with a thousand rows as with a million: a row is
    copied a few times only, while small chunks are merged into larger ones. Only a column that
    appears late, or whose dtype must change, makes all chunks anew.
    """

    __slots__ = ("_recent", "_settled", "_whole")

    def __init__(self, template: pl.DataFrame) -> None:
        """Start with no rows and the columns of a frame."""
        self._settled = template.clear()  # chunks that are merged no more
        self._recent: list[pl.DataFrame] = []
        self._whole = self._settled.clone()

    @property
    def columns(self) -> list[str]:
        """Name the columns."""
        return self._whole.columns

    @property
    def height(self) -> int:
        """Count the rows."""
        return self._whole.height

    def append(self, frame: pl.DataFrame) -> None:
        """Add rows below the others."""
        if not self._extend(frame):
            aligned = self._align(frame)
            self._whole.vstack(aligned, in_place=True)
        if frame.height == 0:
            return
        self._recent.append(self._whole.slice(self._whole.height - frame.height))
        merged = False
        while count := self._mergeable():
            self._recent[-count:] = [
                _stack(self._recent[-count], self._recent[1 - count :]).rechunk()
            ]
            merged = True
        while self._recent and (
            self._recent[0].height >= LARGEST_CHUNK or len(self._recent) > _MOST_RECENT
        ):
            self._settled.vstack(self._recent.pop(0), in_place=True)
        if merged:
            self._whole = _stack(self._settled, self._recent)

    def frame(self, columns: Sequence[str] | None = None, *, offset: int = 0) -> pl.DataFrame:
        """Return the rows from `offset` on, all columns or some of them; nothing is copied."""
        frame = self._whole.clone() if columns is None else self._whole[list(columns)]
        return frame.slice(offset) if offset else frame

    def _extend(self, frame: pl.DataFrame) -> bool:
        """Put a frame below the others; False where its columns or their dtypes are not theirs.

        Polars looks at the dtypes anyway, in a tenth of the time of comparing two schemas.
        """
        if frame.columns != self._whole.columns:
            return False
        try:
            self._whole.vstack(frame, in_place=True)
        except pl.exceptions.PolarsError:
            self._whole = _stack(self._settled, self._recent)  # some columns were longer already
            return False
        return True

    def _align(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give a frame the columns that are known, and all chunks those that only it has."""
        known, aligned = align_frames([self._whole.clear(), frame])
        if known.schema != self._whole.schema:
            self._settled, *self._recent, aligned = align_frames(
                [self._settled, *self._recent, frame]
            )
            self._whole = _stack(self._settled, self._recent)
        return aligned

    def _mergeable(self) -> int:
        """Count the chunks at the end that are to become one; 0 when none are."""
        level = _level(self._recent[-1])
        count = rows = 0
        for chunk in reversed(self._recent):
            if _level(chunk) > level:
                break
            count += 1
            rows += chunk.height
        return count if count >= _MERGE and rows <= LARGEST_CHUNK else 0


def _level(chunk: pl.DataFrame) -> int:
    return (chunk.height.bit_length() - 1) // _LEVEL_BITS


def _stack(first: pl.DataFrame, others: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Put frames below each other without copying their rows; cheaper than `polars.concat`."""
    whole = first.clone()
    for other in others:
        whole.vstack(other, in_place=True)
    return whole
