"""Hypothesis strategies for the models and the records of a network."""

from rushtyped.testing.strategies.models import extra_strategy, xs_strategy, ys_strategy
from rushtyped.testing.strategies.records import conditions, tasks

__all__ = ["conditions", "extra_strategy", "tasks", "xs_strategy", "ys_strategy"]
