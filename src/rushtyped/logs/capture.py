"""What a worker process logs, by loguru or by standard loggers, given to a sink."""

from __future__ import annotations

import atexit
import contextlib
import inspect
import logging
import traceback
from collections.abc import Callable, Mapping

import loguru
from loguru import logger

from rushtyped.logs.emit import log_as
from rushtyped.logs.levels import DEFAULT_LOG_LEVELS, LogLevels, check_log_levels
from rushtyped.logs.sink import LogSink

_STACK_OF_LOGGING = (__name__, "logging")
_LOGURU_IS_WRITING = "loguru._handler"


def capture_logs(sink: LogSink, levels: LogLevels | None = None) -> LogCapture:
    """Give a sink what loguru and standard loggers log from now on, from these levels on.

    A logger that no name covers has DEFAULT_LOG_LEVELS. To be called in processes of our own only.
    """
    return LogCapture(sink, check_log_levels({**DEFAULT_LOG_LEVELS, **(levels or {})}) or {})


class LogCapture:
    """Records on their way to a sink, until `close` or the end of the process."""

    def __init__(self, sink: LogSink, levels: Mapping[str, int]) -> None:
        self._handler_id = logger.add(
            sink,
            level=min(levels.values()),
            filter=_level_filter(sink, levels),
            format="",  # the sink reads the record itself
            colorize=False,
            diagnose=False,
            backtrace=False,
        )
        self._forwarder = _Forwarder()
        logging.getLogger().addHandler(self._forwarder)
        self._levels_before = _let_through(levels)
        # before the embedded server is left at exit, which loguru's own way to close would miss
        atexit.register(self.close)

    def close(self) -> None:
        """Send what is held back, and leave the loggers as they were."""
        atexit.unregister(self.close)
        logging.getLogger().removeHandler(self._forwarder)
        for standard, level in self._levels_before.items():
            standard.setLevel(level)
        self._levels_before = {}
        with contextlib.suppress(ValueError):  # logger.remove() was called meanwhile
            logger.remove(self._handler_id)


def _level_filter(sink: LogSink, levels: Mapping[str, int]) -> Callable[[loguru.Record], bool]:
    """Choose by module as loguru does with a mapping; a record of the sink itself is refused."""

    def accepts(record: loguru.Record) -> bool:
        if sink.is_busy_here:
            return False  # loguru's lock is held: it must not come to `write`
        name = record["name"] or ""
        while name not in levels:
            name = name.rpartition(".")[0]
        return record["level"].no >= levels[name]

    return accepts


def _let_through(levels: Mapping[str, int]) -> dict[logging.Logger, int]:
    """Lower the levels of standard loggers to those asked for; return what they were."""
    before = {}
    for name in sorted(levels):  # "", the root, first: others inherit from it
        standard = logging.getLogger(name)
        level = max(1, levels[name])  # 0 would mean that of the parent
        if level < standard.getEffectiveLevel():
            before[standard] = standard.level
            standard.setLevel(level)
    return before


class _Forwarder(logging.Handler):
    """Hands standard records to loguru, as if their loggers were modules."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            stack = traceback.walk_stack(inspect.currentframe())
            modules = [frame.f_globals.get("__name__") for frame, _ in stack]
            if _LOGURU_IS_WRITING in modules:
                return  # loguru has it already, and hands it on to logging
            depth = (n for n, module in enumerate(modules) if module not in _STACK_OF_LOGGING)
            log_as(
                logger.opt(depth=next(depth, 0) + 1, exception=record.exc_info),  # 1 for log_as
                record.levelname,
                max(0, record.levelno),
                record.getMessage(),
                {"name": record.name, "function": record.funcName, "line": record.lineno},
            )
        except Exception:  # noqa: BLE001 - as all handlers do
            self.handleError(record)
