"""From probabilities to a set of price ranges that holds the true one as often as was promised."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from contract.phone import Probabilities

PredictionSets: TypeAlias = NDArray[np.bool_]
"""(N, 4): whether each price range is in the phone's set."""

Bounds: TypeAlias = tuple[NDArray[np.int8], NDArray[np.int8]]
"""(N,) and (N,): the lowest and the highest price range of each phone's set; all between are in it."""


def prediction_set_bounds(probabilities: Probabilities, threshold: float) -> Bounds:
    """Return the lowest and the highest range at least as probable as `threshold` or as the likeliest.

    The sets of M. Sadinle, J. Lei and L. Wasserman, Least Ambiguous Set-Valued Classifiers with Bounded Error
    Levels, J. Am. Statist. Assoc. 114 (2019), made never empty and contiguous. That adds ranges and takes
    none away, so the coverage that the threshold was fitted for still holds.

    With the threshold 0.1, `[0.02, 0.5, 0.08, 0.4]` gives 1 and 3.
    """
    # across, as numpy reduces four long rows faster than a row of four many times
    across = probabilities.T  # (4, N)
    left_out = across < np.minimum(np.maximum.reduce(across), threshold)
    return _leading(left_out), len(across) - 1 - _leading(left_out[::-1])


def _leading(left_out: PredictionSets) -> NDArray[np.int8]:
    """Count how many ranges come before the first that is not left out: (4, N) -> (N,)."""
    run = left_out[0]
    count: NDArray[np.int8] = run.astype(np.int8)  # numpy adds many small numbers at a time
    for each in left_out[1:]:
        run = run & each
        count += run
    return count


def prediction_sets(probabilities: Probabilities, threshold: float) -> PredictionSets:
    """Return for each phone which ranges are in its set.

    With the threshold 0.1, `[0.02, 0.5, 0.08, 0.4]` gives `[False, True, True, True]`.
    """
    lowest, highest = prediction_set_bounds(probabilities, threshold)
    ranges = np.arange(probabilities.shape[1])
    return np.asarray((ranges >= lowest[:, None]) & (ranges <= highest[:, None]))
