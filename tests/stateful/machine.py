"""All transitions of a network with a manager and two workers, in any order.

A failing history is printed as code that can be run: without a test it runs on the embedded server.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from rushtyped import (
    Condition,
    InvalidArgumentError,
    UnknownTaskError,
    Worker,
    WorkerIdTakenError,
)
from rushtyped.keys import new_worker_id
from tests.models import Scores, Start, Timing
from tests.stateful.invariants import check_frame
from tests.stateful.model import ENDED, EXPIRED, KILLED, LOST, MOST_ATTEMPTS, REMOVED, ModelWorker
from tests.stateful.system import LEASE, AnyNetwork, AnyTask, AnyWorker, System

WHO = st.sampled_from(["first", "first", "second", "second", "late"])
"""Two workers that run, and the last one that does not run any more."""
PLACE = st.sampled_from(["first", "second"])
ANYBODY = st.sampled_from(["manager", "first", "second", "late"])
NUMBER = st.integers(0, 2)
STATES = ("queued", "running", "finished", "failed")
AIMS = st.lists(
    st.tuples(st.sampled_from(["own", "own", "own", *STATES]), NUMBER), min_size=1, max_size=3
)
"""Tasks, by what is true of them and a number; some calls name one twice."""
COUNT = st.integers(1, 3)
BATCH = st.none() | st.integers(0, 1)
SCORE = st.sampled_from([0.0, 1.0])
SECONDS = st.none() | st.just(0.5)
MESSAGE = st.sampled_from(["diverged", "out of memory"])
ROOM = st.sampled_from([None, 0, 0, 1])
LEASE_CHANGE = st.sampled_from(["run out", "run out", "end", "renew", "look"])
ENDING = st.sampled_from(["keep", "keep", "keep", "finish", "fail", "leave"])


class NetworkMachine(System):
    """The rules; whatever a rule does is compared, and repeated, after it."""

    @initialize(
        queued=st.integers(0, 4),
        tries=COUNT,
        running=NUMBER,
        failed=NUMBER,
        room=st.none() | NUMBER,
    )
    def begin(self, queued: int, tries: int, running: int, failed: int, room: int | None) -> None:
        xss = self._points(queued)
        keys = self.manager.push_tasks(xss)
        for _ in range(tries - 1):
            self.manager.fail_tasks(keys)
            self.manager.retry_tasks(keys)
        self._create("queued", keys, xss, attempt=tries)
        for worker in (self.workers["first"], self.workers["second"]):
            popped = worker.pop_task(timeout=0)
            assert (popped and popped.key) == self.model.pop(worker.worker_id)
            xss = self._points(running)
            ours = {"worker_id": worker.worker_id, "started": True}
            self._create("running", worker.push_running_tasks(xss), xss, **ours)
        xss = self._points(failed)
        keys = self.manager.push_failed_tasks(xss)
        self._create("failed", keys, xss, reason=("TaskFailed", "Task failed"))
        if room is not None:
            self._set_budget(len(self.model.running) + room)

    @rule(who=ANYBODY, n=COUNT, batch=BATCH)
    def push_tasks(self, who: str, n: int, batch: int | None) -> None:
        tasks, _ = self._anybody(who)
        xss = self._points(n)
        keys = tasks.push_tasks(xss, xss_extra=_extra(batch))
        self._create("queued", keys, xss, batch=batch)

    @rule(who=ANYBODY, n=COUNT, batch=BATCH, seconds=SECONDS, fails=st.booleans())
    def push_settled_tasks(
        self, who: str, n: int, batch: int | None, seconds: float | None, fails: bool
    ) -> None:
        tasks, worker_id = self._anybody(who)
        xss, extra = self._points(n), _extra(batch)
        if fails:
            keys = tasks.push_failed_tasks(xss, xss_extra=extra, conditions="old")
            fields: dict[str, Any] = {"reason": ("TaskFailed", "old")}
        else:
            yss = [Scores(y=3.0)] * n
            keys = tasks.push_finished_tasks(xss, yss, xss_extra=extra, yss_extra=_timing(seconds))
            fields = {"y": 3.0, "seconds": seconds}
        state = "failed" if fails else "finished"
        self._create(state, keys, xss, batch=batch, worker_id=worker_id, **fields)

    @precondition(lambda self: self.model.queued_anywhere() or self.n_created % 7 == 6)
    @rule(who=WHO, ending=ENDING)
    def pop_task(self, who: str, ending: str) -> None:
        worker = self._worker(who)
        task = worker.pop_task(timeout=0)
        expected = None if worker._stopping else self.model.pop(worker.worker_id)
        assert (task.key if task else None) == expected
        self._check_terminated(worker)
        if task is not None:
            known = self.model.tasks[task.key]
            assert (task.xs.x1, task.attempt) == (known.x1, known.attempt)
            assert task.xs_extra == (None if known.batch is None else Start(batch=known.batch))
            self._run_block(worker.worker_id, task, ending)

    @rule(place=PLACE)
    def die_between_move_and_claim(self, place: str) -> None:
        worker_id = self.workers[place].worker_id
        pending = self.keys.worker(worker_id).pending
        self.client.lmove(self.keys.queue, pending, "LEFT", "RIGHT")
        self.model.move(worker_id)

    @rule(who=WHO, n=COUNT, batch=BATCH)
    def push_running_tasks(self, who: str, n: int, batch: int | None) -> None:
        worker, xss = self._worker(who), self._points(n)
        if self._may_start(worker, n):
            keys = worker.push_running_tasks(xss, xss_extra=_extra(batch))
            ours = {"worker_id": worker.worker_id, "started": True}
            self._create("running", keys, xss, batch=batch, **ours)
        self._check_terminated(worker)

    @rule(who=WHO, ending=ENDING)
    def running_task(self, who: str, ending: str) -> None:
        worker, (xs,) = self._worker(who), self._points(1)
        if self._may_start(worker, 1):
            task = worker.running_task(xs)
            ours = {"worker_id": worker.worker_id, "started": True}
            self._create("running", [task.key], [xs], **ours)
            self._run_block(worker.worker_id, task, ending)

    def _run_block(self, worker_id: str, task: AnyTask, ending: str) -> None:
        """Use a task as a context manager, or keep it to be settled by other rules."""
        match ending:
            case "keep":
                self.handles.append(task)
            case "finish":
                with task:
                    assert task.finish(Scores(y=2.0))
                self.model.finish(worker_id, [task.key], 2.0, None)
            case "fail":
                with task:
                    assert task.fail(ValueError("no"))
                self.model.fail(worker_id, [task.key], ("ValueError", "no"))
            case _:  # "leave"
                with task:
                    pass
                message = "The task's block ended without a result"
                self.model.fail(worker_id, [task.key], ("TaskNotFinished", message))

    @precondition(lambda self: self.model.tasks)
    @rule(who=WHO, aims=AIMS, y=SCORE, seconds=SECONDS)
    def finish_tasks(
        self, who: str, aims: list[tuple[str, int]], y: float, seconds: float | None
    ) -> None:
        worker = self._worker(who)
        keys = self._aimed(aims, worker.worker_id)
        if len(set(keys)) < len(keys):
            with pytest.raises(InvalidArgumentError, match="more than once"):
                worker.finish_tasks(keys, [Scores(y=y)] * len(keys))
            keys = list(dict.fromkeys(keys))
        moved = worker.finish_tasks(keys, [Scores(y=y)] * len(keys), yss_extra=_timing(seconds))
        assert moved == self.model.finish(worker.worker_id, keys, y, seconds)
        if keys:  # else nobody was asked
            self._check_terminated(worker)

    @precondition(lambda self: self.model.tasks)
    @rule(who=WHO, aims=AIMS, message=MESSAGE)
    def fail_tasks(self, who: str, aims: list[tuple[str, int]], message: str) -> None:
        worker = self._worker(who)
        keys = self._aimed(aims, worker.worker_id)
        moved = worker.fail_tasks(keys, message)
        assert moved == self.model.fail(worker.worker_id, keys, ("TaskFailed", message))

    @precondition(lambda self: self.handles)
    @rule(number=st.integers(0, 5), y=SCORE, fails=st.booleans())
    def settle_by_handle(self, number: int, y: float, fails: bool) -> None:
        task = self.handles[-1 - number % len(self.handles)]
        worker_id = task._owner.worker_id  # type: ignore[attr-defined]  # every owner is a Worker
        keys = [task.key] if task.key in self.model.tasks else []
        if fails:
            moved = task.fail(Condition(type="T", message="m"))
            assert moved == bool(self.model.fail(worker_id, keys, ("T", "m")))
        else:
            moved = task.finish(Scores(y=y))
            assert moved == bool(self.model.finish(worker_id, keys, y, None))

    @precondition(lambda self: self.model.tasks)
    @rule(aims=AIMS, message=MESSAGE)
    def manager_fails_tasks(self, aims: list[tuple[str, int]], message: str) -> None:
        keys = self._aimed(aims)
        moved = self.manager.fail_tasks(keys, message)
        assert moved == self.model.fail(None, keys, ("TaskFailed", message))

    @precondition(lambda self: self.model.queue)
    @rule(who=ANYBODY, by_default=st.booleans())
    def empty_queue(self, who: str, by_default: bool) -> None:
        tasks, _ = self._anybody(who)
        moved = self.manager.fail_tasks() if by_default else tasks.empty_queue()
        reason = ("TaskFailed", "Task failed") if by_default else REMOVED
        assert moved == self.model.fail(None, list(self.model.queue), reason)

    @precondition(lambda self: self.model.tasks)
    @rule(who=ANYBODY, numbers=st.lists(NUMBER, min_size=1, max_size=2), aims=AIMS)
    def retry_tasks(self, who: str, numbers: list[int], aims: list[tuple[str, int]]) -> None:
        tasks, _ = self._anybody(who)
        keys = self._aimed([*(("failed", number) for number in numbers), *aims[1:]])
        assert tasks.retry_tasks(keys) == self.model.retry(keys)

    @rule(who=ANYBODY, call=st.sampled_from(["finish", "fail", "retry"]), aims=AIMS)
    def name_an_unknown_task(self, who: str, call: str, aims: list[tuple[str, int]]) -> None:
        tasks, worker_id = self._anybody(who)
        unknown = self.gone[-1] if self.gone else "no-such-task"
        keys = [*self._aimed(aims, worker_id), unknown]

        def name_it() -> list[str]:
            if call == "finish" and isinstance(tasks, Worker):
                distinct = list(dict.fromkeys(keys))
                return tasks.finish_tasks(distinct, [Scores(y=9.0)] * len(distinct))
            return tasks.retry_tasks(keys) if call == "retry" else tasks.fail_tasks(keys)

        if tasks in self.aware:
            with pytest.raises(UnknownTaskError):
                name_it()
        else:
            assert name_it() == []
            self.aware.add(tasks)

    @rule(
        place=PLACE,
        how=st.sampled_from(["end", "die", "kill", "die and requeue", "die and requeue"]),
    )
    def replace_worker(self, place: str, how: str) -> None:
        """A worker leaves or is found dead by its process; it may come back late."""
        worker = self.workers[place]
        requeue = how == "die and requeue"
        if how == "end":
            worker.set_terminated()
            self.model.settle(worker.worker_id, ENDED, requeue=False, keep_popped=True)
        elif how == "kill":
            self.manager.stop_workers("kill", worker_ids=[worker.worker_id])
            self.model.ask(worker.worker_id, "kill")
            self.model.settle(worker.worker_id, KILLED, requeue=False, keep_popped=False)
        else:
            assert self._settle(worker.worker_id, requeue=requeue)
            self.model.settle(worker.worker_id, LOST, requeue=requeue, keep_popped=requeue)
            assert not self._settle(worker.worker_id, requeue=not requeue)
        self._replace(place)

    def _settle(self, worker_id: str, *, requeue: bool, only_expired: bool = False) -> bool:
        return self.manager._crew._settle(
            worker_id,
            Condition(type=LOST[0], message=LOST[1]),
            attempts=MOST_ATTEMPTS if requeue else 0,
            fail_pending=not requeue,
            only_expired=only_expired,
        )

    @rule(who=st.lists(WHO, min_size=1, max_size=2), what=LEASE_CHANGE)
    def change_leases(self, who: list[str], what: str) -> None:
        """Leases run out, or whoever renews them does so, ends them or only looks."""
        ids = list(dict.fromkeys(self._worker(each).worker_id for each in who))
        if what == "run out":
            self.client.delete(*(self.keys.worker(worker_id).heartbeat for worker_id in ids))
            for worker_id in ids:
                if worker_id in self.model.workers:
                    self.model.workers[worker_id].leased = False
        else:
            seconds = {"renew": LEASE, "end": 0.0, "look": -1.0}[what]
            replies = self.leases.renew(dict.fromkeys(ids, seconds))
            expected = [self.model.renew(worker_id, seconds) for worker_id in ids]
            assert [reply.name for reply in replies] == expected

    @rule(requeue=st.booleans())
    def detect_lost_workers(self, requeue: bool) -> None:
        """Workers whose lease has run out are found lost; one that has a lease is not settled."""
        lost = self.model.lost()
        for worker_id in self.model.workers.keys() - lost:
            assert not self._settle(worker_id, requeue=requeue, only_expired=True)
        found = self.manager.detect_lost_workers(requeue=requeue)
        assert sorted(found) == sorted(lost)
        for worker_id in found:
            self.model.settle(worker_id, EXPIRED, requeue=requeue, keep_popped=requeue)
        for place in ("first", "second"):
            if self.workers[place].worker_id in lost:
                self._replace(place)

    @rule(
        what=st.sampled_from(
            [
                *("ask to stop", "ask to kill", "register"),
                *("reset tasks", "reset all", "write hash"),
            ]
        ),
        who=WHO,
    )
    def interfere(self, what: str, who: str) -> None:
        """What would disturb most histories if each were a rule of its own."""
        match what:
            case "ask to stop":
                self._ask_to_stop(self._worker(who).worker_id)
            case "ask to kill":
                self._ask_to_kill(self._worker(who).worker_id)
            case "register":
                self._register(self.workers["first"].worker_id)
            case "write hash":
                self._write_hash(self._worker(who))
            case _:
                self._reset(workers=what == "reset all")

    def _ask_to_stop(self, worker_id: str) -> None:
        self.manager.stop_workers("terminate", worker_ids=[worker_id])
        self.model.ask(worker_id, "terminate")

    def _ask_to_kill(self, worker_id: str) -> None:
        """Do the first half of a kill, as a manager does that dies before it settles the tasks."""
        self.manager._store.stop_workers("kill", [worker_id])
        self.model.ask(worker_id, "kill")

    def _register(self, taken: str) -> None:
        with pytest.raises(WorkerIdTakenError):
            AnyWorker(self.network_id, redis=self.url, worker_id=taken)
        worker_id, keys = new_worker_id(), self.keys
        worker = keys.worker(worker_id)
        names = (
            *(keys.workers, keys.running_workers, worker.record, worker.heartbeat, keys.events),
        )
        arguments = (worker_id, "t1", 1000 * int(LEASE), "pid", 1)
        assert self.manager._store.run("register_worker", names, *arguments) == 1
        assert not self._settle(worker_id, requeue=False, only_expired=True)
        self.client.delete(worker.heartbeat)
        assert self.manager._store.run("register_worker", names, *arguments) == 1
        assert self._settle(worker_id, requeue=False, only_expired=True)
        self.model.workers[worker_id] = ModelWorker(running=False, leased=False)

    def _write_hash(self, worker: AnyWorker) -> None:
        known = list(self.model.hashes)[1:2]
        (key,) = worker.write_hashes(keys=known or None, note=[self.n_created])
        self.model.hashes[key] = self.n_created
        assert worker.read_hash(key, ["note"]) == {"note": self.n_created}

    def _reset(self, *, workers: bool) -> None:
        self._fetch_new("manager")
        self.gone += self.model.tasks
        self.manager.reset(workers=workers)
        self.model.reset(workers=workers)
        self.aware = {self.manager}
        self.seen = dict.fromkeys(self.seen, 0)
        self.settled.clear()
        xss = self._points(1)
        self._create("finished", self.manager.push_finished_tasks(xss, [Scores(y=3.0)]), xss, y=3.0)
        self._fetch_new("manager")
        if workers:
            self._replace("first")
            self._replace("second")

    @rule(room=st.none() | st.integers(0, 3))
    def set_budget(self, room: int | None) -> None:
        self._set_budget(10**6 if room is None else len(self.model.finished) + room)

    def _set_budget(self, most: int) -> None:
        most = max(1, most)
        network = AnyNetwork(self.network_id, redis=self.url, max_tasks=most)
        network._channel.close()
        self.model.max_tasks = most
        self.model.n_calls += 1

    @rule(who=st.sampled_from(["manager", "first"]), forget=st.booleans())
    def fetch_new_tasks(self, who: str, forget: bool) -> None:
        if forget:
            self.readers[who].reset_cache()
        self._fetch_new(who)

    def _fetch_new(self, who: str) -> None:
        frame = self.readers[who].fetch_new_tasks()
        check_frame(self.model, frame, self.model.finished[self.seen[who] :])
        self.seen[who] = len(self.model.finished)

    @precondition(lambda self: self.settled)
    @rule(number=st.integers(0, 5))
    def repeat_late(self, number: int) -> None:
        """A request that did all it was sent for is repeated after others have gone on."""
        request = self.settled[-1 - number % len(self.settled)]
        again = request.send_again()
        if request.script == "finish_tasks":
            assert again[2:] == request.reply[2:]


def _extra(batch: int | None) -> list[Start] | None:
    return None if batch is None else [Start(batch=batch)]


def _timing(seconds: float | None) -> list[Timing] | None:
    return None if seconds is None else [Timing(seconds=seconds)]
