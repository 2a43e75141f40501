"""One call of the matrix: what is done, and what may differ when a command of it is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.scene import Scene


def _nothing(_: Scene) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Call:
    """Something that sends commands to the server."""

    act: Callable[[Scene], object]
    prepare: Callable[[Scene], object] = _nothing
    """What the scene lacks for it; done before anything is lost."""
    reads: bool = False
    """Whether it changes nothing, neither on the server nor here."""
    commands: tuple[str, ...] = ()
    """Those that quick tests lose, where not all of them."""
    once: tuple[str, ...] = ()
    """Commands that are tried once only: then it raises."""
    contacts: bool = False
    """Whether it contacts the server for the first time, once: a wrong address does not heal."""
    gives_tasks: bool = False
    """Whether it gives its worker tasks; one that it never hears of fails later."""
    wakes: bool = False
    """Whether those who wait may be woken once more by its repeat."""
    warns: bool = False
    """Whether it may log that a command was lost."""
    may_wait: bool = False
    """Whether it may do nothing for now, since the server has only just come back."""


def read(
    act: Callable[[Scene], object],
    prepare: Callable[[Scene], object] = _nothing,
    commands: tuple[str, ...] = (),
) -> Call:
    """Describe a call that changes nothing."""
    return Call(act, prepare, reads=True, commands=commands)
