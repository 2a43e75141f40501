"""The manager of a network: starts, watches and stops workers, and reads what they found."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self

from loguru import logger

from rushtyped.arguments import MOST_SECONDS, check_count, check_options, check_seconds
from rushtyped.connect import Server
from rushtyped.errors import InvalidArgumentError, WaitTimeoutError
from rushtyped.expiry_store import ExpiryStore
from rushtyped.keys import new_network_id, new_token
from rushtyped.launch.crew import MAX_ATTEMPTS, WORKER_LOST, Crew, StopType, countdown
from rushtyped.launch.engine import Executor, check_executor
from rushtyped.launch.local import n_cores
from rushtyped.launch.options import worker_options
from rushtyped.launch.order_book import OrderBook
from rushtyped.launch.script import script_of
from rushtyped.log_store import LogStore
from rushtyped.logs import LogLevels, LogPrinter
from rushtyped.loop_types import WorkerLoop
from rushtyped.loops import new_secret
from rushtyped.membership import read_schemas
from rushtyped.models import Extra, Xs, Ys
from rushtyped.packer import Conditions
from rushtyped.plan import endpoint_for, secret, settings
from rushtyped.progress import progress_display
from rushtyped.selection import check_keys, check_worker_ids, first_of_each
from rushtyped.specialisation import check_undeclared, specialise_as_stored
from rushtyped.task import XE, YE, X, Y
from rushtyped.tasks import RETRY_TIMEOUT, Tasks
from rushtyped.waiter import Watch

if TYPE_CHECKING:  # a worker's process imports this module, too, and does not pay for Polars
    import polars as pl

_CALM = 0.02
"""Seconds for which events are gathered before the next look."""


class Network(Tasks[X, Y, XE, YE], Generic[X, Y, XE, YE]):
    """The manager's view of a network: create or join it by its id, in one call.

    `max_tasks` and `max_seconds` are one budget for all workers, kept in Redis: exactly so many
    tasks finish, and no task starts after so many seconds since the first one. A budget that is
    given replaces the stored one.
    """

    def __init__(
        self,
        network_id: str | None = None,
        *,
        redis: Server | None = None,
        max_tasks: int | None = None,
        max_seconds: float | None = None,
        retry_timeout: float = RETRY_TIMEOUT,
    ) -> None:
        patience = check_seconds("retry_timeout", retry_timeout) or 0.0
        check_count("max_tasks", max_tasks, least=1)
        seconds = check_seconds("max_seconds", max_seconds, most=MOST_SECONDS)
        name = new_network_id() if network_id is None else network_id
        super().__init__(name, endpoint_for(redis), patience)
        if max_tasks is not None or seconds is not None:
            self._store.set_budget(max_tasks, seconds)

    @classmethod
    def open(
        cls, network_id: str, *, redis: Server | None = None, retry_timeout: float = RETRY_TIMEOUT
    ) -> Network[Xs, Ys, Extra, Extra]:
        """Join a network that exists, without its models: columns are those that it has recorded.

        What was pushed by others can be read, retried, failed and pushed again; workers need the
        models. Raises UnknownNetworkError where there is no such network.
        """
        check_undeclared(cls)
        patience = check_seconds("retry_timeout", retry_timeout) or 0.0
        schemas = read_schemas(network_id, endpoint := endpoint_for(redis), patience)
        opened: type[Network[Xs, Ys, Extra, Extra]] = specialise_as_stored(cls, schemas)
        return opened(network_id, redis=endpoint, retry_timeout=patience)

    def _open(self) -> None:
        super()._open()
        self._crew = Crew(self._store, self._packer)
        self._orders = OrderBook(
            network_id=self._network_id,
            endpoint=self._endpoint,
            retry_timeout=self._retry_timeout,
            store=self._store,
            membership=self._membership,
            packer=self._packer,
        )
        self._logs = LogStore(self._store)
        self._printer = LogPrinter(self._logs)
        self._own_secret = new_secret().hex()

    @property
    def _secret(self) -> str:
        """What loops are signed with: the environment's, or one of this object's own."""
        return secret() or self._own_secret

    def start_local_workers(
        self,
        worker_loop: WorkerLoop[X, Y, XE, YE],
        *,
        n_workers: int | None = None,
        imports: Sequence[str] = (),
        log_levels: LogLevels | None = None,
        log_buffer_size: int | None = None,
        supervise: bool = True,
        message_log: str | Path | None = None,
        output_log: str | Path | None = None,
        heartbeat_period: float | None = None,
        heartbeat_expire: float | None = None,
    ) -> list[str]:
        """Start processes on this machine that run the loop; return the ids of their workers.

        Starts as many as planned, else as this process may use cores, and does not wait for them.
        Supervised workers end when this process does, even by a kill. `log_levels` says what is
        kept for `read_log`, warnings unless told otherwise; `log_buffer_size` records are gathered
        before they are sent. `message_log` and `output_log` are directories that get a file for
        each worker: message_<id>.log, output_<id>.log. Heartbeats are seconds, as of a `Worker`.
        """
        found = settings(
            n_workers=n_workers,
            log_levels=log_levels,
            log_buffer_size=log_buffer_size,
            heartbeat_period=heartbeat_period,
            heartbeat_expire=heartbeat_expire,
        )
        options = worker_options(found, imports, message_log, output_log)
        n = found.n_workers or n_cores()
        orders = self._orders.orders(
            worker_loop, found, options, n, secret=self._secret, supervise=supervise
        )
        self._crew.local.start(orders)
        logger.trace("Started {} local workers in network {}", n, self.network_id)
        return [order.worker_id for order in orders]

    def start_workers(
        self,
        worker_loop: WorkerLoop[X, Y, XE, YE],
        *,
        executor: Executor,
        n_workers: int | None = None,
        imports: Sequence[str] = (),
        log_levels: LogLevels | None = None,
        log_buffer_size: int | None = None,
        message_log: str | Path | None = None,
        output_log: str | Path | None = None,
        heartbeat_period: float | None = None,
        heartbeat_expire: float | None = None,
    ) -> list[str]:
        """Have an engine run workers; return their ids, without waiting for them.

        `executor` is anything with the `submit` of `concurrent.futures`; it gets one call for each
        worker, as many as `n_workers` or the plan says. Set RUSHTYPED_SECRET for this process and
        those of the engine; otherwise the secret that loops are signed with goes with the call.
        The other options are those of `start_local_workers`; directories are the engine's own.
        """
        engine = check_executor(executor)
        found = settings(
            n_workers=n_workers,
            log_levels=log_levels,
            log_buffer_size=log_buffer_size,
            heartbeat_period=heartbeat_period,
            heartbeat_expire=heartbeat_expire,
        )
        if found.n_workers is None:
            raise InvalidArgumentError(
                "start_workers needs n_workers, or a plan that has it: an engine does not say how "
                "many workers it has room for"
            )
        options = worker_options(found, imports, message_log, output_log)
        orders = self._orders.orders(
            worker_loop, found, options, found.n_workers, secret=self._secret
        )
        if secret() is not None:
            orders = [replace(order, secret="") for order in orders]
        self._crew.engines.start(engine, orders)
        logger.trace("Submitted {} workers of network {}", len(orders), self.network_id)
        return [order.worker_id for order in orders]

    def worker_script(
        self,
        worker_loop: WorkerLoop[X, Y, XE, YE],
        *,
        imports: Sequence[str] = (),
        log_levels: LogLevels | None = None,
        log_buffer_size: int | None = None,
        message_log: str | Path | None = None,
        output_log: str | Path | None = None,
        heartbeat_period: float | None = None,
        heartbeat_expire: float | None = None,
        credentials: bool = True,
        python: str = sys.executable,
    ) -> str:
        """Write a line for a POSIX shell that starts one worker; run it as often as you like.

        The server's URL, where it holds a password, and the secret that loops are signed with are
        variables before the command. Without `credentials` they are left out, to be set as
        RUSHTYPED_REDIS_URL and RUSHTYPED_SECRET where the line runs; the latter then has to be
        set here too. `python` is the interpreter there. The log shows the line without secrets. The
        other options are those of `start_local_workers`.
        """
        if not credentials and secret() is None:
            raise InvalidArgumentError(
                "worker_script(credentials=False) needs RUSHTYPED_SECRET to be set here, and to "
                "the same text where the line runs: loops are signed with it"
            )
        found = settings(
            log_levels=log_levels,
            log_buffer_size=log_buffer_size,
            heartbeat_period=heartbeat_period,
            heartbeat_expire=heartbeat_expire,
        )
        options = worker_options(found, imports, message_log, output_log)
        (order,) = self._orders.orders(worker_loop, found, options, 1, secret=self._secret)
        script = script_of(order, python)
        logger.info("Worker script: {}", script.redacted())
        return script.line(credentials=credentials)

    def wait_for_workers(
        self,
        n: int | None = None,
        *,
        worker_ids: Sequence[str] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Wait until n workers, or the named ones, or n of the named ones, have registered.

        Counts workers that run, and those started here even when they have ended since. Raises
        WaitTimeoutError after `timeout` seconds (the plan's, else never; 0 looks once),
        WorkerStartError when a process that was started here has died before it registered.
        """
        ids = check_worker_ids(worker_ids)
        if n is None and ids is None:
            raise InvalidArgumentError("wait_for_workers needs n, worker_ids or both")
        wanted = check_count("n", n, least=0) if n is not None else len(ids or ())
        seconds = settings(start_worker_timeout=timeout).start_worker_timeout
        left = countdown(seconds)
        event: bytes | None = None
        while True:
            event = event or self._store.last_event()
            registered = self._crew.registered(ids)
            if len(registered) >= (wanted or 0):
                return
            self.detect_lost_workers()
            self._crew.raise_start_failures()
            if left() <= 0:
                raise WaitTimeoutError(
                    f"{len(registered)} of {wanted} workers registered within {seconds:g} s: "
                    "look at their messages (message_log=), or wait longer"
                )
            event = self._store.wait_for_event(event, min(left(), self._crew.pause))

    def wait_until_done(self, *, timeout: float | None = None, progress: bool = False) -> None:
        """Wait until the budget is spent and no task runs, or no worker is left.

        Sees to lost local workers meanwhile; `progress` shows a bar, or lines without a terminal.
        Raises WaitTimeoutError after `timeout` seconds, WorkerStartError when none could start.
        """
        left = countdown(check_seconds("timeout", timeout))
        with progress_display(self.network_id, wanted=progress) as display:
            while True:
                self.detect_lost_workers()
                state = self._store.progress()
                done = state.spent and state.running == 0
                done = done or (state.running_workers == 0 and self._crew.is_deserted())
                display.show(state, last=done)
                if done:
                    return
                if left() <= 0:
                    raise WaitTimeoutError(
                        f"network {self.network_id!r} was not done within {timeout:g} s: "
                        f"{state.finished} tasks are finished, {state.running} run"
                    )
                self._store.wait_for_event(state.event, min(left(), self._crew.pause))
                time.sleep(min(_CALM, max(0.0, left())))

    def stop_workers(
        self, type: StopType = "kill", *, worker_ids: Sequence[str] | None = None
    ) -> None:
        """Stop workers, all that run where none is named.

        "kill" ends them at once, and fails their tasks with "Worker was killed"; "terminate" lets
        their loops end after the current task, and returns without waiting for it. Ids that do
        not run are skipped with a warning. A `Worker` that was made by hand in a process of its
        user's is told to end, but its process is not killed.
        """
        check_options("type", [type], ("kill", "terminate"))
        ids = check_worker_ids(worker_ids)
        if ids != []:
            self._crew.stop(type, ids)

    def detect_lost_workers(
        self, *, requeue: bool = False, max_attempts: int = MAX_ATTEMPTS
    ) -> list[str]:
        """Find workers that are dead or frozen, and settle their tasks; return their ids.

        Those that were started here are found at once, all others when their lease has run out.
        The tasks fail with the reason; with `requeue` they go back to the front of the queue
        instead, until they have been tried `max_attempts` times.
        """
        attempts = check_count("max_attempts", max_attempts, least=1) or MAX_ATTEMPTS
        return self._crew.detect_lost(requeue=requeue, max_attempts=attempts)

    def read_log(
        self, *, worker_ids: Sequence[str] | None = None, time_difference: bool = False
    ) -> pl.DataFrame:
        """Read what workers have logged, in the order of time; of all of them unless named.

        Columns worker_id, level, timestamp, logger, caller, message and exception, and with
        `time_difference` how long after the worker's previous record each came.
        """
        from rushtyped.log_reader import LogReader

        return LogReader(self._logs).frame(
            check_worker_ids(worker_ids), time_difference=time_difference
        )

    def print_log(self) -> None:
        """Log what workers have logged since the last call, by this process's own loguru logger."""
        self._printer.print_new()

    def verify(self, *, repair: bool = False) -> pl.DataFrame:
        """Check that what is stored keeps every promise, while workers go on; empty when it does.

        A row for each problem: columns problem, key (of a task, a worker or in Redis), state,
        worker_id, where (the Redis key that is wrong) and repaired. `repair` mends what has one
        right answer: a task's hash says where it belongs. Reads all keys in small steps, and
        holds some 500 bytes a task meanwhile.
        """
        from rushtyped.verification import Verifier, findings_frame

        read = vars(self)["_reader"].finished_keys() if "_reader" in vars(self) else ()
        verifier = Verifier(self._store, self._packer.condition(WORKER_LOST))
        return findings_frame(verifier.verify(repair=repair, read=read))

    def fail_tasks(
        self, keys: Sequence[str] | None = None, conditions: Conditions = None
    ) -> list[str]:
        """Fail queued or running tasks, all queued ones where none is named.

        Returns the keys of those that this call failed, each once; a key that comes again fails
        with its first condition. Raises UnknownTaskError for keys of no task; then nothing is
        changed.
        """
        chosen = self.queued_tasks if keys is None else check_keys(keys)
        reasons = self._packer.conditions(conditions, len(chosen))
        tasks = first_of_each(chosen, reasons)
        if keys is None:
            return self._store.fail_known(new_token(), tasks)
        chosen = [key for key, _ in tasks]
        self._membership.check_many(chosen)
        moved = self._store.fail_tasks("", new_token(), tasks)
        return self._settled(chosen, moved, "failed")

    def reset(self, *, workers: bool = True) -> None:
        """Delete all tasks, and with `workers` kill and forget the workers too.

        The budget stays, its clock starts anew. All readers notice it.
        """
        if workers:
            self._crew.kill_all()
        self._store.reset(new_token(), workers=workers)
        self._membership.note_reset(joined=not workers)

    def expire(self, seconds: float | None) -> None:
        """Let all data of the network vanish so many seconds from now; None takes it back.

        All at one instant of the server's clock, with what is written until then. A later call
        sets another moment; a reset leaves it. Goes in small steps: a call that was cut short is
        completed by its repeat, and leaves until then what it has not reached.
        """
        left = check_seconds("seconds", seconds, most=MOST_SECONDS)
        self._membership.join()
        ExpiryStore(self._store).set(left)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the workers that were started here; the data stay."""
        self._crew.leave(in_peace=kind is None)
        self._channel.close()

    def _watch(self, detect_lost_workers: bool) -> Watch:  # noqa: FBT001
        return self._crew.watch(self.detect_lost_workers if detect_lost_workers else None)
