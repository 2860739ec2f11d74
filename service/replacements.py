"""Other values for the specifications of a phone: which there are, and the phone with each of them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contract.bundle import FeatureRange
from contract.phone import SPECIFICATIONS, FeatureMatrix, Specifications

Grid = NDArray[np.float64]
"""(G,): values of a feature, rising."""


class Replacements(NamedTuple):
    """K ways of replacing M specifications."""

    columns: NDArray[np.intp]  # (M, K): numpy reduces two long rows many times as fast as many short ones
    values: NDArray[np.float64]  # (M, K)


def grid(feature: FeatureRange) -> Grid:
    """Return all values of a feature in its trained range: whole numbers, or tenths."""
    step = SPECIFICATIONS[feature.name].step
    first, last = np.ceil(feature.low / step - 1e-9), np.floor(feature.high / step + 1e-9)
    return np.asarray(np.round(np.arange(first, last + 1) * step, 1) + 0.0)  # -0.0 is 0.0


def thin(values: Grid, most: int) -> Grid:
    """Leave at most so many, evenly, with the first and the last."""
    if len(values) <= most:
        return values
    return np.asarray(values[np.linspace(0, len(values) - 1, most).round().astype(int)])


def singles(grids: list[Grid]) -> Replacements:
    """Return each value of each feature."""
    columns = np.repeat(np.arange(len(grids)), [len(each) for each in grids])
    return Replacements(columns[None], np.concatenate(grids)[None])


def pairs(grids: list[Grid]) -> Replacements:
    """Return each value of each feature together with each of each other feature."""
    (columns,), (values,) = singles(grids)
    both = np.stack(np.triu_indices(len(values), 1))  # (2, K)
    both = np.compress(np.not_equal(*columns[both]), both, axis=1)
    return Replacements(columns[both], values[both])


def replaced(phone: Specifications, tried: Replacements) -> FeatureMatrix:
    """Return the phone with each of the replacements: (K, 20)."""
    phones = np.repeat(phone.astype(np.float32), tried.values.shape[1], axis=0)
    phones[np.arange(len(phones)), tried.columns] = tried.values
    return phones
