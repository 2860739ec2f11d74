"""How good probabilities are, against what was true."""

import numpy as np
from mapie.metrics.calibration import expected_calibration_error
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, brier_score_loss, confusion_matrix, f1_score, log_loss

from contract.bundle import Metrics, ReliabilityBin
from contract.phone import PriceRange, Probabilities
from contract.prediction_set import prediction_sets

CONFIDENCE_BINS = 15
CLASSES = [price_range.value for price_range in PriceRange]


def evaluate(probabilities: Probabilities, labels: NDArray[np.int64], threshold: float) -> Metrics:
    """Measure (N, 4) probabilities, and their prediction sets, against (N,) true price ranges."""
    predicted = probabilities.argmax(axis=1)
    sets = prediction_sets(probabilities, threshold)
    brier_score = brier_score_loss(labels, _exact(probabilities), labels=CLASSES, scale_by_half=False)
    return Metrics(
        rows=len(labels),
        accuracy=float(accuracy_score(labels, predicted)),
        log_loss=mean_log_loss(probabilities, labels),
        macro_f1=float(f1_score(labels, predicted, labels=CLASSES, average="macro", zero_division=0)),
        brier_score=float(brier_score),
        ece=calibration_error(probabilities, labels),
        off_by_more_than_one=int((np.abs(predicted - labels) > 1).sum()),
        coverage=float(sets[np.arange(len(labels)), labels].mean()),
        mean_set_size=float(sets.sum(axis=1).mean()),
        confusion_matrix=confusion_matrix(labels, predicted, labels=CLASSES).tolist(),
        reliability=reliability(probabilities, labels),
    )


def reliability(probabilities: Probabilities, labels: NDArray[np.int64]) -> list[ReliabilityBin]:
    """Return confidence and accuracy in bins of equal width; none for those without a phone."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, CONFIDENCE_BINS + 1)
    bins = np.digitize(confidence, edges, right=True)
    return [
        ReliabilityBin(
            confidence=confidence[bins == each].mean(),
            accuracy=right[bins == each].mean(),
            phones=np.count_nonzero(bins == each),
        )
        for each in np.unique(bins)
    ]


def mean_log_loss(probabilities: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """Return the mean of -ln(probability given to the true range)."""
    return float(log_loss(labels, _exact(probabilities), labels=CLASSES))


def calibration_error(probabilities: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """Return the mean distance of confidence from accuracy over bins of equal width.

    M. P. Naeini, G. F. Cooper and M. Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian
    Binning, AAAI 2015.
    """
    right = probabilities.argmax(axis=1) == labels
    confidence = _exact(probabilities).max(axis=1)
    edges = CONFIDENCE_BINS + 1  # MAPIE counts the edges of the bins
    return float(
        expected_calibration_error(right.astype(int), confidence, num_bins=edges, split_strategy="uniform")
    )


def _exact(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """A float32 row sums to 1 only to seven digits, and scikit-learn minds."""
    exact = probabilities.astype(np.float64)
    return np.asarray(exact / exact.sum(axis=1, keepdims=True))
