"""A call of which commands get lost, compared with the same call on which nothing goes wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tests.faults.call import Call
from tests.faults.outcome import Outcome
from tests.faults.proxy import Passed
from tests.faults.proxy_faults import At, CutReply, CutRequest, Fault, Refuse
from tests.faults.scene import Scene, Stage, new_scene

UNREACHABLE = "ServerUnreachableError: "
SHORT_PATIENCE = 0.03
"""Seconds for which calls try again when the server is to stay away."""
_CONTACT = "INFO"
_SET_UP = ("CLIENT SETINFO", "SCRIPT LOAD")
Cut = CutRequest | CutReply


class Run(NamedTuple):
    """A call on which nothing goes wrong."""

    before: Outcome
    """What is stored before it; the rest says nothing."""
    first: Outcome
    again: Outcome
    """What the same call gives when it is made once more."""
    commands: list[Passed]
    """Those of the first."""


def run_cleanly(stage: Stage, call: Call) -> Run:
    """Make a call twice."""
    with new_scene(stage) as scene:
        call.prepare(scene)
        before = stage.outcome(lambda: None)
        stage.proxy.begin()
        first = stage.outcome(lambda: call.act(scene))
        commands = list(stage.proxy.passed)
        return Run(before, first, stage.outcome(lambda: call.act(scene)), commands)


def cuts_of(n: int, command: Passed) -> list[Cut]:
    """List what can happen to the n-th command: its request is dropped or cut, or its reply is."""
    last = command.request - 1
    requests: list[Cut] = [CutRequest(At(n), byte) for byte in (0, 1, last // 2, last)]
    return [*requests, CutReply(At(n)), CutReply(At(n), command.reply // 2)]


def is_tried_once(call: Call, commands: list[Passed], n: int) -> bool:
    """Tell whether the n-th command, or what it is sent in advance of, is not repeated."""
    at = next((i for i in range(n, len(commands)) if commands[i].name not in _SET_UP), n)
    sent = [each.name for each in commands[:at] if each.connection == commands[at].connection]
    is_contact = commands[at].name == _CONTACT and set(sent) <= {*_SET_UP}
    return commands[at].name in call.once or (call.contacts and is_contact)


def with_cuts(call: Call, run: Run) -> list[tuple[int, tuple[Fault, ...]]]:
    """List the faults of the commands of a call, one at a time."""
    return [
        (n, (cut,))
        for n, command in enumerate(run.commands)
        if command.name in (call.commands or [command.name])
        for cut in cuts_of(n, command)
    ]


def complaints(
    stage: Stage, call: Call, run: Run, faults: Iterable[tuple[int, tuple[Fault, ...]]]
) -> Iterator[str]:
    """Make a call with some faults each time; say what is not as it should be.

    The faults come with the number of the command that they begin with.
    """
    if call.reads:
        with new_scene(stage) as scene:
            call.prepare(scene)
            for n, several in faults:
                yield from _told(_lose(scene, call, run, n, several), run, n, several)
        return
    for n, several in faults:
        with new_scene(stage) as scene:
            call.prepare(scene)
            yield from _told(_lose(scene, call, run, n, several), run, n, several)


def _told(found: Iterable[str], run: Run, n: int, faults: tuple[Fault, ...]) -> Iterator[str]:
    for each in found:
        yield f"command {n}, {run.commands[n].name}, with {faults}: {each}"


def _lose(scene: Scene, call: Call, run: Run, n: int, faults: tuple[Fault, ...]) -> Iterator[str]:
    stage = scene.stage
    stage.proxy.begin(*faults)
    got = stage.outcome(lambda: call.act(scene))
    # the second of two is for a repeat, which need not be all that was sent before
    if stage.proxy.n_injected not in (1, len(faults)):
        yield f"{stage.proxy.n_injected} faults struck"
    stage.proxy.begin()  # nothing is lost from here on
    if is_tried_once(call, run.commands, n):
        if not got.given.startswith(UNREACHABLE):
            yield f"gave {got.given}"
        if got.stored not in (run.before.stored, run.first.stored):
            yield from got.differences(run.before)
        yield from _differences(call, stage.outcome(lambda: call.act(scene)), run.first)
    elif not (call.may_wait and got.given == "[]" and got.stored == run.before.stored):
        yield from _differences(call, got, run.first)
        if not call.reads:
            yield from _differences(call, stage.outcome(lambda: call.act(scene)), run.again)


def _differences(call: Call, got: Outcome, expected: Outcome) -> list[str]:
    if call.warns:
        got, expected = got._replace(warnings=[]), expected._replace(warnings=[])
    if call.wakes:
        got, expected = got.without_wakes(), expected.without_wakes()
    return got.differences(expected)


def complaints_without_server(stage: Stage, call: Call, run: Run, absence: Refuse) -> Iterator[str]:
    """Make a call while the server stays away, and again when it is back.

    The first raises one error. The second has the effect of the only one, or also that of a second
    one where the first may have been done already.
    """
    with new_scene(stage, patience=SHORT_PATIENCE) as scene:
        call.prepare(scene)
        stage.proxy.begin(absence)
        got = stage.outcome(lambda: call.act(scene))
        if stage.proxy.n_injected != 1:
            yield "it never went away"
        if not (got.given.startswith(UNREACHABLE) or call.warns):
            yield f"gave {got.given}"
        if absence.at is None and got.stored != run.before.stored:
            yield from got.differences(run.before)
        stage.proxy.begin()
        last = stage.outcome(lambda: call.act(scene))
    if call.may_wait and last.given == "[]":
        return
    if absence.at is None:
        yield from _differences(call, last, run.first)
        return
    # one that was done and not heard of is a loser of a race with itself, and may warn of that
    last, first, again = (each._replace(warnings=[]) for each in (last, run.first, run.again))
    unheld_fail = (
        call.gives_tasks
        and absence.reaches_server
        and _n_lost(last)
        and (len(last.stored["running"][1]) == len(first.stored["running"][1]))
    )
    if _differences(call, last, again) and not unheld_fail:
        yield from _differences(call, last, first)


def _n_lost(outcome: Outcome) -> int:
    """Count the tasks that have failed since their worker does not know of them."""
    return sum("TaskLost" in str(value) for _, value in outcome.stored.values())
