"""Wrong uses of workers on engines and by scripts, of their leases and their logs."""

from __future__ import annotations

from concurrent.futures import Executor

from rushtyped import Network, Worker, Xs, Ys


class Params(Xs):
    x: float


class Scores(Ys):
    y: float


def loop(worker: Worker[Params, Scores]) -> None:
    raise NotImplementedError


class OtherParams(Xs):
    z: float


def loop_of_others(worker: Worker[OtherParams, Scores], sigma: float) -> None:
    raise NotImplementedError


def uses(network: Network[Params, Scores], on: Executor) -> None:
    network.start_workers(loop)  # error: call-arg | reportCallIssue
    network.start_workers(loop, on)  # error: call-arg | reportCallIssue
    network.start_workers(loop, executor=object())  # error: arg-type | reportArgumentType
    network.start_workers(loop_of_others, executor=on)  # error: arg-type | reportArgumentType
    network.start_workers(loop, executor=on, supervise=1)  # error: call-arg | reportCallIssue
    network.start_workers(loop, executor=on, n_workers="4")  # error: arg-type | reportArgumentType
    network.worker_script(loop_of_others)  # error: arg-type | reportArgumentType
    network.worker_script(loop, password="secret")  # error: call-arg | reportCallIssue
    network.worker_script(loop, credentials="no")  # error: arg-type | reportArgumentType
    network.start_local_workers(loop, log_levels="INFO")  # error: arg-type | reportArgumentType
    network.start_local_workers(loop, log_levels={1: 9})  # error: dict-item | reportArgumentType
    network.start_local_workers(loop, heartbeat_period="1")  # error: arg-type | reportArgumentType
    network.start_remote_workers(loop)  # error: attr-defined | reportAttributeAccessIssue
    network.detect_lost_workers(True)  # error: call-arg | reportCallIssue
    network.detect_lost_workers(max_attempts=1.5)  # error: arg-type | reportArgumentType
    network.read_log("a")  # error: call-arg | reportCallIssue
    network.read_log(time_difference="yes")  # error: arg-type | reportArgumentType
    Worker[Params, Scores]("study", heartbeat_period="2")  # error: arg-type | reportArgumentType
