"""Models to bytes and back: what a task's hash holds."""

from rushtyped.codec.free import MAX_DEPTH, MAX_VALUE_BYTES, pack_value, unpack_value
from rushtyped.codec.model import ModelCodec
from rushtyped.codec.task import (
    TaskCodec,
    as_extra,
    check_free_names,
    decode_condition,
    encode_condition,
    free_names,
    task_codec,
)

__all__ = [
    "MAX_DEPTH",
    "MAX_VALUE_BYTES",
    "ModelCodec",
    "TaskCodec",
    "as_extra",
    "check_free_names",
    "decode_condition",
    "encode_condition",
    "free_names",
    "pack_value",
    "task_codec",
    "unpack_value",
]
