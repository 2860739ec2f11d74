"""What is fitted to phones that the network has not learnt, so that its probabilities can be acted on."""

from collections.abc import Callable
from math import ceil, exp
from typing import Any, Protocol, Self

import numpy as np
from mapie.classification import SplitConformalClassifier
from mapie.conformity_scores import LACConformityScore
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import StratifiedKFold

from contract.bundle import Calibration
from contract.network import PhonePriceNetwork, Scaler, predict_logits
from contract.phone import PriceRange, Probabilities
from training import recipe
from training.dataset import Part, check_folds, folds_by
from training.evaluation import CLASSES, mean_log_loss

FOLD_SEED = 0


class FittedModel(Protocol):
    """What predicts a fold."""

    @property
    def network(self) -> PhonePriceNetwork: ...
    @property
    def scaler(self) -> Scaler: ...


def calibrate(choices: recipe.Calibration, part: Part, fit: Callable[[Part], FittedModel]) -> Calibration:
    """Fit temperature and conformal threshold to `part`, each fold predicted by a model of the others."""
    logits, labels = _out_of_fold_logits(choices.folds, part, fit)
    temperature = fit_temperature(logits, labels) if choices.temperature else 1.0
    threshold = fit_threshold(softmax(logits / temperature, axis=1), labels, choices.coverage)
    return Calibration(
        rows=len(labels), temperature=temperature, coverage=choices.coverage, threshold=threshold
    )


def fit_temperature(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return what (N, 4) logits must be divided by for the least log-loss.

    C. Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
    """

    def loss(log_temperature: float) -> float:
        return mean_log_loss(softmax(logits / exp(log_temperature), axis=1), labels)

    return exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x)


def fit_threshold(probabilities: Probabilities, labels: NDArray[np.int64], coverage: float) -> float:
    """Return the probability from which a price range is in a set, for `coverage` of the sets to be right.

    Too few phones for the coverage asked, and it is 0: all ranges are in every set.
    """
    if ceil((len(labels) + 1) * coverage) > len(labels):
        return 0.0
    score = LACConformityScore()
    conformal = SplitConformalClassifier(_AsGiven(), confidence_level=coverage, conformity_score=score)
    conformal.conformalize(probabilities, labels).predict_set(probabilities[:1])
    return float(np.clip(1 - score.quantiles_[0], 0, 1))


def _out_of_fold_logits(
    folds: int, part: Part, fit: Callable[[Part], FittedModel]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    check_folds(part, folds)
    logits = np.empty((len(part), len(PriceRange)))
    splitter = StratifiedKFold(folds, shuffle=True, random_state=FOLD_SEED)
    for others, fold in folds_by(splitter, part):
        model = fit(part.rows(others))
        logits[fold] = predict_logits(model.network, model.scaler, part.rows(fold).matrix).numpy()
    return logits, part.classes


class _AsGiven(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier of probabilities, for MAPIE: what it is asked about is its answer."""

    classes_ = np.array(CLASSES)

    def fit(self, *_: Any) -> Self:
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, probabilities: Probabilities) -> NDArray[np.int64]:
        return np.asarray(probabilities.argmax(axis=1))

    def predict_proba(self, probabilities: Probabilities) -> Probabilities:
        return probabilities
