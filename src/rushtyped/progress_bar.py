"""A bar that tells how far a wait is, drawn by Rich in a terminal or a notebook."""

from __future__ import annotations

import sys
import time
from importlib.util import find_spec

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar as Bar
from rich.table import Table
from rich.text import Text

from rushtyped.forecast import Awaited, Forecast, Outlook, clock
from rushtyped.store import Progress

_EVERY = 0.2
_REFRESHES = 5
"""Times a second that a bar is drawn."""
_WIDTH = 24


class ProgressBar:
    """Shows progress by a bar that Rich draws over and over."""

    def __init__(self, network_id: str, console: Console) -> None:
        self._network_id = network_id
        self._forecast = Forecast()
        self._shown_at = float("-inf")
        self._outlook: Outlook | None = None
        self._live = Live(
            console=console,
            get_renderable=self._drawn,
            refresh_per_second=_REFRESHES,
            redirect_stdout=sys.stdout.isatty(),
        )

    def is_due(self, *, last: bool) -> bool:
        """Tell whether the last look was long enough ago."""
        return last or time.monotonic() - self._shown_at >= _EVERY

    def show(
        self, progress: Progress, awaited: Awaited | None = None, *, last: bool = False
    ) -> None:
        """Change what is drawn next."""
        self._shown_at = time.monotonic()
        self._outlook = self._forecast.note(progress, awaited)
        self._live.start()  # once
        if last:
            self._live.refresh()

    def close(self) -> None:
        """Draw the bar once more, and give the cursor back."""
        self._live.stop()

    def _drawn(self) -> RenderableType:
        """Draw a line with the bar, and one with the states."""
        outlook = self._outlook
        if outlook is None:
            return Text(self._network_id)
        head = Table.grid(padding=(0, 1))
        bar = Bar(1.0, outlook.share or 0.0, width=_WIDTH, pulse=outlook.share is None)
        head.add_row(Text(self._network_id), bar, Text(", ".join(outlook.head())))
        states = ", ".join([*outlook.states(), clock(self._forecast.elapsed)])
        return Group(head, Text(states, style="dim"))


def bar_console() -> Console | None:
    """Return the console to draw a bar on; None where there is nothing that can show one."""
    console = Console(stderr=True)
    if console.is_jupyter:
        can_draw = find_spec("ipywidgets") is not None  # which Rich draws into
    else:
        can_draw = sys.stderr.isatty() and not console.is_dumb_terminal
    return console if can_draw else None
