"""A study as people run them: a model is tuned, now and then an evaluation fails."""

from __future__ import annotations

import math
import random
import time
from functools import partial
from typing import Annotated, Literal

from loguru import logger
from pydantic import Field

from rushtyped import Extra, Network, Task, Worker, Xs, Ys


class Settings(Xs):
    """What is tuned."""

    learning_rate: Annotated[float, Field(ge=0.001, le=0.5)]
    max_depth: Annotated[int, Field(ge=2, le=12)]
    subsample: Annotated[float, Field(ge=0.4, le=1.0)]
    booster: Literal["tree", "linear", "dart"] = "tree"


class Quality(Ys):
    """What comes out."""

    loss: float
    accuracy: float


class Origin(Extra):
    """Where a point comes from."""

    origin: Literal["design", "local", "random"]


class Cost(Extra):
    """What it took."""

    seconds: float


TuningNetwork = Network[Settings, Quality, Origin, Cost]
TuningWorker = Worker[Settings, Quality, Origin, Cost]
TuningTask = Task[Settings, Quality, Origin, Cost]


def draw(rng: random.Random) -> Settings:
    """Draw a point, the learning rate on a log scale."""
    return Settings(
        learning_rate=round(10 ** rng.uniform(-3, math.log10(0.5)), 5),
        max_depth=rng.randint(2, 12),
        subsample=round(rng.uniform(0.4, 1.0), 3),
        booster=rng.choice(["tree", "linear", "dart"]),
    )


def near(best: Settings, rng: random.Random) -> Settings:
    """Draw a point close to another."""
    return Settings(
        learning_rate=min(
            0.5, max(0.001, round(best.learning_rate * rng.lognormvariate(0, 0.4), 5))
        ),
        max_depth=min(12, max(2, best.max_depth + rng.choice([-1, 0, 0, 1]))),
        subsample=min(1.0, max(0.4, round(best.subsample + rng.gauss(0, 0.06), 3))),
        booster=best.booster,
    )


def evaluate(settings: Settings, rng: random.Random) -> Quality:
    """Score a point; some diverge."""
    if settings.learning_rate > 0.3 and settings.booster == "linear":
        raise FloatingPointError(f"loss diverged at learning_rate={settings.learning_rate:g}")
    if rng.random() < 0.015:
        raise MemoryError(f"no room for trees of depth {settings.max_depth}")
    away = (math.log10(settings.learning_rate) + 1.3) ** 2 + ((settings.max_depth - 6) / 5) ** 2
    worse = {"tree": 0.0, "dart": 0.04, "linear": 0.18}[settings.booster]
    loss = 0.12 + 0.09 * away + 0.2 * (settings.subsample - 0.8) ** 2 + worse
    loss = max(0.05, loss * rng.lognormvariate(0, 0.06))
    return Quality(loss=round(loss, 5), accuracy=round(1 - loss / 2.2, 5))


def tune(worker: TuningWorker, *, seed: int, seconds: float) -> None:
    """Evaluate what is queued, then what seems good, `seconds` for each on average."""
    rng = random.Random(seed)
    for task in worker.queue(timeout=0):
        attempt(task.xs, task, rng, seconds)
    while not worker.terminated:
        finished = worker.fetch_finished_tasks()
        local = finished.height > 8 and rng.random() < 0.7
        best = finished.sort("loss").head(4).to_dicts()
        chosen = rng.choice(best) if local else {}
        names = Settings.model_fields
        xs = near(Settings(**{name: chosen[name] for name in names}), rng) if local else draw(rng)
        origin = Origin(origin="local" if local else "random")
        attempt(xs, worker.running_task(xs, xs_extra=origin), rng, seconds)


def attempt(xs: Settings, task: TuningTask, rng: random.Random, seconds: float) -> None:
    """Run one task; note what is slow, and go on after errors."""
    took = seconds * rng.lognormvariate(-0.15, 0.5) * (0.6 + xs.max_depth / 15)
    try:
        with task:
            time.sleep(took)
            if took > 1.8 * seconds:
                logger.warning("Evaluation at depth {} took {:.0f} ms", xs.max_depth, 1000 * took)
            task.finish(evaluate(xs, rng), ys_extra=Cost(seconds=round(took, 4)))
    except (FloatingPointError, MemoryError) as error:
        logger.error("Evaluation failed: {}", error)


def start_study(network: TuningNetwork, *, n_workers: int, seconds: float) -> list[str]:
    """Queue a design and start workers, each with random numbers of its own."""
    rng = random.Random(1)
    design = [draw(rng) for _ in range(4 * n_workers)]
    network.push_tasks(design, xss_extra=[Origin(origin="design")])
    return [
        worker_id
        for seed in range(n_workers)
        for worker_id in network.start_local_workers(
            partial(tune, seed=seed, seconds=seconds), n_workers=1, log_levels={"": "INFO"}
        )
    ]
