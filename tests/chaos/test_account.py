"""The account of a chaos run finds whatever is wrong, and nothing where all is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.account import find_violations
from tests.chaos.journal import Call, Journal, Verb, read_journals
from tests.chaos.models import ChaosNetwork, ChaosWorker, Receipt, Ticket
from tests.chaos.stored import Places, Stored, StoredTask, StoredWorker, read_stored
from tests.chaos.violation import Law

Keys = tuple[str, ...]


@dataclass(frozen=True)
class Story:
    """What is stored, and what was told."""

    stored: Stored
    calls: tuple[Call, ...]
    budget: int | None = None

    def laws(self) -> set[Law]:
        """The laws that are found to be broken."""
        found = find_violations(self.stored, list(self.calls), budget=self.budget)
        return {violation.law for violation in found}

    def with_task(self, key: str, task: StoredTask | None = None, **changes: Any) -> Story:
        """Tell it with another hash; the states are read from hashes, so they change as well."""
        task = replace(task or self.stored.tasks[key], **changes)
        tasks = {**self.stored.tasks, key: task}
        states = {**self.stored.places.states, key: task.state}
        places = replace(self.stored.places, states=states)
        return replace(self, stored=replace(self.stored, tasks=tasks, places=places))

    def without_task(self, key: str) -> Story:
        """Tell it without a task, wherever it was."""
        places = self.stored.places
        lists: dict[str, Any] = {name: _without(key, getattr(places, name)) for name in _INDEXES}
        states = {each: state for each, state in places.states.items() if each != key}
        tasks = {each: task for each, task in self.stored.tasks.items() if each != key}
        places = replace(places, states=states, **lists)
        return replace(self, stored=replace(self.stored, tasks=tasks, places=places))

    def with_places(self, **changes: Any) -> Story:
        """Tell it with other indexes."""
        places = replace(self.stored.places, **changes)
        return replace(self, stored=replace(self.stored, places=places))

    def with_worker(self, worker_id: str, **changes: Any) -> Story:
        """Tell it with another worker."""
        worker = replace(self.stored.places.workers[worker_id], **changes)
        return self.with_places(workers={**self.stored.places.workers, worker_id: worker})

    def with_calls(self, *calls: Call) -> Story:
        """Tell it with more calls."""
        return replace(self, calls=(*self.calls, *calls))

    def with_call(self, n: int, **changes: Any) -> Story:
        """Tell it with another n-th call."""
        calls = [*self.calls]
        calls[n] = replace(calls[n], **changes)
        return replace(self, calls=tuple(calls))


_INDEXES = ("all", "queue", "running", "finished", "failed")


def _without(key: str, keys: Keys) -> Keys:
    return tuple(each for each in keys if each != key)


def call(
    who: str,
    verb: Verb,
    asked: Sequence[str] = (),
    notes: Sequence[str] = (),
    *,
    told: Sequence[str] | None = (),
    told_notes: Sequence[str] = (),
) -> Call:
    told = None if told is None else tuple(told)
    return Call(who, 1, verb, tuple(asked), tuple(notes), 0.0, told, tuple(told_notes))


PUSH, POP_A, FINISH_A, POP_B, FAIL_B, RETRY, POP_B_AGAIN, FINISH_B, START, FAIL_C, LATE, FETCH = (
    range(12)
)


@pytest.fixture
def story() -> Story:
    """Two pushed tasks, finished by w1 and, at the second attempt, by w2; one of w1's own fails.

    w1 was declared lost in the end, and then sent another result for the second task in vain.
    """
    calls = (
        call("p", Verb.PUSH, ["p.0", "p.1"], told=["a", "b"]),
        call("w1", Verb.POP, told=["a"], told_notes=["1"]),
        call("w1", Verb.FINISH, ["a"], ["w1.0"], told=["a"]),
        call("w1", Verb.POP, told=["b"], told_notes=["1"]),
        call("w1", Verb.FAIL, ["b"], ["w1.1"], told=["b"]),
        call("p", Verb.RETRY, ["b"], told=["b"]),
        call("w2", Verb.POP, told=["b"], told_notes=["2"]),
        call("w2", Verb.FINISH, ["b"], ["w2.0"], told=["b"]),
        call("w1", Verb.START, ["w1.2"], told=["c"], told_notes=["1"]),
        call("w1", Verb.FAIL, ["c"], ["w1.3"], told=["c"]),
        call("w1", Verb.FINISH, ["b"], ["w1.4"], told=[]),
        call("m", Verb.FETCH, told=["a", "b"], told_notes=["w1.0", "w2.0"]),
        call("m", Verb.DETECT, told=["w1"]),
    )
    tasks = {
        "a": StoredTask("finished", "p.0", "w1.0", "w1"),
        "b": StoredTask("finished", "p.1", "w2.0", "w2", attempt=2),
        "c": StoredTask("failed", "w1.2", "", "w1", message="w1.3"),
    }
    places = Places(
        all=("a", "b", "c"),
        queue=(),
        running=(),
        finished=("a", "b"),
        failed=("c",),
        states={key: task.state for key, task in tasks.items()},
        owners={},
        workers={
            "w1": StoredWorker(reason="Worker has crashed or was killed"),
            "w2": StoredWorker(reason="ended"),
        },
    )
    return Story(Stored(places, tasks), calls)


def test_nothing_is_found_where_all_is_right(story: Story) -> None:
    assert story.laws() == set()
    assert replace(story, budget=2).laws() == set()


def test_a_call_that_was_never_answered_may_have_happened_or_not(story: Story) -> None:
    assert story.with_call(PUSH, told=None).laws() == set()
    assert story.with_call(FINISH_A, told=None).laws() == set()
    assert story.with_calls(call("p", Verb.PUSH, ["p.2"], told=None)).laws() == set()


def test_a_lost_task_is_found(story: Story) -> None:
    assert story.without_task("a").laws() == {Law.NONE_LOST, Law.READERS}
    pushed = call("p", Verb.PUSH, ["p.9"], told=["z"])
    assert story.with_calls(pushed).laws() == {Law.NONE_LOST}


def test_a_task_in_no_index_is_found(story: Story) -> None:
    assert story.with_places(failed=()).laws() == {Law.NONE_LOST}


def test_a_task_without_a_hash_is_found(story: Story) -> None:
    states = {**story.stored.places.states, "c": ""}
    assert story.with_places(states=states).laws() == {Law.NONE_LOST}


def test_a_task_that_is_not_as_it_was_asked_for_is_found(story: Story) -> None:
    swapped = story.with_task("a", origin="p.1").with_task("b", origin="p.0")
    assert swapped.laws() == {Law.NONE_LOST}


@pytest.mark.parametrize(
    ("changes", "law"),
    [
        ({"failed": ("c", "a")}, Law.ONE_STATE),
        ({"finished": ("a", "b", "b")}, Law.ONE_STATE),
        ({"queue": ("c",)}, Law.ONE_STATE),
        ({"queue": ("z",)}, Law.ONE_STATE),
        ({"all": ("a", "b", "c", "c")}, Law.NONE_DOUBLED),
    ],
)
def test_a_task_in_two_places_is_found(story: Story, changes: dict[str, Keys], law: Law) -> None:
    assert law in story.with_places(**changes).laws()


def test_an_index_that_contradicts_the_hash_is_found(story: Story) -> None:
    assert Law.ONE_STATE in story.with_task("c", state="queued").laws()


def test_a_task_that_an_ended_worker_keeps_is_found(story: Story) -> None:
    assert Law.ONE_STATE in story.with_worker("w1", pending=("c",)).laws()
    assert Law.ONE_STATE in story.with_worker("w1", tasks=("c",)).laws()


def test_a_running_task_that_its_worker_does_not_list_is_found(story: Story) -> None:
    running = story.with_task("c", state="running").with_places(
        failed=(), running=("c",), owners={"c": "w2"}
    )
    assert Law.ONE_STATE in running.with_worker("w2", is_running=True).laws()


def test_a_hash_that_nothing_lists_is_found(story: Story) -> None:
    stored = replace(story.stored, strays=("z",))
    assert replace(story, stored=stored).laws() == {Law.ONE_STATE}


def test_a_result_that_is_not_the_one_sent_is_found(story: Story) -> None:
    found = story.with_task("a", nonce="w1.9").laws()
    assert found == {Law.TOLD_IS_TRUE, Law.READERS}


def test_a_result_under_the_name_of_another_worker_is_found(story: Story) -> None:
    assert story.with_task("a", worker_id="w2").laws() == {Law.TOLD_IS_TRUE}


def test_a_task_that_two_workers_finished_is_found(story: Story) -> None:
    assert Law.NONE_DOUBLED in story.with_call(LATE, told=("b",)).laws()


def test_a_task_that_somebody_settled_without_being_given_it_is_found(story: Story) -> None:
    never_given = story.with_call(POP_A, told=(), told_notes=())
    assert never_given.laws() == {Law.TOLD_IS_TRUE}
    refused = call("w2", Verb.FINISH, ["a"], ["w2.9"], told=[])
    assert story.with_calls(refused).laws() == set()


def test_a_failure_that_is_not_stored_is_found(story: Story) -> None:
    assert story.with_task("c", message="another").laws() == {Law.TOLD_IS_TRUE}


def test_a_result_that_was_refused_and_stored_is_found(story: Story) -> None:
    assert story.with_call(FINISH_A, told=()).laws() == {Law.TOLD_IS_TRUE}


def test_a_result_that_was_refused_without_a_reason_is_found(story: Story) -> None:
    refused = story.with_call(FAIL_C, verb=Verb.FINISH, told=())
    left = refused.with_task("c", message="Worker was terminated")
    assert left.laws() == {Law.TOLD_IS_TRUE}
    lost = refused.with_task("c", message="Worker has crashed or was killed (SIGKILL)")
    assert lost.laws() == set()


def test_a_task_that_is_there_twice_is_found(story: Story) -> None:
    twice = replace(story.stored.tasks["c"])
    places = {"all": ("a", "b", "c", "d"), "failed": ("c", "d")}
    assert story.with_task("d", twice).with_places(**places).laws() == {Law.NONE_DOUBLED}


def test_a_task_that_nobody_asked_for_is_found(story: Story) -> None:
    assert story.with_call(PUSH, asked=("p.0", "p.7")).laws() >= {Law.NONE_DOUBLED}


def test_a_task_that_was_refused_and_created_is_found(story: Story) -> None:
    assert Law.TOLD_IS_TRUE in story.with_call(START, told=(), told_notes=()).laws()


def test_an_attempt_that_two_workers_ran_is_found(story: Story) -> None:
    again = call("w2", Verb.POP, told=["a"], told_notes=["1"])
    assert story.with_calls(again).laws() == {Law.NONE_DOUBLED}


def test_attempts_that_do_not_add_up_are_found(story: Story) -> None:
    assert Law.ATTEMPTS in story.with_task("b", attempt=1).laws()
    assert story.with_task("b", attempt=5).laws() == {Law.ATTEMPTS}
    assert Law.ATTEMPTS in story.with_call(POP_B_AGAIN, told_notes=("3",)).laws()


@pytest.mark.parametrize(
    ("keys", "nonces"),
    [
        (("a", "a", "b"), ("w1.0", "w1.0", "w2.0")),
        (("b", "a"), ("w2.0", "w1.0")),
        (("b",), ("w2.0",)),
        (("a", "b"), ("w1.0", "w1.0")),
        (("a", "b", "c"), ("w1.0", "w2.0", "")),
    ],
)
def test_a_reader_that_saw_something_else_is_found(story: Story, keys: Keys, nonces: Keys) -> None:
    assert story.with_call(FETCH, told=keys, told_notes=nonces).laws() == {Law.READERS}


def test_what_is_left_over_is_found(story: Story) -> None:
    assert story.with_worker("w2", is_running=True).laws() == {Law.SETTLED}
    assert story.with_worker("w2", lease=True).laws() == {Law.SETTLED}
    queued = story.with_task("c", state="queued").with_places(failed=(), queue=("c",))
    assert Law.SETTLED in queued.laws()


def test_a_budget_that_is_not_used_exactly_is_found(story: Story) -> None:
    assert replace(story, budget=1).laws() == {Law.BUDGET}
    assert replace(story, budget=3).laws() == {Law.BUDGET}


def test_an_error_that_a_process_met_is_found(story: Story) -> None:
    met = call("m", Verb.TROUBLE, ["ServerUnreachableError"], told=None)
    assert story.with_calls(met).laws() == {Law.CALM}


def test_a_worker_that_was_declared_lost_and_is_not_is_found(story: Story) -> None:
    assert story.with_worker("w1", reason="ended").laws() == {Law.TOLD_IS_TRUE}


def test_a_journal_is_read_as_far_as_a_kill_let_it_be_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "w1")
    number = journal.ask(Verb.POP)
    journal.tell(number, ["a"], ["2"])
    journal.ask(Verb.FINISH, ["a"], ["w1.0"])
    path = next(tmp_path.iterdir())
    path.write_bytes(path.read_bytes() + b'["told",2,["a"')
    popped, finished = read_journals(tmp_path)
    assert (popped.who, popped.verb, popped.begun) == ("w1", Verb.POP, [("a", 2)])
    assert (finished.asked, finished.notes, finished.told) == (("a",), ("w1.0",), None)


def test_what_the_server_holds_is_read_as_it_is(redis_url: str, network_id: str) -> None:
    network = ChaosNetwork(network_id, redis=redis_url)
    worker = ChaosWorker(network_id, redis=redis_url, worker_id="w1")
    (popped, waiting) = network.push_tasks([Ticket(origin="p.0"), Ticket(origin="p.1")])
    task = worker.pop_task(timeout=0.0)
    assert task is not None
    task.finish(Receipt(nonce="w1.0"))
    (failed,) = network.push_failed_tasks([Ticket(origin="p.2")], conditions=["lost"])
    network.connector.rpush(f"rush:{{{network_id}}}:queue", failed)
    network.connector.hset(f"rush:{{{network_id}}}:task:stray", "state", "queued")
    stored = read_stored(network.connector, network_id)
    assert stored.places.all == (popped, waiting, failed)
    assert stored.places.queue == (waiting, failed)
    assert stored.places.finished == (popped,)
    assert stored.places.failed == (failed,)
    assert stored.strays == ("stray",)
    assert stored.places.workers == {"w1": StoredWorker(is_running=True, lease=True)}
    assert stored.tasks[popped] == StoredTask("finished", "p.0", "w1.0", "w1")
    assert stored.tasks[waiting] == StoredTask("queued", "p.1")
    assert stored.tasks[failed] == StoredTask("failed", "p.2", message="lost")
