"""Start the process that renews leases, with nothing imported that it does not need.

It stays in memory beside every worker. The package's own `__init__` would bring pydantic and all
that managers and workers use, so an empty package stands in its place.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType


def main() -> int:
    """Run the process; return its exit code."""
    package = ModuleType("rushtyped")
    package.__path__ = [str(Path(__file__).parents[1])]
    sys.modules["rushtyped"] = package
    code: int = importlib.import_module("rushtyped.heartbeat.process").main()
    return code


if __name__ == "__main__":
    sys.exit(main())
