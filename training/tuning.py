"""Nested tuning: choices are made on inner folds and reported on outer ones, which had no say in them.

Every trial is in a SQLite file as soon as it is done, so that a run which was interrupted goes on from there.
"""

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import optuna
from optuna.samplers import TPESampler
from optuna.storages import RDBStorage
from optuna.study import Study
from optuna.trial import Trial, TrialState
from pydantic import BaseModel, Field
from sklearn.model_selection import StratifiedKFold

from contract.bundle import Metrics
from contract.errors import DivergenceError
from training.cross_validation import measure
from training.dataset import Dataset, Part, check_folds
from training.evaluation import mean_log_loss
from training.fitting import fit_model
from training.in_parallel import in_parallel
from training.recipe import Recipe
from training.search_space import SearchSpace, with_choices


class Plan(NamedTuple):
    """How much is tried, and on which folds."""

    folds: int
    inner_folds: int
    trials: int
    seed: int


class OuterFold(BaseModel):
    """What was chosen without a part of the phones, and how it did on that part."""

    choices: dict[str, Any]
    inner_log_loss: float = Field(description="On the inner folds, where it was the least")
    metrics: Metrics


class Tuning(BaseModel):
    """What to expect of tuning, from the outer folds; and what it chose for all phones together."""

    recipe: str
    rows: int
    folds: int
    inner_folds: int
    trials: int = Field(description="In each study: one for each outer fold, and one for all phones")
    seed: int
    accuracy_mean: float
    log_loss_mean: float
    coverage: float
    mean_set_size: float
    off_by_more_than_one: int
    outer_folds: list[OuterFold]
    choices: dict[str, Any] = Field(
        description="Made on inner folds of all phones: what a recipe may take over"
    )
    inner_log_loss: float = Field(description="Of these choices; the least of many, so it flatters")


def tune(
    recipe: Recipe, space: SearchSpace, dataset: Dataset, plan: Plan, storage: Path, watch: Callable[[], None]
) -> Tuning:
    """Run what the studies in `storage` still lack; `watch` is told of each trial done, now or before."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    studies = _Studies(recipe, space, dataset, plan, storage, watch)
    outer = [studies.outer_fold(number) for number in range(plan.folds)]
    chosen = studies.search("all", dataset.phones)
    figures = [fold.metrics for fold in outer]
    return Tuning(
        recipe=recipe.name,
        rows=len(dataset.phones),
        **plan._asdict(),
        accuracy_mean=np.mean([metrics.accuracy for metrics in figures]),
        log_loss_mean=np.mean([metrics.log_loss for metrics in figures]),
        coverage=np.mean([metrics.coverage for metrics in figures]),
        mean_set_size=np.mean([metrics.mean_set_size for metrics in figures]),
        off_by_more_than_one=sum(metrics.off_by_more_than_one for metrics in figures),
        outer_folds=outer,
        choices=chosen.best_params,
        inner_log_loss=chosen.best_value,
    )


class _Studies:
    """The studies of one tuning, by name in one file."""

    def __init__(
        self,
        recipe: Recipe,
        space: SearchSpace,
        dataset: Dataset,
        plan: Plan,
        storage: Path,
        watch: Callable[[], None],
    ) -> None:
        self._recipe, self._space, self._phones, self._plan = recipe, space, dataset.phones, plan
        self._storage = RDBStorage(f"sqlite:///{storage}")
        self._watch = watch
        self._name = f"{recipe.name}-{_fingerprint(recipe, space, dataset, plan)}"

    def outer_fold(self, number: int) -> OuterFold:
        """Search without the phones of this fold, then measure on them."""
        splits = folds_of(self._phones, self._plan.folds, self._plan.seed)
        others, held_out = splits[number]
        study = self.search(f"fold-{number}", others)
        chosen = with_choices(self._recipe, study.best_params)
        return OuterFold(
            choices=study.best_params,
            inner_log_loss=study.best_value,
            metrics=measure(chosen, others, held_out).metrics,
        )

    def search(self, name: str, phones: Part) -> Study:
        """Bring the study of that name to its number of trials, on inner folds of `phones`."""
        study = optuna.create_study(
            storage=self._storage, study_name=f"{self._name}-{name}", load_if_exists=True
        )
        if not study.trials:
            study.enqueue_trial(dict(self._space.of(self._recipe)))  # so that tuning cannot make it worse
        inner = folds_of(phones, self._plan.inner_folds, self._plan.seed)
        for done in range(self._plan.trials):
            if done >= _complete(study):
                study.sampler = TPESampler(seed=self._plan.seed + done)
                study.optimize(lambda trial: self._inner_log_loss(trial, inner), n_trials=1)
            self._watch()
        return study

    def _inner_log_loss(self, trial: Trial, inner: list[tuple[Part, Part]]) -> float:
        recipe = with_choices(self._recipe, self._space.suggest(trial))
        losses = in_parallel(_log_loss, ((recipe, others, fold) for others, fold in inner))
        return float(np.mean(list(losses)))


def _log_loss(recipe: Recipe, learnt: Part, held_out: Part) -> float:
    try:
        model = fit_model(recipe, learnt)
    except DivergenceError:
        return math.inf
    return mean_log_loss(model.probabilities(held_out.matrix), held_out.classes)


def folds_of(phones: Part, number: int, seed: int) -> list[tuple[Part, Part]]:
    """Return for each fold the other phones, and the fold's."""
    check_folds(phones, number)
    splits = StratifiedKFold(number, shuffle=True, random_state=seed)
    return [
        (phones.rows(others), phones.rows(fold))
        for others, fold in splits.split(phones.features, phones.labels)
    ]


def _complete(study: Study) -> int:
    return len(study.get_trials(deepcopy=False, states=[TrialState.COMPLETE]))


def _fingerprint(recipe: Recipe, space: SearchSpace, dataset: Dataset, plan: Plan) -> str:
    """Tell trials apart that cannot be compared; more of them may be asked for later."""
    told = [recipe.model_dump(), space.model_dump(), dataset.sha256, plan._replace(trials=0)]
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()[:12]
