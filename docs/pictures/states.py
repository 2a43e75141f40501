"""Draw the states of a task, as a real network goes through them: `python docs/pictures/states.py`.

Each call of the public face that moves tasks is made once, on an embedded server, and what it moves
is what the picture shows.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import NamedTuple

from rushtyped import Network, TaskState, Worker, Xs, Ys
from rushtyped.plots import STATE_COLOURS

PICTURE = Path(__file__).parents[1] / "images" / "states.svg"


class Params(Xs):
    """What goes in."""

    x: float


class Scores(Ys):
    """What comes out."""

    y: float


Move = tuple[str, str]
XS, YS = Params(x=1.0), Scores(y=1.0)


def die(worker: Worker[Params, Scores]) -> None:
    """Take a task, and be killed before it is finished."""
    worker.pop_task()
    os.kill(os.getpid(), signal.SIGKILL)


class Observer:
    """Makes calls, and notes which tasks they have moved."""

    def __init__(self, network: Network[Params, Scores]) -> None:
        self.network = network
        self.moves: dict[Move, list[str]] = {}

    def states(self) -> dict[str, str]:
        """State of each task, by its key."""
        found = self.network.tasks_with_state()
        return {key: state.value for state, keys in found.items() for key in keys}

    @contextmanager
    def call(self, name: str) -> Iterator[None]:
        """Note what the block moves as done by a call of this name."""
        before = self.states()
        yield
        for key, state in self.states().items():
            if before.get(key) != state:
                names = self.moves.setdefault((before.get(key, ""), state), [])
                names += [name] if name not in names else []


def observe(network: Network[Params, Scores]) -> dict[Move, list[str]]:
    """Make every call that moves tasks; return the calls of each move."""
    observer = Observer(network)
    create(observer)
    work(observer, Worker[Params, Scores](network.network_id, redis=network.connector))
    manage(observer)
    lose(observer, requeue=True)
    lose(observer, requeue=False)
    return observer.moves


def create(observer: Observer) -> None:
    """Push tasks into each state that a manager can give them."""
    with observer.call("push_tasks"):
        observer.network.push_tasks([XS] * 4)
    with observer.call("push_finished_tasks"):
        observer.network.push_finished_tasks([XS], [YS])
    with observer.call("push_failed_tasks"):
        observer.network.push_failed_tasks([XS])


def work(observer: Observer, worker: Worker[Params, Scores]) -> None:
    """Start and settle tasks as a worker loop does."""
    with observer.call("running_task"):
        running = worker.running_task(XS)
    with observer.call("task.finish"):
        running.finish(YS)
    with observer.call("push_running_tasks"):
        keys = worker.push_running_tasks([XS] * 2)
    with observer.call("finish_tasks"):
        worker.finish_tasks(keys[:1], [YS])
    with observer.call("fail_tasks"):
        worker.fail_tasks(keys[1:])
    with observer.call("pop_task"):
        (popped,) = filter(None, [worker.pop_task()])
    with observer.call("task.fail"):
        popped.fail("no result")


def manage(observer: Observer) -> None:
    """Move tasks as a manager does."""
    with observer.call("retry_tasks"):
        observer.network.retry_tasks(observer.network.failed_tasks[:1])
    with observer.call("fail_tasks"):
        observer.network.fail_tasks(observer.network.queued_tasks[:1])
    with observer.call("empty_queue"):
        observer.network.empty_queue()


def lose(observer: Observer, *, requeue: bool) -> None:
    """Lose a worker in the middle of a task."""
    network = observer.network
    network.push_tasks([XS])
    network.start_local_workers(die, n_workers=1)
    while not network.running_tasks:
        network.wait_for_change(timeout=1.0)
    name = "detect_lost_workers" + ("(requeue=True)" if requeue else "")
    with observer.call(name):
        while network.running_tasks:
            network.detect_lost_workers(requeue=requeue)
    network.empty_queue()


class Route(NamedTuple):
    """How a move is drawn: the path of its arrow, and where its words stand."""

    path: str
    x: int
    y: int
    anchor: str = "start"


PLACES = {"queued": (210, 150), "running": (480, 150), "finished": (760, 150), "failed": (480, 360)}
ROUTES = {
    ("", "queued"): Route("M 40 150 H 143", 30, 138),
    ("", "running"): Route("M 480 60 V 124", 490, 64),
    ("", "finished"): Route("M 760 60 V 124", 760, 50, "middle"),
    ("", "failed"): Route("M 690 360 H 547", 700, 364),
    ("queued", "running"): Route("M 275 157 H 413", 345, 174, "middle"),
    ("running", "queued"): Route("M 440 126 C 410 84 280 84 250 122", 345, 84, "middle"),
    ("running", "finished"): Route("M 545 150 H 693", 555, 122),
    ("running", "failed"): Route("M 480 174 V 334", 490, 232),
    ("queued", "failed"): Route("M 240 174 C 260 270 350 330 413 348", 318, 262),
    ("failed", "queued"): Route("M 413 366 C 250 366 190 290 190 178", 110, 300),
}
LINE = 16


def draw(moves: dict[Move, list[str]]) -> str:
    """Draw the states, with an arrow for each move that was seen."""
    arrows = "\n".join(arrow(ROUTES[move], names) for move, names in sorted(moves.items()))
    boxes = "\n".join(box(state, *place) for state, place in PLACES.items())
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 420" font-family="system-ui, sans-serif">
<title>The states of a task, and the calls that move it</title>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" \
orient="auto"><path d="M 0 0 L 8 4 L 0 8 z" fill="#4b5563"/></marker></defs>
<rect width="900" height="420" rx="10" fill="#fafafc"/>
{arrows}
{boxes}
</svg>
"""


def arrow(route: Route, names: list[str]) -> str:
    """Draw one move with the calls that make it."""
    words = "".join(
        f'<tspan x="{route.x}" dy="{LINE if i else 0}">{escape(name)}</tspan>'
        for i, name in enumerate(names)
    )
    return (
        f'<path d="{route.path}" fill="none" stroke="#4b5563" stroke-width="1.5" '
        f'marker-end="url(#head)"/>\n<text x="{route.x}" y="{route.y}" font-size="12" '
        f'font-family="ui-monospace, monospace" fill="#1f2937" text-anchor="{route.anchor}">'
        f"{words}</text>"
    )


def box(state: str, x: int, y: int) -> str:
    """Draw one state."""
    colour = STATE_COLOURS[TaskState(state)]
    return (
        f'<rect x="{x - 65}" y="{y - 24}" width="130" height="48" rx="8" fill="{colour}"/>'
        f'\n<text x="{x}" y="{y + 6}" font-size="19" font-weight="700" fill="#fff" '
        f'text-anchor="middle">{state}</text>'
    )


def picture() -> str:
    """Draw what a new network on a server of its own goes through."""
    with tempfile.TemporaryDirectory() as directory:
        os.environ["RUSHTYPED_EMBEDDED_DIR"] = directory
        with Network[Params, Scores](redis="embedded") as network:
            return draw(observe(network))


if __name__ == "__main__":
    place = Path(sys.argv[1]) if sys.argv[1:] else PICTURE
    place.write_text(picture(), encoding="utf-8")
