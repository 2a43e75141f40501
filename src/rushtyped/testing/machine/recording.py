"""Requests as they were sent, to be sent once more: a reply may be lost after the work was done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rushtyped.channel import Channel
from rushtyped.lua import Script

_READS = ("check_budget", "check_worker", "find_lost_workers", "read_hashes")
_ANNOUNCED = ("set_budget", "stop_workers")
_FULL = 4
_COUNTED = ("push_tasks", "push_finished_tasks", "push_failed_tasks")


@dataclass(frozen=True, slots=True)
class Request:
    """A script that was sent to change something, and its reply."""

    script: str
    reply: Any
    send_again: Callable[[], Any]

    @property
    def is_announced_twice(self) -> bool:
        """Whether a repeat may wake up those who wait once more."""
        return self.script in _ANNOUNCED

    @property
    def is_answered_anew(self) -> bool:
        """Whether the reply to a repeat may differ, since nobody goes by it.

        A push counts what it created, thus none; a pop that found the budget full asks again.
        """
        return self.script in _COUNTED or (self.script == "claim_task" and self.reply[0] == _FULL)

    @property
    def is_settled(self) -> bool:
        """Whether it did all that it was sent for, so that no later repeat may do anything."""
        if self.script in ("register_worker", "settle_worker"):
            return bool(self.reply)
        if self.script == "push_running_tasks":
            return bool(self.reply[0] == 0)
        if self.script == "finish_tasks":
            return set(self.reply[2:]) == {1}
        return self.script in _COUNTED


class Recorder:
    """Tells of what is sent through channels, as soon as it was sent."""

    def __init__(self, on_sent: Callable[[Request], None]) -> None:
        self._on_sent = on_sent

    def listen(self, channel: Channel) -> None:
        """Tell of what goes through this channel from now on."""
        run, run_once, run_after = channel.run, channel.run_once, channel.run_after

        def recorded(script: Script, *arguments: Any) -> Any:
            reply = run(script, *arguments)
            self._tell(script, reply, lambda: run(script, *arguments))
            return reply

        def recorded_once(script: Script, *arguments: Any) -> Any:
            reply = run_once(script, *arguments)
            self._tell(script, reply, lambda: run_once(script, *arguments))
            return reply

        def recorded_after(command: Any, script: Script, *arguments: Any) -> Any:
            # only the script is sent again: the move that comes before it must not be
            reply, is_repeat = run_after(command, script, *arguments)
            self._tell(script, reply, lambda: run(script, *arguments))
            return reply, is_repeat

        for name, replacement in (
            ("run", recorded),
            ("run_once", recorded_once),
            ("run_after", recorded_after),
        ):
            vars(channel)[name] = replacement

    def _tell(self, script: Script, reply: Any, send_again: Callable[[], Any]) -> None:
        if script.name not in _READS:
            self._on_sent(Request(script.name, reply, send_again))
