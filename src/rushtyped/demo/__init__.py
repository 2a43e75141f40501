"""A worked example: asynchronous decentralised Bayesian optimisation of a real model."""

from __future__ import annotations

from rushtyped.demo.command import Options, run_demo
from rushtyped.demo.problem import Origin, Params, Scores, Seconds, evaluate
from rushtyped.demo.search import propose, search

__all__ = [
    "Options",
    "Origin",
    "Params",
    "Scores",
    "Seconds",
    "evaluate",
    "propose",
    "run_demo",
    "search",
]
