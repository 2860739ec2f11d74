"""Nested tuning: choices are made on inner folds and reported on outer ones, which had no say in them.

Every trial is in a SQLite file as soon as it is done, so that a run which was interrupted goes on from there.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import optuna
from optuna.storages import RDBStorage
from optuna.study import Study
from pydantic import BaseModel, Field
from sklearn.model_selection import StratifiedKFold
from sqlalchemy.exc import DBAPIError

from contract.bundle import Metrics
from contract.errors import StorageError
from training.cross_validation import measure
from training.dataset import Dataset, Part, check_folds, folds_by
from training.recipe import Recipe
from training.search_space import SearchSpace, with_choices
from training.searching import THIS_MACHINE, Means, Objective, Search, begin_or_go_on


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
    recipe: Recipe,
    space: SearchSpace,
    dataset: Dataset,
    plan: Plan,
    storage: Path,
    watch: Callable[[], None],
    means: Means = THIS_MACHINE,
) -> Tuning:
    """Run what the studies in `storage` still lack; `watch` is told of each trial done, now or before.

    Raises `StorageError` for what is no file of trials; whatever the space and the recipe are refused for.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # it would tell of a failed trial by its stack
    trials = _opened(storage)
    of_this = f"{recipe.name}-{_fingerprint(recipe, space, dataset, plan)}"

    def search(name: str, phones: Part) -> Study:
        inner = folds_of(phones, plan.inner_folds, plan.seed)
        wanted = Search(
            trials, f"{of_this}-{name}", space, Objective(recipe, inner), plan.trials, plan.seed, watch
        )
        begin_or_go_on(wanted)
        means.search(wanted)
        return wanted.study()

    outer = folds_of(dataset.phones, plan.folds, plan.seed)
    of_folds = [search(f"fold-{number}", others) for number, (others, _) in enumerate(outer)]
    of_all = search("all", dataset.phones)
    chosen = [with_choices(recipe, study.best_params) for study in of_folds]
    calls = ((choice, *fold) for choice, fold in zip(chosen, outer, strict=True))
    figures = [fold.metrics for fold in means.in_order(measure, calls)]
    return Tuning(
        recipe=recipe.name,
        rows=len(dataset.phones),
        **plan._asdict(),
        **_over_folds(figures),
        outer_folds=[
            OuterFold(choices=study.best_params, inner_log_loss=study.best_value, metrics=metrics)
            for study, metrics in zip(of_folds, figures, strict=True)
        ],
        choices=of_all.best_params,
        inner_log_loss=of_all.best_value,
    )


def _over_folds(figures: Sequence[Metrics]) -> dict[str, Any]:
    return {
        "accuracy_mean": np.mean([metrics.accuracy for metrics in figures]),
        "log_loss_mean": np.mean([metrics.log_loss for metrics in figures]),
        "coverage": np.mean([metrics.coverage for metrics in figures]),
        "mean_set_size": np.mean([metrics.mean_set_size for metrics in figures]),
        "off_by_more_than_one": sum(metrics.off_by_more_than_one for metrics in figures),
    }


def _opened(storage: Path) -> RDBStorage:
    try:
        return RDBStorage(f"sqlite:///{storage}")
    except DBAPIError as error:
        reason = f"{error.orig}; name another with --storage"
        raise StorageError(f"the trials cannot be kept in {storage}: {reason}") from None


def folds_of(phones: Part, number: int, seed: int) -> list[tuple[Part, Part]]:
    """Return for each fold the other phones, and the fold's."""
    check_folds(phones, number)
    splits = StratifiedKFold(number, shuffle=True, random_state=seed)
    return [(phones.rows(others), phones.rows(fold)) for others, fold in folds_by(splits, phones)]


def _fingerprint(recipe: Recipe, space: SearchSpace, dataset: Dataset, plan: Plan) -> str:
    """Tell trials apart that cannot be compared; more of them may be asked for later."""
    told = [recipe.model_dump(), space.model_dump(), dataset.sha256, plan._replace(trials=0)]
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()[:12]
