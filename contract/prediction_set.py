"""From probabilities to a set of price ranges that holds the true one as often as was promised."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from contract.phone import Probabilities

PredictionSets: TypeAlias = NDArray[np.bool_]
"""(N, 4): whether each price range is in the phone's set."""


def prediction_sets(probabilities: Probabilities, threshold: float) -> PredictionSets:
    """Return for each phone the ranges at least as probable as `threshold`, its likeliest, and all between.

    The sets of M. Sadinle, J. Lei and L. Wasserman, Least Ambiguous Set-Valued Classifiers with Bounded Error
    Levels, J. Am. Statist. Assoc. 114 (2019), made never empty and contiguous. That adds ranges and takes
    none away, so the coverage that the threshold was fitted for still holds.

    With the threshold 0.1, `[0.02, 0.5, 0.08, 0.4]` gives `[False, True, True, True]`.
    """
    likeliest = probabilities.max(axis=1, keepdims=True)  # (N, 1)
    chosen = probabilities >= np.minimum(threshold, likeliest)  # (N, 4)
    reached = np.logical_or.accumulate(chosen, axis=1)
    ahead = np.logical_or.accumulate(chosen[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(reached & ahead)
