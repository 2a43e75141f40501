"""The library's log, switched off for a while: thousands of lost tasks would fill it."""

from __future__ import annotations

from loguru import logger

_LIBRARY = "rushtyped"


class Quiet:
    """Silence from now until its end; then the log is on again where it was on before."""

    def __init__(self) -> None:
        self._was_on = _is_on()
        logger.disable(_LIBRARY)

    def end(self) -> None:
        """Switch the log on again."""
        if self._was_on:
            logger.enable(_LIBRARY)


def _is_on() -> bool:
    """Ask loguru, which does not tell otherwise, by a message of this module."""
    heard: list[object] = []
    sink = logger.add(heard.append, level=0, filter=__name__)
    logger.trace("A history begins")
    logger.remove(sink)
    return bool(heard)
