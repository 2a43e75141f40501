"""The public state machine: users' models, users' rules, users' settings, and what it prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test
from typing_extensions import TypeVar

from rushtyped import AnyExtra, Extra, TaskState, Xs, Ys
from rushtyped.errors import ColumnCollisionError, InvalidTypeError
from rushtyped.testing import NetworkMachine
from rushtyped.testing.machine.agreement import agree
from rushtyped.testing.machine.quiet import Quiet
from tests.models import Params, Scores, Start, Timing

AnyMachine = type[NetworkMachine[Any, Any, Any, Any]]
P = TypeVar("P", bound=Xs)
S = TypeVar("S", bound=Ys)
E = TypeVar("E", bound=Extra, default=AnyExtra)


@pytest.fixture(autouse=True)
def on_server(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NetworkMachine, "redis", redis_url)


def run(machine: AnyMachine, n_examples: int, n_steps: int = 20) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            machine.TestCase.settings,
            max_examples=n_examples,
            stateful_step_count=n_steps,
            phases=[Phase.generate],
            database=None,
        ),
    )


class StudyMachine(NetworkMachine[Params, Scores]):
    """An optimizer works beside the rules of the machine."""

    n_proposed = 0

    @rule(place=st.sampled_from(["first", "second"]))
    def propose_and_evaluate(self, place: str) -> None:
        worker = self.workers[place]
        if self.model.verdict(worker.worker_id) != "GO":
            return
        best = worker.fetch_finished_tasks().sort("y").head(1)
        xs = Params(x1=max(best["x1"].to_list(), default=0.0), x2=1.0)
        with worker.running_task(xs) as task:
            self.model.create("running", [task.key], [xs], worker_id=worker.worker_id)
            self.check_laws()
            task.finish(Scores(y=0.5))
        self.model.finish(worker.worker_id, [task.key], [Scores(y=0.5)])
        StudyMachine.n_proposed += 1


def test_a_rule_of_a_user_runs_among_those_of_the_machine() -> None:
    StudyMachine.n_proposed = 0
    run(StudyMachine, 60)
    assert StudyMachine.n_proposed > 0


class EveryVerbMachine(NetworkMachine[Params, Scores, Start, Timing]):
    """Tells the model by every verb that a public call has."""

    @rule()
    def push_and_settle(self) -> None:
        xss, yss = self.next_xss(3), self.next_yss(3)
        extra, timing = Start(batch=1), Timing(seconds=0.5)
        keys = self.network.push_failed_tasks(xss, xss_extra=[{"batch": 1}], conditions="no")
        self.model.create("failed", keys, xss, xss_extra=[extra], condition="no")
        assert self.network.retry_tasks(keys) == self.model.retry(keys) == keys
        worker = self.workers["first"]
        task = worker.pop_task(timeout=0)
        assert (task and task.key) == self.model.pop(worker.worker_id)
        if task is not None:
            moved = worker.finish_tasks([task.key], yss[:1], yss_extra=[timing])
            told = self.model.finish(worker.worker_id, [task.key], yss[:1], yss_extra=[timing])
            assert moved == told == [task.key]
        left = self.network.queued_tasks
        assert left == self.model.queue
        assert self.network.fail_tasks(left) == self.model.fail(None, left) == left
        (key,) = worker.write_hashes(note=["a"])
        self.model.write_hash(key, note="a")

    @rule(place=st.sampled_from(["first", "second"]), asks=st.booleans())
    def end_a_worker(self, place: str, asks: bool) -> None:
        worker = self.workers[place]
        if asks:
            self.network.stop_workers("terminate", worker_ids=[worker.worker_id])
            self.model.ask(worker.worker_id, "terminate")
        elif place == "first":
            worker.set_terminated()
            self.model.leave(worker.worker_id)
        else:
            worker.stop()
            self.model.stop(worker.worker_id)

    @rule(workers=st.booleans())
    def begin_anew(self, workers: bool) -> None:
        self.network.reset(workers=workers)
        self.model.reset(workers=workers)
        xss = self.next_xss(1)
        self.model.create(TaskState.QUEUED, self.network.push_tasks(xss), xss)


def test_a_rule_can_tell_the_model_of_everything_that_it_does() -> None:
    run(EveryVerbMachine, 30, n_steps=25)


class ExceptionMachine(NetworkMachine[Params, Scores]):
    """Fails a task by an exception that was raised."""

    @rule()
    def raise_in_task(self) -> None:
        worker = self.workers["first"]
        if self.model.verdict(worker.worker_id) != "GO":
            return
        (xs,) = self.next_xss(1)
        task = worker.running_task(xs)
        self.model.create("running", [task.key], [xs], worker_id=worker.worker_id)
        try:
            with task:
                raise ValueError("no")
        except ValueError as error:
            self.model.fail(worker.worker_id, [task.key], error)


def test_a_rule_can_fail_a_task_by_an_exception_with_its_traceback() -> None:
    run(ExceptionMachine, 5)


def complaint_about(machine: AnyMachine) -> str:
    with pytest.raises(AssertionError) as failure:
        run(machine, 20)
    return str(failure.value)


def test_a_rule_that_does_not_tell_the_model_is_reported() -> None:
    class Machine(NetworkMachine[Params, Scores]):
        @rule()
        def push(self) -> None:
            self.network.push_tasks(self.next_xss(1))

    complaint = complaint_about(Machine)
    assert complaint.startswith("the tasks that are stored: found ['")
    assert ", but the model says [" in complaint


def test_a_rule_that_tells_the_model_of_what_was_not_done_is_reported() -> None:
    class Machine(NetworkMachine[Params, Scores]):
        @rule()
        def push(self) -> None:
            self.model.create("queued", ["a"], self.next_xss(1))

    complaint = complaint_about(Machine)
    assert complaint.startswith("the tasks that are stored: found [")
    assert complaint.endswith("'a']")


def test_a_rule_that_tells_the_model_of_other_values_is_reported() -> None:
    class Machine(NetworkMachine[Params, Scores]):
        @rule()
        def push(self) -> None:
            xs, other = Params(x1=1.0, x2=0.0), Params(x1=2.0, x2=0.0)
            (key,) = self.network.push_tasks([xs])
            self.model.create("queued", [key], [other])

    assert complaint_about(Machine).startswith("the packed models of task ")


def test_a_write_behind_the_library_is_reported() -> None:
    class Machine(NetworkMachine[Params, Scores]):
        @rule()
        def spoil(self) -> None:
            name = f"rush:{{{self.network.network_id}}}:meta"
            self.network.connector.hset(name, "spoilt", "1")

    complaint = complaint_about(Machine)
    assert complaint == "meta changed in Redis, but the model was told of nothing"


def test_a_redis_key_that_is_left_behind_is_reported() -> None:
    class Machine(NetworkMachine[Params, Scores]):
        @rule()
        def litter(self) -> None:
            self.network.connector.set(f"rush:{{{self.network.network_id}}}:litter", "1")

    assert complaint_about(Machine).startswith("the network has left the Redis keys ['rush:{")


def test_long_lists_are_shown_from_where_they_differ() -> None:
    keys = [f"key-{number}" for number in range(200)]
    with pytest.raises(AssertionError) as failure:
        agree("the queue", keys, [*keys[:198], "b"])
    assert str(failure.value) == (
        "the queue, from place 198 on: found ['key-198', 'key-199'], but the model says ['b']"
    )
    with pytest.raises(AssertionError) as failure:
        agree("the queue", keys, keys[:199])
    assert str(failure.value) == (
        "the queue, from place 199 on: found ['key-199'], but the model says []"
    )


def test_a_task_that_the_model_does_not_know_is_named() -> None:
    class Machine(NetworkMachine[Params, Scores]):
        @rule()
        def finish(self) -> None:
            self.model.finish("w", ["no-task"], self.next_yss(1))

    expected = "the model knows no task no-task: tell it first that it was made"
    assert complaint_about(Machine) == expected


def test_values_are_there_for_rules_only() -> None:
    class Machine(NetworkMachine[Params, Scores]):
        @initialize()
        def too_early(self) -> None:
            self.next_xss(1)

    complaint = complaint_about(Machine)
    assert complaint.startswith("a history has no values before its begin: use rules")


def test_a_machine_without_models_is_refused() -> None:
    class Machine(NetworkMachine):  # type: ignore[type-arg]  # that is the mistake
        pass

    with pytest.raises(InvalidTypeError, match=r"class Machine\(NetworkMachine\[Params, Scores\]"):
        Machine()


def test_models_that_cannot_be_stored_are_refused() -> None:
    class Twice(Ys):
        x1: float

    class Machine(NetworkMachine[Params, Twice]):
        pass

    with pytest.raises(ColumnCollisionError, match="column 'x1' is declared twice"):
        Machine()
    quiet = Quiet()
    quiet.end()
    assert quiet._was_on, "the machine that was not made has left the log off"


def models_of(machine: AnyMachine) -> tuple[type, ...]:
    state = machine()
    try:
        models = type(state.network).models
        assert models is not None
        return tuple(models)
    finally:
        state.teardown()


class Generous(NetworkMachine[P, Scores, E], Generic[P, E]):
    """A machine that leaves some models open."""


def test_models_come_from_the_subscription_of_any_base() -> None:
    class Four(NetworkMachine[Params, Scores, Start, Timing]):
        pass

    class Inherited(StudyMachine):
        pass

    class Filled(Generous[Params]):
        pass

    class FilledWithAll(Generous[Params, Start]):
        pass

    class Mixin(NetworkMachine):  # type: ignore[type-arg]  # its subclasses give the models
        pass

    class Mixed(Mixin, NetworkMachine[Params, Scores]):
        pass

    assert models_of(Four) == (Params, Scores, Start, Timing)
    assert models_of(Inherited) == (Params, Scores, AnyExtra, AnyExtra)
    assert models_of(Filled) == (Params, Scores, AnyExtra, AnyExtra)
    assert models_of(FilledWithAll) == (Params, Scores, Start, AnyExtra)
    assert models_of(Mixed) == (Params, Scores, AnyExtra, AnyExtra)


def test_a_subclass_of_a_subclass_has_the_rules_of_both() -> None:
    seen: set[str] = set()

    class Further(StudyMachine):
        @rule()
        def look(self) -> None:
            seen.add("look")
            assert isinstance(self.network.fetch_tasks(), pl.DataFrame)

        def propose_and_evaluate(self, place: str) -> None:
            seen.add(place)

    run(Further, 10)
    assert seen == {"look"}  # an override that is no rule takes the rule away


def test_a_run_is_moderate_by_default() -> None:
    class Machine(NetworkMachine[Params, Scores]):
        pass

    default = Machine.TestCase.settings
    assert (default.max_examples, default.stateful_step_count) == (150, 40)
    assert default.deadline is None
    assert Phase.shrink in default.phases
    assert HealthCheck.return_value not in default.suppress_health_check


@pytest.fixture
def lazy_profile() -> Iterator[None]:
    settings.register_profile("lazy", max_examples=1, stateful_step_count=1, deadline=1, phases=[])
    before = settings.get_current_profile_name()
    settings.load_profile("lazy")
    yield
    settings.load_profile(before)


@pytest.mark.usefixtures("lazy_profile")
def test_a_profile_does_not_shorten_a_run() -> None:
    class Machine(NetworkMachine[Params, Scores]):
        pass

    found = Machine.TestCase.settings
    assert (found.max_examples, found.stateful_step_count, found.deadline) == (150, 40, None)
    assert Phase.generate in found.phases


def test_settings_of_a_subclass_win_and_are_inherited() -> None:
    class Machine(NetworkMachine[Params, Scores]):
        pass

    Machine.TestCase.settings = settings(max_examples=7)

    class Further(Machine):
        pass

    @settings(max_examples=9)
    class Decorated(Machine):
        pass

    class Other(NetworkMachine[Params, Scores]):
        pass

    assert Further.TestCase.settings.max_examples == 7
    assert Decorated.TestCase.settings.max_examples == 9
    assert Other.TestCase.settings.max_examples == 150
