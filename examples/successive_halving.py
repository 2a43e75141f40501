"""Tune a neural network by asynchronous successive halving: many short runs, few long ones.

The algorithm is ASHA, of Li et al., A System for Massively Parallel Hyperparameter Tuning, 2020,
algorithm 2. See docs/example-successive-halving.md.

    python examples/successive_halving.py --workers 2 --seed 1
"""

from __future__ import annotations

import argparse
from functools import partial
from uuid import uuid4

import numpy as np
import polars as pl
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from rushtyped import Extra, Network, Worker, Xs, Ys

EPOCHS = (1, 3, 9, 27)
"""How long a run is trained on each rung."""
ETA = 3
"""One in so many runs of a rung goes up."""


class Params(Xs):
    """What a run is to be trained with."""

    units: int
    learning_rate: float
    alpha: float
    seed: int


class Scores(Ys):
    """What was reached at the end of a rung, on data that are not trained on."""

    accuracy: float


class Place(Extra):
    """Where a task stands, and how many finished tasks its worker had seen when it chose it."""

    run: str
    rung: int
    seen: int


Study = Network[Params, Scores, Place]
Trainer = Worker[Params, Scores, Place]


def draw(rng: np.random.Generator) -> Params:
    """Draw a run; sizes and rates on a logarithmic scale."""
    units, rate, alpha = 2 ** rng.uniform(3, 7), *10 ** rng.uniform([-4, -5], [-1, 0])
    seed = int(rng.integers(2**31))
    return Params(units=round(units), learning_rate=rate, alpha=alpha, seed=seed)


def train(xs: Params, epochs: int) -> Scores:
    """Train on images of digits; a run with the same seed passes through the same states."""
    images, digits = load_digits(return_X_y=True)
    data = train_test_split(images / 16, digits, test_size=0.3, random_state=0, stratify=digits)
    model = MLPClassifier(
        xs.units,
        learning_rate_init=xs.learning_rate,
        alpha=xs.alpha,
        batch_size=64,
        random_state=xs.seed,
    )
    for _ in range(epochs):
        model.partial_fit(data[0], data[2], classes=range(10))
    return Scores(accuracy=model.score(data[1], data[3]))


def promotable(tasks: pl.DataFrame, rung: int) -> pl.DataFrame:
    """Return the runs in the top 1/ETA of a rung that are not on the next one yet, best first."""
    done = tasks.filter(pl.col("rung") == rung, pl.col("state") == "finished")
    best = done.sort("accuracy", descending=True, maintain_order=True).head(done.height // ETA)
    above = tasks.filter(pl.col("rung") == rung + 1)
    return best.join(above, on="run", how="anti", maintain_order="left")


def propose(tasks: pl.DataFrame, rng: np.random.Generator) -> tuple[Params, Place]:
    """Promote a run, on the highest rung where one may go up; else begin a new one."""
    seen = tasks.filter(pl.col("state") == "finished").height
    for rung in reversed(range(len(EPOCHS) - 1)):
        for row in promotable(tasks, rung).head(1).iter_rows(named=True):
            xs = Params(**{name: row[name] for name in Params.model_fields})
            return xs, Place(run=row["run"], rung=rung + 1, seen=seen)
    return draw(rng), Place(run=uuid4().hex, rung=0, seen=seen)


def is_first(worker: Trainer, key: str, place: Place) -> bool:
    """Whether nobody else had begun the same when this task started."""
    tasks = worker.fetch_tasks_with_state(states=["finished", "running"])
    same = tasks.filter(pl.col("run") == place.run, pl.col("rung") == place.rung)
    return bool(same[0, "key"] == key)


def search(worker: Trainer, seed: int, index: int) -> None:
    """Promote and begin runs until the budget is spent."""
    rng = np.random.default_rng([seed, index])
    with threadpool_limits(1):  # the workers share the cores already
        while not worker.terminated:
            tasks = worker.fetch_tasks_with_state(states=["finished", "running"])
            xs, place = propose(tasks, rng)
            with worker.running_task(xs, xs_extra=place) as task:
                if is_first(worker, task.key, place):
                    task.finish(train(xs, EPOCHS[place.rung]))
                else:
                    task.fail("Another worker has promoted this run")


def train_all(worker: Trainer) -> None:
    """Train the runs of the queue to the end."""
    with threadpool_limits(1):
        for task in worker.queue(timeout=0):
            with task:
                task.finish(train(task.xs, EPOCHS[-1]))


def halve(n_tasks: int, n_workers: int, seed: int) -> Study:
    """Have workers search by successive halving; what is stored vanishes in a day."""
    with Study(max_tasks=n_tasks) as network:
        for index in range(n_workers):  # one by one: each has random numbers of its own
            loop = partial(search, seed=seed, index=index)
            network.start_local_workers(loop, n_workers=1)
        network.wait_until_done(progress=True)
    network.expire(86400)
    return network


def compare(study: Study, n_workers: int) -> Study:
    """Have workers train all runs of a study to the end."""
    begun = study.fetch_finished_tasks().filter(pl.col("rung") == 0)
    rows = begun.select(*Params.model_fields).iter_rows(named=True)
    places = [Place(run=run, rung=len(EPOCHS) - 1, seen=0) for run in begun["run"]]
    with Study() as network:
        network.push_tasks([Params(**row) for row in rows], xss_extra=places)
        network.start_local_workers(train_all, n_workers=n_workers)
        network.wait_until_done(progress=True)
    network.expire(86400)
    return network


def totals(study: Study) -> pl.DataFrame:
    """Count the runs of each rung and the epochs that they took there, and find the best."""
    each = pl.col("rung").replace_strict(dict(enumerate(EPOCHS)))
    rungs = study.fetch_finished_tasks().with_columns(each=each).group_by("rung", "each")
    sums = rungs.agg(runs=pl.len(), best=pl.col("accuracy").max()).sort("rung")
    return sums.with_columns(epochs=pl.col("each") * pl.col("runs"))


def describe(halved: Study, full: Study) -> str:
    """Say what was trained on each rung, and what the same runs come to without rungs."""
    lines = ["rung   epochs each   runs   best accuracy"]
    lines += [
        f"{row['rung']:>4}{row['each']:>14}{row['runs']:>7}{row['best']:>16.4f}"
        for row in totals(halved).iter_rows(named=True)
    ]
    for name, study in (("halving", halved), ("all to the end", full)):
        rows = totals(study)
        epochs, best = rows.select(pl.col("epochs").sum(), pl.col("best").max()).row(0)
        lines.append(
            f"{name + ':':<16}{epochs:>5} epochs, best accuracy {best:.4f}, "
            f"network {study.network_id}"
        )
    return "\n".join(lines)


def draw_rungs(study: Study, path: str) -> None:
    """Draw the error of each run on its rungs."""
    import altair as alt  # only who wants a picture needs it

    each = pl.col("rung").replace_strict(dict(enumerate(EPOCHS)))
    points = study.fetch_finished_tasks().select("run", epochs=each, error=1 - pl.col("accuracy"))
    alt.Chart(points).mark_line(strokeWidth=1, point={"size": 12}, color="#1c7ed6").encode(
        alt.X("epochs:Q").scale(type="log", nice=False).axis(values=list(EPOCHS)),
        alt.Y("error:Q").scale(type="log"),
        alt.Detail("run:N"),
    ).properties(width=560, height=280, background="white").save(path)


def parse() -> argparse.Namespace:
    """Read the options of the command line."""
    parser = argparse.ArgumentParser(description="Tune a network by asynchronous halving.")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1, help="of the runs to train")
    parser.add_argument("--quick", action="store_true", help="fewer runs")
    parser.add_argument("--picture", metavar="FILE", help="draw the runs: .svg, .png or .html")
    return parser.parse_args()


def main() -> None:
    """Search by halving, train the same runs to the end, and compare."""
    options = parse()
    halved = halve(18 if options.quick else 200, options.workers, options.seed)
    print(describe(halved, compare(halved, options.workers)))
    if options.picture:
        draw_rungs(halved, options.picture)


if __name__ == "__main__":
    main()
