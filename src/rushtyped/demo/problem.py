"""What is tuned: gradient boosting on the breast-cancer data that scikit-learn brings along."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold, cross_validate

from rushtyped import Extra, Network, Worker, Xs, Ys
from rushtyped.demo.space import LOG_SCALE

_FOLDS = 10


class Params(Xs):
    """Hyperparameters of the classifier, with the bounds that are searched."""

    learning_rate: Annotated[float, Field(ge=0.01, le=0.5), LOG_SCALE]
    max_iter: Annotated[int, Field(ge=20, le=500), LOG_SCALE]
    max_leaf_nodes: Annotated[int, Field(ge=2, le=64), LOG_SCALE]
    min_samples_leaf: Annotated[int, Field(ge=1, le=100), LOG_SCALE]
    l2_regularization: Annotated[float, Field(ge=1e-6, le=100.0), LOG_SCALE]
    max_features: Annotated[float, Field(ge=0.1, le=1.0)]


class Scores(Ys):
    """Means over the folds of a cross-validation; the log loss is minimised."""

    log_loss: float
    accuracy: float


class Origin(Extra):
    """Where a point comes from."""

    origin: Literal["design", "surrogate", "random"]


class Seconds(Extra):
    """Where the worker's time went since its previous result.

    What a call that stores a result takes is known only after it, so it counts for the next one.
    """

    evaluation_seconds: float
    surrogate_seconds: float
    rushtyped_seconds: float
    """In calls of rushtyped, but for `waiting_seconds`."""
    waiting_seconds: float
    """In calls made while the running tasks of others took all that was left of the budget."""


DemoNetwork = Network[Params, Scores, Origin, Seconds]
DemoWorker = Worker[Params, Scores, Origin, Seconds]


def evaluate(xs: Params) -> Scores:
    """Cross-validate the classifier with these hyperparameters; the same ones score the same."""
    features, labels = _data()
    model = HistGradientBoostingClassifier(**xs.model_dump(), random_state=0)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    scoring = ("neg_log_loss", "accuracy")
    scores = cross_validate(model, features, labels, cv=folds, scoring=scoring)
    return Scores(
        log_loss=-float(scores["test_neg_log_loss"].mean()),
        accuracy=float(scores["test_accuracy"].mean()),
    )


@cache
def _data() -> tuple[Any, Any]:
    features, labels = load_breast_cancer(return_X_y=True)
    return features, labels
