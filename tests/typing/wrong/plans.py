"""Wrong defaults for a process, each on its own line."""

from __future__ import annotations

from rushtyped import WorkerType, current_plan, has_plan, plan, remove_plan

CHOSEN: WorkerType = "remote"  # error: assignment | reportAssignmentType


def for_the_process() -> None:
    plan("redis://host:6379/0")  # error: call-arg | reportCallIssue
    plan(redis=6379)  # error: arg-type | reportArgumentType
    plan(n_workers="2")  # error: arg-type | reportArgumentType
    plan(workers=2)  # error: call-arg | reportCallIssue
    plan(worker_type="remote")  # error: arg-type | reportArgumentType
    plan(log_levels="DEBUG")  # error: arg-type | reportArgumentType
    plan(log_levels={"rushtyped": None})  # error: dict-item | reportArgumentType
    plan(log_buffer_size=1.5)  # error: arg-type | reportArgumentType
    plan(large_objects_path=b"objects")  # error: arg-type | reportArgumentType
    plan(start_worker_timeout="60")  # error: arg-type | reportArgumentType
    plan(secret="0123456789abcdef")  # error: call-arg | reportCallIssue
    remove_plan(plan())  # error: call-arg | reportCallIssue
    has_plan.n_workers  # error: attr-defined | reportFunctionMemberAccess


def in_force() -> None:
    found = current_plan()
    found.n_workers = 2  # error: misc | reportAttributeAccessIssue
    found.log_levels["rushtyped"] = 10  # error: index | reportOptionalSubscript,reportIndexIssue
    print(found.workers)  # error: attr-defined | reportAttributeAccessIssue
    print(found.log_limit + 1)  # error: operator | reportOptionalOperand
