"""Tune a neural network, and stop the runs that are worse than the median of the others.

The median stopping rule is that of Golovin et al., Google Vizier: A Service for Black-Box
Optimization, 2017, section 3.2. See docs/example-median-stopping.md.

    python examples/median_stopping.py --workers 2 --seed 1
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from rushtyped import Network, Task, Tasks, Worker, Xs, Ys


class Params(Xs):
    """What a run is to be trained with."""

    units: int
    learning_rate: float
    alpha: float
    seed: int


class Outcome(Ys):
    """How a run has ended, and what its worker knew when it stopped it."""

    accuracy: float
    epochs: int
    median: float | None = None
    seen: int | None = None


class Step(Xs):
    """A point of a learning curve."""

    run: str
    epoch: int


class Score(Ys):
    """What was reached there, on data that are not trained on."""

    accuracy: float


class Rule(NamedTuple):
    """How long runs are, and when the rule looks at them."""

    epochs: int
    stops: bool = True
    first_epoch: int = 3
    least_others: int = 5


def draw(rng: np.random.Generator) -> Params:
    """Draw a run; sizes and rates on a logarithmic scale."""
    units, rate, alpha = 2 ** rng.uniform(3, 7), *10 ** rng.uniform([-4, -5], [-1, 0])
    seed = int(rng.integers(2**31))
    return Params(units=round(units), learning_rate=rate, alpha=alpha, seed=seed)


def learn(xs: Params) -> Iterator[float]:
    """Train epoch by epoch on images of digits; yield the accuracy after each."""
    images, digits = load_digits(return_X_y=True)
    data = train_test_split(images / 16, digits, test_size=0.3, random_state=0, stratify=digits)
    model = MLPClassifier(
        xs.units,
        learning_rate_init=xs.learning_rate,
        alpha=xs.alpha,
        batch_size=64,
        random_state=xs.seed,
    )
    while True:
        model.partial_fit(data[0], data[2], classes=range(10))
        yield model.score(data[1], data[3])


def median_of_others(curves: pl.DataFrame, run: str, epoch: int, least: int) -> float | None:
    """Return the median of other runs' averages up to this epoch; None where too few got there."""
    others = curves.filter(pl.col("epoch") <= epoch, pl.col("run") != run)
    averages = (
        others.unique(["run", "epoch"])  # a run that is tried again repeats its points
        .group_by("run")
        .agg(pl.col("accuracy").mean(), pl.col("epoch").max())
        .filter(pl.col("epoch") == epoch)["accuracy"]
    )
    return averages.quantile(0.5, "linear") if averages.len() >= least else None


def train(task: Task[Params, Outcome], curves: Network[Step, Score], rule: Rule) -> Outcome:
    """Train a run to its end, or until its best is worse than the median of the others."""
    best = 0.0
    for epoch, accuracy in enumerate(learn(task.xs), start=1):
        best = max(best, accuracy)
        curves.push_finished_tasks([Step(run=task.key, epoch=epoch)], [Score(accuracy=accuracy)])
        if epoch == rule.epochs:
            break
        if not rule.stops or epoch < rule.first_epoch:
            continue
        shared = curves.fetch_finished_tasks()
        median = median_of_others(shared, task.key, epoch, rule.least_others)
        if median is not None and best < median:
            return Outcome(accuracy=best, epochs=epoch, median=median, seen=shared.height)
    return Outcome(accuracy=best, epochs=epoch)


def curves_of(study: Tasks[Params, Outcome]) -> Network[Step, Score]:
    """Open the network of all points of learning curves, beside that of the runs."""
    return Network[Step, Score](f"{study.network_id}-curves", redis=study.connector)


def work(worker: Worker[Params, Outcome], rule: Rule) -> None:
    """Train runs of the queue until it is empty."""
    curves = curves_of(worker)
    with threadpool_limits(1):  # the workers share the cores already
        for task in worker.queue(timeout=0):
            with task:
                task.finish(train(task, curves, rule))


def tune(runs: list[Params], rule: Rule, n_workers: int) -> Network[Params, Outcome]:
    """Have workers train the runs; what is stored vanishes in a day."""
    with Network[Params, Outcome]() as network:
        network.push_tasks(runs)
        network.start_local_workers(partial(work, rule=rule), n_workers=n_workers)
        network.wait_until_done(progress=True)
    for stored in (network, curves_of(network)):
        stored.expire(86400)
    return network


def totals(network: Network[Params, Outcome]) -> dict[str, Any]:
    """Count the runs of a study, those that were stopped, and their epochs."""
    sums = network.fetch_finished_tasks().select(
        runs=pl.len(),
        stopped=pl.col("median").count(),
        epochs=pl.col("epochs").sum(),
        best=pl.col("accuracy").max(),
    )
    return sums.row(0, named=True)


def describe(stopped: Network[Params, Outcome], full: Network[Params, Outcome]) -> str:
    """Say what was trained with the rule and without it."""
    lines = [f"{'':<12}{'runs':>6}{'stopped':>9}{'epochs':>8}{'best accuracy':>15}   network"]
    for name, study in (("with rule", stopped), ("without", full)):
        row = totals(study)
        lines.append(
            f"{name:<12}{row['runs']:>6}{row['stopped']:>9}{row['epochs']:>8}"
            f"{row['best']:>15.4f}   {study.network_id}"
        )
    saved = 1 - totals(stopped)["epochs"] / totals(full)["epochs"]
    return "\n".join([*lines, f"The rule has saved {saved:.0%} of the epochs."])


def draw_curves(network: Network[Params, Outcome], path: str) -> None:
    """Draw the error of all runs over their epochs."""
    import altair as alt  # only who wants a picture needs it

    runs = network.fetch_finished_tasks().select(
        run="key", ended=pl.col("median").is_null().replace_strict({True: "no", False: "yes"})
    )
    points = curves_of(network).fetch_finished_tasks().join(runs, on="run")
    chart = alt.Chart(points.select("run", "epoch", "ended", error=1 - pl.col("accuracy")))
    chart.mark_line(strokeWidth=1).encode(
        alt.X("epoch:Q").scale(type="log", nice=False),
        alt.Y("error:Q").scale(type="log"),
        alt.Detail("run:N"),
        alt.Color("ended:N", title="stopped").scale(range=["#9aa5b1", "#e8590c"]),
    ).properties(width=560, height=280, background="white").save(path)


def parse() -> argparse.Namespace:
    """Read the options of the command line."""
    parser = argparse.ArgumentParser(description="Tune a network with the median stopping rule.")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1, help="of the runs to train")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    parser.add_argument("--picture", metavar="FILE", help="draw the curves: .svg, .png or .html")
    return parser.parse_args()


def main() -> None:
    """Train the same runs with the rule and without it, and compare."""
    options = parse()
    n_runs, n_epochs = (16, 10) if options.quick else (80, 50)
    rng = np.random.default_rng(options.seed)
    runs = [draw(rng) for _ in range(n_runs)]
    stopped = tune(runs, Rule(n_epochs), options.workers)
    full = tune(runs, Rule(n_epochs, stops=False), options.workers)
    print(describe(stopped, full))
    if options.picture:
        draw_curves(stopped, options.picture)


if __name__ == "__main__":
    main()
