"""Logs of workers: loguru and standard records go to Redis, and come out at the local logger."""

from rushtyped.logs.capture import LogCapture, capture_logs
from rushtyped.logs.levels import DEFAULT_LOG_LEVELS, LogLevels, check_log_levels
from rushtyped.logs.printer import LogPrinter
from rushtyped.logs.sink import DEFAULT_LOG_LIMIT, LogSink

__all__ = [
    "DEFAULT_LOG_LEVELS",
    "DEFAULT_LOG_LIMIT",
    "LogCapture",
    "LogLevels",
    "LogPrinter",
    "LogSink",
    "capture_logs",
    "check_log_levels",
]
