"""Process-wide defaults: what a plan says, then what the environment says."""

from rushtyped.plan.defaults import current_plan, endpoint_for, plan, settings
from rushtyped.plan.environment import SECRET_VARIABLE, secret
from rushtyped.plan.stack import Plan, has_plan, remove_plan
from rushtyped.plan.values import Settings, WorkerType

__all__ = [
    "SECRET_VARIABLE",
    "Plan",
    "Settings",
    "WorkerType",
    "current_plan",
    "endpoint_for",
    "has_plan",
    "plan",
    "remove_plan",
    "secret",
    "settings",
]
