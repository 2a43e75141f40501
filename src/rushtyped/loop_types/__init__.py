"""What a type checker takes as a worker loop."""

from __future__ import annotations

from typing import Final

MYPY: Final = False  # mypy alone takes this name for true, and pyright the last of two imports
if MYPY:
    from rushtyped.loop_types.strict import WorkerLoop
else:
    from rushtyped.loop_types.plain import WorkerLoop

__all__ = ["WorkerLoop"]
