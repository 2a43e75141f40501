"""The append-only frame keeps order and columns, at a cost that doesn't grow."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushtyped.cache import LARGEST_CHUNK, FrameChunks
from rushtyped.frames import concat_frames

TEMPLATE = pl.DataFrame(schema={"key": pl.String, "x": pl.Float64, "worker_id": pl.String})


def rows(start: int, n: int) -> pl.DataFrame:
    """Make n rows that count from a start."""
    counts = pl.Series(range(start, start + n), dtype=pl.Int64)
    return pl.DataFrame(
        {"key": counts.cast(pl.String), "x": counts.cast(pl.Float64), "worker_id": "w"},
        schema=TEMPLATE.schema,
    )


@settings(max_examples=50)
@given(st.lists(st.sampled_from([0, 1, 1, 1, 2, 50, 70_000]), max_size=60))
def test_rows_keep_their_order(sizes: list[int]) -> None:
    chunks = FrameChunks(TEMPLATE)
    for size in sizes:
        chunks.append(rows(chunks.height, size))
    assert chunks.height == sum(sizes)
    assert chunks.frame().equals(rows(0, sum(sizes)))
    assert chunks.frame().schema == TEMPLATE.schema


def test_empty_frame_has_all_columns() -> None:
    chunks = FrameChunks(TEMPLATE)
    assert chunks.frame().schema == TEMPLATE.schema
    assert chunks.frame(["x"], offset=3).height == 0


def test_columns_and_offset_select() -> None:
    chunks = FrameChunks(TEMPLATE)
    chunks.append(rows(0, 5))
    assert chunks.frame(["x", "key"], offset=3).rows() == [(3.0, "3"), (4.0, "4")]
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        chunks.frame(["y"])


def test_frame_that_was_handed_out_does_not_change() -> None:
    chunks = FrameChunks(TEMPLATE)
    chunks.append(rows(0, 3))
    before = chunks.frame()
    chunks.append(rows(3, 1))
    assert before.height == 3
    before.vstack(rows(9, 1), in_place=True)
    before[0, "key"] = "changed"
    assert chunks.frame().equals(rows(0, 4))


def test_free_column_that_appears_late_is_null_before() -> None:
    chunks = FrameChunks(TEMPLATE)
    for i in range(10):
        chunks.append(rows(i, 1))
    chunks.append(rows(10, 1).insert_column(2, pl.Series("note", [7])))
    chunks.append(rows(11, 1))
    frame = chunks.frame()
    assert frame.columns == ["key", "x", "note", "worker_id"]
    assert frame["note"].to_list() == [None] * 10 + [7, None]
    assert frame["key"].to_list() == [str(i) for i in range(12)]


def test_free_column_whose_dtype_changes_keeps_its_values() -> None:
    chunks = FrameChunks(TEMPLATE)
    for i, note in enumerate([None, 1, 2.5, 3, "a", 4]):
        chunks.append(rows(i, 1).insert_column(2, pl.Series("note", [note])))
    assert chunks.frame()["note"].to_list() == [None, "1.0", "2.5", "3.0", "a", "4"]


def test_cached_frame_equals_all_frames_put_together() -> None:
    notes: list[int | float | None] = [1, None, 2, 0.5, None, 4]
    frames = [
        rows(i, 1).insert_column(2, pl.Series("note", [note])) for i, note in enumerate(notes)
    ]
    chunks = FrameChunks(TEMPLATE)
    for frame in frames:
        chunks.append(frame)
    assert chunks.frame().equals(concat_frames([TEMPLATE, *frames]))


def test_chunks_stay_few_and_small_enough_to_copy() -> None:
    chunks = FrameChunks(TEMPLATE)
    for i in range(5000):
        chunks.append(rows(i, 1))
    assert chunks.frame()["x"].n_chunks() <= 25
    for i in range(200):
        chunks.append(rows(5000 + 1000 * i, 1000))
    lengths = chunks.frame()["x"].chunk_lengths()
    assert len(lengths) <= 30
    assert max(lengths) <= LARGEST_CHUNK
