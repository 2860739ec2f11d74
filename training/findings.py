"""What a report's pictures show of the phones held out: computed here, drawn in `training.plots`."""

from collections.abc import Sequence
from math import log
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.base import BaseEstimator
from sklearn.inspection import permutation_importance

from contract.network import standardise
from contract.ordinal import OrdinalHead
from contract.phone import FEATURES, PriceRange, Probabilities
from training.dataset import Part
from training.evaluation import CONFIDENCE_BINS
from training.fitting import Model

INTERVAL = 0.95
"""Confidence of every interval of the report."""

SHUFFLES = 10
SHUFFLE_SEED = 0
MOST_SHUFFLED = 1_000
"""Phones that the influence is measured on, at most: it asks the model 200 times about each."""


class Interval(NamedTuple):
    """Where a share lies, by all that the phones counted can tell."""

    low: float
    high: float


def wilson(counted: int, phones: int) -> Interval:
    """Return the interval of the share counted / phones.

    E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, J. Am. Statist. Assoc.
    22 (1927). For 9 of 10 it is 0.596 to 0.982.
    """
    interval = binomtest(counted, phones).proportion_ci(confidence_level=INTERVAL, method="wilson")
    return Interval(float(interval.low), float(interval.high))


class ConfidenceBin(NamedTuple):
    """The phones that the model was about equally sure of; it holds at least one."""

    low: float
    high: float
    phones: int
    confidence: float
    """Mean probability of the range predicted."""
    right: int
    """Phones of it put in the right range."""

    @property
    def accuracy(self) -> float:
        return self.right / self.phones

    @property
    def interval(self) -> Interval:
        """Of the accuracy."""
        return wilson(self.right, self.phones)


def confidence_bins(probabilities: Probabilities, labels: NDArray[np.int64]) -> list[ConfidenceBin]:
    """Return the bins of the expected calibration error that hold phones, the least sure first."""
    exact = probabilities.astype(np.float64)
    confidence = (exact / exact.sum(axis=1, keepdims=True)).max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, CONFIDENCE_BINS + 1)
    numbers = np.digitize(confidence, edges, right=True)  # (N,): bin n is from edge n - 1 to edge n
    return [
        ConfidenceBin(
            low=float(edges[number - 1]),
            high=float(edges[number]),
            phones=int((numbers == number).sum()),
            confidence=float(confidence[numbers == number].mean()),
            right=int(right[numbers == number].sum()),
        )
        for number in np.unique(numbers)
    ]


class Influence(NamedTuple):
    """What becomes of the log-loss when a feature's values are shuffled among the phones, in nats."""

    feature: str
    rise: float
    """Mean over the shuffles."""
    spread: float
    """Standard deviation over the shuffles."""


def feature_influence(model: Model, part: Part) -> list[Influence]:
    """Return all 20 features, the most influential first, measured on the first phones of `part`.

    Permutation importance: L. Breiman, Random Forests, Machine Learning 45 (2001).
    """
    phones = part.rows(np.arange(min(len(part), MOST_SHUFFLED)))
    found = permutation_importance(
        _Fitted(),
        phones.matrix,
        phones.classes,
        scoring=lambda _, features, labels: -_log_loss(model.probabilities(features), labels),
        n_repeats=SHUFFLES,
        random_state=SHUFFLE_SEED,
    )
    influences = map(Influence, FEATURES, found.importances_mean.tolist(), found.importances_std.tolist())
    return sorted(influences, key=lambda influence: influence.rise, reverse=True)


class Positions(NamedTuple):
    """Where each phone lies on the line that the price ranges divide."""

    values: NDArray[np.float64]
    """(N,)"""
    cuts: Sequence[float]
    """Three, rising: between low and medium, medium and high, high and very high."""


def positions(model: Model, part: Part) -> Positions:
    """Return an ordinal network's scores and thresholds; a softmax one has none, so its expected ranges.

    An expected range is the mean of 0 to 3 under the probabilities, cut halfway between the ranges.
    """
    head = model.network.head
    if isinstance(head, OrdinalHead):
        return Positions(_scores(model, part), [float(cut) for cut in head.thresholds])
    indices = np.array([price_range.value for price_range in PriceRange])
    return Positions(
        model.probabilities(part.matrix).astype(np.float64) @ indices,
        [float(index) + 0.5 for index in indices[:-1]],
    )


@torch.inference_mode()
def _scores(model: Model, part: Part) -> NDArray[np.float64]:
    features = torch.from_numpy(standardise(model.scaler, part.matrix))
    return model.network.eval().score(features).numpy().astype(np.float64)[:, 0]


def _log_loss(probabilities: Probabilities, labels: NDArray[np.int64]) -> float:
    """Shuffled phones can be so unlike any that the truth gets no probability at all in float32."""
    least = float(np.finfo(np.float32).eps)
    given = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(given, least)).mean())


UNINFORMED_LOSS = log(len(PriceRange))
"""Log-loss of who gives each range the same probability, in nats."""


class _Fitted(BaseEstimator):  # type: ignore[misc]
    """What scikit-learn wants to be handed; the scoring knows the model."""

    def fit(self, *_: Any) -> Self:
        return self
