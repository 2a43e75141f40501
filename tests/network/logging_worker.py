"""A worker process that logs and ends in some way: URL, network id, buffer size, ending."""

from __future__ import annotations

import atexit
import logging
import os
import sys

from loguru import logger

from rushtyped import Worker
from rushtyped.channel import Channel
from rushtyped.connect import resolve_endpoint
from rushtyped.keys import NetworkKeys
from rushtyped.log_store import LogStore
from rushtyped.logs import LogSink, capture_logs
from rushtyped.store import Store
from tests.models import Params, Scores


def log_store(url: str, network_id: str) -> LogStore:
    """Open the logs of a network, which somebody has begun."""
    keys = NetworkKeys(network_id)
    store = Store(Channel(resolve_endpoint(url), keys.meta, 10.0), keys)
    store.channel.call("HSETNX", keys.meta, "epoch", "e1")
    return LogStore(store)


def fork_and_log() -> None:
    """Log in a child that ends as Python does, with its parent's buffer."""
    child = os.fork()
    logger.info("child {}", child == 0)
    if child == 0:
        sys.exit()
    os.waitpid(child, 0)


def main(url: str, network_id: str, buffer_size: str, ending: str) -> None:
    """Log two records, and end."""
    worker = Worker[Params, Scores](network_id, redis=url)
    logs = log_store(url, network_id)
    logger.remove()
    logger.add(sys.stderr, diagnose=False)
    atexit.register(lambda: print("left:", *logs.counts().values()))  # as an embedded server is
    capture_logs(LogSink(logs, worker.worker_id, buffer_size=int(buffer_size)), {"": "INFO"})
    logger.info("begin")
    logging.getLogger("standard").info("second")
    match ending:
        case "raise":
            raise ValueError(ending)
        case "exit":
            sys.exit(3)
        case "fork":
            fork_and_log()
        case "remove":
            logger.remove()
            logger.error("no longer heard")
        case _:
            pass
    print(*sorted({"polars", "pydantic_settings"} & set(sys.modules)))


if __name__ == "__main__":
    main(*sys.argv[1:])
