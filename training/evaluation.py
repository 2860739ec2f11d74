"""How good probabilities are, against what was true."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss

from contract.bundle import Metrics
from contract.phone import PriceRange, Probabilities


def evaluate(probabilities: Probabilities, labels: NDArray[np.int64]) -> Metrics:
    """Measure (N, 4) probabilities against (N,) true price ranges."""
    classes = [price_range.value for price_range in PriceRange]
    predicted = probabilities.argmax(axis=1)
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)  # a float32 row sums to 1 only to seven digits
    return Metrics(
        rows=len(labels),
        accuracy=float(accuracy_score(labels, predicted)),
        log_loss=float(log_loss(labels, exact, labels=classes)),
        macro_f1=float(f1_score(labels, predicted, labels=classes, average="macro", zero_division=0)),
        confusion_matrix=confusion_matrix(labels, predicted, labels=classes).tolist(),
    )
