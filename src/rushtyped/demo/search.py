"""The worker loop: asynchronous decentralised Bayesian optimisation.

Each worker decides for itself, by a surrogate of its own on everybody's results. Workers differ in
how much uncertainty attracts them, so that they do not all propose the same point (Egele et al.,
Asynchronous Decentralized Bayesian Optimization for Large Scale Hyperparameter Optimization, 2023).
"""

from __future__ import annotations

import numpy as np
import polars as pl
from sklearn.ensemble import RandomForestRegressor
from threadpoolctl import threadpool_limits

from rushtyped import Task
from rushtyped.demo.clock import Clock
from rushtyped.demo.problem import DemoWorker, Origin, Params, Scores, Seconds, evaluate
from rushtyped.demo.space import Space

SPACE = Space(Params)
N_CANDIDATES = 1000
N_TREES = 100
MEAN_EXPLORATION = 1.96


def search(worker: DemoWorker, *, seed: int, index: int, max_tasks: int) -> None:
    """Evaluate the initial design, then propose and evaluate until the budget is spent."""
    rng = np.random.default_rng([seed, index])
    exploration = rng.exponential(MEAN_EXPLORATION)
    clock = Clock()
    with threadpool_limits(1):  # the workers share the cores already
        while (task := _pop(worker, clock)) is not None:
            _evaluate(task, clock)
        while not worker.terminated:
            with clock.measure("rushtyped"):
                tasks = worker.fetch_tasks_with_state(states=["finished", "running"])
            with clock.measure("surrogate"):
                xs, origin = propose(tasks, exploration, rng)
            with clock.measure("waiting" if tasks.height >= max_tasks else "rushtyped"):
                task = worker.running_task(xs, xs_extra=origin)
            _evaluate(task, clock)


def propose(
    tasks: pl.DataFrame, exploration: float, rng: np.random.Generator
) -> tuple[Params, Origin]:
    """Return the candidate with the lowest confidence bound: mean - exploration * deviation.

    Running tasks count with the mean of the finished ones, which keeps others away from them.
    """
    candidates = SPACE.sample(N_CANDIDATES, rng)
    scores = tasks["log_loss"]
    if scores.count() == 0:  # nothing has finished yet
        return SPACE.xs(candidates[0]), Origin(origin="random")
    forest = RandomForestRegressor(N_TREES, random_state=int(rng.integers(2**31)))
    forest.fit(SPACE.points(tasks), scores.fill_null(strategy="mean").to_numpy())
    predictions = np.array([tree.predict(candidates) for tree in forest.estimators_])
    bounds = predictions.mean(axis=0) - exploration * predictions.std(axis=0)
    return SPACE.xs(candidates[bounds.argmin()]), Origin(origin="surrogate")


def _pop(worker: DemoWorker, clock: Clock) -> Task[Params, Scores, Origin, Seconds] | None:
    with clock.measure("rushtyped"):  # without a timeout it does not wait
        return worker.pop_task(timeout=0)


def _evaluate(task: Task[Params, Scores, Origin, Seconds], clock: Clock) -> None:
    with task:
        with clock.measure("evaluation"):
            scores = evaluate(task.xs)
        seconds = clock.lap()
        with clock.measure("rushtyped"):
            task.finish(scores, ys_extra=seconds)
