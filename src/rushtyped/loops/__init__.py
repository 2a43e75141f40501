"""Worker loops on their way to the workers: checked, pickled, signed, verified."""

from rushtyped.loops.check import Loop, check_loop, name_of
from rushtyped.loops.pack import PackedLoop, new_secret, pack_loop
from rushtyped.loops.unpack import unpack_loop

__all__ = [
    "Loop",
    "PackedLoop",
    "check_loop",
    "name_of",
    "new_secret",
    "pack_loop",
    "unpack_loop",
]
