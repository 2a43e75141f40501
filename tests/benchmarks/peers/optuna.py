"""Optuna, a study whose journal lies in Redis."""

from __future__ import annotations

import os
import time
import warnings
from collections import deque
from collections.abc import Callable
from importlib import import_module
from types import TracebackType
from typing import Any, ClassVar, Self

from tests.benchmarks.peers.crew import run_together

NAMES = tuple(f"x{i}" for i in range(10))
VALUE = 1.5


class OptunaStudy:
    """A study of ten floats and one value by random search.

    All defaults but the storage, the sampler (the cheapest one) and the logging level. Each study
    has a journal of its own, since all studies of a journal are read by all.
    """

    name: ClassVar[str] = "Optuna"
    module: ClassVar[str] = "optuna"

    def __init__(self, url: str, name: str, *, seed: int = 0) -> None:
        optuna = import_module("optuna")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        journal = import_module("optuna.storages.journal")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            backend = journal.JournalRedisBackend(url, prefix=name)
        self._create_trial = optuna.trial.create_trial
        self._distributions = {x: optuna.distributions.FloatDistribution(0.0, 1.0) for x in NAMES}
        self._study = optuna.create_study(
            study_name=name,
            storage=optuna.storages.JournalStorage(backend),
            sampler=optuna.samplers.RandomSampler(seed),
            load_if_exists=True,
        )
        self._asked: deque[Any] = deque()

    def ask(self) -> None:
        """Start a trial with values for all parameters."""
        self._asked.append(self._study.ask(self._distributions))

    def tell(self) -> None:
        """Finish the trial that was started first."""
        self._study.tell(self._asked.popleft(), VALUE)

    def add_finished(self, n: int) -> None:
        """Add finished trials."""
        trial = self._create_trial(
            params=dict.fromkeys(NAMES, 0.5), distributions=self._distributions, value=VALUE
        )
        self._study.add_trials([trial] * n)

    def trials_dataframe(self) -> object:
        """Read all trials into a frame; needs pandas."""
        return self._study.trials_dataframe()

    def get_trials(self) -> list[object]:
        """Read all trials."""
        trials: list[object] = self._study.get_trials()
        return trials

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._study._storage.remove_session()


def trials_per_second(url: str, name: str, n_processes: int, seconds: float) -> float:
    """Count the trials that processes which share a new study ask for and tell, in all."""
    with OptunaStudy(url, name):
        return sum(run_together(n_processes, _worker, url, name, seconds))


def _worker(url: str, name: str, seconds: float) -> Callable[[], float]:
    study = OptunaStudy(url, name, seed=os.getpid())

    def search() -> float:
        n, began = 0, time.monotonic()
        while time.monotonic() < began + seconds:
            study.ask()
            study.tell()
            n += 1
        return n / (time.monotonic() - began)

    return search
