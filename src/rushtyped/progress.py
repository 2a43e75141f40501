"""What tells on standard error how far a wait is: a bar in a terminal or notebook, else lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol, TextIO

from rushtyped.errors import InvalidTypeError
from rushtyped.forecast import Awaited, Forecast, clock
from rushtyped.store import Progress

_EVERY = 10.0


class Display(Protocol):
    """Shows how far a wait is."""

    def is_due(self, *, last: bool) -> bool:
        """Tell whether to look at the network again for this; always if it is the last time."""
        ...

    def show(
        self, progress: Progress, awaited: Awaited | None = None, *, last: bool = False
    ) -> None:
        """Show the state of affairs; at once if it is the last."""
        ...

    def close(self) -> None:
        """Leave what was seen last in place."""
        ...


class ProgressLine:
    """Shows progress by a line now and then, for where there is no terminal."""

    def __init__(self, network_id: str, stream: TextIO | None = None) -> None:
        self._network_id = network_id
        self._stream = stream or sys.stderr
        self._forecast = Forecast()
        self._shown_at = float("-inf")
        self._unshown = ""

    def is_due(self, *, last: bool = False) -> bool:
        """Tell whether the last line was written long enough ago."""
        return last or time.monotonic() - self._shown_at >= _EVERY

    def show(
        self, progress: Progress, awaited: Awaited | None = None, *, last: bool = False
    ) -> None:
        """Write a line, unless one was written just before."""
        outlook = self._forecast.note(progress, awaited)
        finished, *speed = outlook.head()
        parts = [finished, *outlook.states(), clock(self._forecast.elapsed), *speed]
        self._unshown = f"{self._network_id}: {', '.join(parts)}\n"
        if self.is_due(last=last):
            self.close()

    def close(self) -> None:
        """Write what has come since the last line."""
        if self._unshown:
            self._stream.write(self._unshown)
            self._stream.flush()
            self._shown_at, self._unshown = time.monotonic(), ""


class _Nothing:
    """Shows nothing, where nobody has asked for it."""

    def is_due(self, *, last: bool) -> bool:  # noqa: ARG002 - as every Display
        return False

    def show(
        self, progress: Progress, awaited: Awaited | None = None, *, last: bool = False
    ) -> None:
        pass

    def close(self) -> None:
        pass


NOTHING: Final[Display] = _Nothing()


@contextmanager
def progress_display(network_id: str, *, wanted: bool) -> Iterator[Display]:
    """Show progress while the block runs, where it is wanted, however the block ends."""
    if not isinstance(wanted, bool):
        raise InvalidTypeError(f"progress must be True or False but is {wanted!r}")
    display = _display(network_id) if wanted else NOTHING
    try:
        yield display
    finally:
        display.close()


def _display(network_id: str) -> Display:
    """Choose a bar where one can be drawn."""
    if not sys.stderr.isatty() and "IPython" not in sys.modules:
        return ProgressLine(network_id)
    # Rich takes a while to import, and nobody but who sees a bar needs it
    from rushtyped.progress_bar import ProgressBar, bar_console

    console = bar_console()
    return ProgressLine(network_id) if console is None else ProgressBar(network_id, console)
