"""How much each feature matters to a model.

Permutation importance, after L. Breiman, Random Forests, Machine Learning 45 (2001): how much worse the
answers get when a feature's values are shuffled among the phones, so that it tells nothing any more.
"""

from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.inspection import permutation_importance

from training.dataset import Part
from training.evaluation import mean_log_loss
from training.fitting import Model

SHUFFLES = 5
SEED = 0
MOST_PHONES = 1000
"""Shuffled at a time; more would take longer and say the same."""


class Influence(NamedTuple):
    """For each feature (20,): the rise of the log-loss in nats, and how much shuffles differ in it."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]


def influence(model: Model, part: Part) -> Influence:
    """Shuffle one feature of `part` after the other, several times each."""
    found = permutation_importance(
        _Scored(model),
        part.features,
        part.classes,
        n_repeats=SHUFFLES,
        random_state=SEED,
        max_samples=min(len(part), MOST_PHONES),
    )
    return Influence(found.importances_mean, found.importances_std)


class _Scored:
    """A model as scikit-learn wants it: the higher the score, the better."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def fit(self, *_: Any) -> Self:
        return self

    def score(self, features: pd.DataFrame, labels: NDArray[np.int64]) -> float:
        return -mean_log_loss(self._model.probabilities(features.to_numpy(np.float32)), labels)
