"""How good a recipe is, measured on every phone by models that have not learnt it."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from sklearn.model_selection import RepeatedStratifiedKFold

from contract.bundle import Metrics
from contract.phone import Probabilities
from training.dataset import Part, check_folds, folds_by
from training.evaluation import calibration_error, evaluate
from training.fitting import fit_calibrated
from training.in_parallel import InOrder, in_parallel
from training.recipe import Recipe


class CrossValidation(BaseModel):
    """The figures of a recipe over all folds of all repeats."""

    recipe: str
    rows: int = Field(description="Phones, each of which is measured once in a repeat")
    folds: int
    repeats: int
    seed: int
    accuracy_mean: float
    accuracy_std: float = Field(description="From fold to fold")
    log_loss_mean: float
    brier_score_mean: float
    ece: float = Field(description="Of all phones of a repeat together, averaged over the repeats")
    off_by_more_than_one: int = Field(description="In all repeats together")
    target_coverage: float
    coverage: float = Field(description="Share of phones whose prediction set holds the true range")
    mean_set_size: float


class Fold(NamedTuple):
    """What a model made of a part that it had not learnt."""

    metrics: Metrics
    probabilities: Probabilities
    labels: NDArray[np.int64]


def cross_validate(
    recipe: Recipe,
    phones: Part,
    folds: int,
    repeats: int,
    seed: int,
    watch: Callable[[Fold], None],
    in_order: InOrder = in_parallel,
) -> CrossValidation:
    """Fit and calibrate the recipe on all folds but one, measure on that one; `watch` is told of each."""
    check_folds(phones, folds)
    splits = RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=seed)
    calls = ((recipe, phones.rows(others), phones.rows(fold)) for others, fold in folds_by(splits, phones))
    measured = []
    for fold in in_order(measure, calls):
        watch(fold)
        measured.append(fold)
    return CrossValidation(
        recipe=recipe.name,
        rows=len(phones),
        folds=folds,
        repeats=repeats,
        seed=seed,
        **_figures(recipe, measured, folds),
    )


def measure(recipe: Recipe, learnt: Part, held_out: Part) -> Fold:
    """Fit and calibrate on `learnt`, measure on `held_out`."""
    model = fit_calibrated(recipe, learnt)
    probabilities = model.probabilities(held_out.matrix)
    metrics = evaluate(probabilities, held_out.classes, model.calibration.threshold)
    return Fold(metrics, probabilities, held_out.classes)


def _figures(recipe: Recipe, measured: Sequence[Fold], folds: int) -> dict[str, Any]:
    def over_folds(figure: str) -> NDArray[np.float64]:
        return np.array([getattr(fold.metrics, figure) for fold in measured])

    repeats = [measured[first : first + folds] for first in range(0, len(measured), folds)]
    return {
        "accuracy_mean": over_folds("accuracy").mean(),
        "accuracy_std": over_folds("accuracy").std(),
        "log_loss_mean": over_folds("log_loss").mean(),
        "brier_score_mean": over_folds("brier_score").mean(),
        "ece": np.mean([_calibration_error(repeat) for repeat in repeats]),
        "off_by_more_than_one": over_folds("off_by_more_than_one").sum(),
        "target_coverage": recipe.calibration.coverage,
        "coverage": over_folds("coverage").mean(),
        "mean_set_size": over_folds("mean_set_size").mean(),
    }


def _calibration_error(repeat: Sequence[Fold]) -> float:
    # in a single fold chance decides how full a bin is, and the error measures that
    return calibration_error(
        np.concatenate([fold.probabilities for fold in repeat]),
        np.concatenate([fold.labels for fold in repeat]),
    )
