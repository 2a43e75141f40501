"""Stored tasks as Polars frames: the models decide the columns and dtypes, not the data."""

from rushtyped.frames.build import Blobs, build_frame, empty_frame
from rushtyped.frames.columns import STATE_DTYPE, column_dtype
from rushtyped.frames.free import align_frames, concat_frames
from rushtyped.frames.readable import Readable, build_readable

__all__ = [
    "STATE_DTYPE",
    "Blobs",
    "Readable",
    "align_frames",
    "build_frame",
    "build_readable",
    "column_dtype",
    "concat_frames",
    "empty_frame",
]
