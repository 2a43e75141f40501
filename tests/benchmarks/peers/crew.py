"""Processes that prepare themselves each, and start to work at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

FRESH = get_context("spawn")
"""A process of its own, with nothing of ours in its memory."""
PATIENCE = 300.0
"""Seconds until a process that says nothing counts as stuck."""


def run_together(
    n: int, prepare: Callable[P, Callable[[], T]], *args: P.args, **kwargs: P.kwargs
) -> list[T]:
    """Have n processes prepare, then run what that returns all at once; return what they found."""
    start = FRESH.Barrier(n)
    with ExitStack() as stack:
        answers = [
            stack.enter_context(_process(_work, start, prepare, args, kwargs)) for _ in range(n)
        ]
        return [_answer(answer) for answer in answers]


def _work(
    answer: Connection,
    start: Barrier,
    prepare: Callable[..., Callable[[], object]],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> None:
    run = prepare(*args, **kwargs)
    start.wait(PATIENCE)
    answer.send(run())


@contextmanager
def _process(work: Callable[..., None], *arguments: object) -> Iterator[Connection]:
    """Run a process, which has nothing left to do once it has answered."""
    ours, theirs = FRESH.Pipe(duplex=False)
    process = FRESH.Process(target=work, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()


def _answer(answer: Connection) -> Any:
    if not answer.poll(PATIENCE):
        raise TimeoutError(f"a process that was measured has said nothing for {PATIENCE} s")
    try:
        return answer.recv()
    except EOFError as error:
        raise RuntimeError("a process that was measured failed: see its error output") from error
