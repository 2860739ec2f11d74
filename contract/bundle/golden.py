"""Golden rows: made-up phones with the probabilities that the trained network gave them."""

from collections.abc import Callable, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from contract.errors import GoldenRowError
from contract.phone import FeatureMatrix, Phone, PriceRange, Probabilities, to_matrix

TOLERANCE = 1e-5
"""How far an engine's probability may lie from the reference's: float32 rounding, and no more."""


class GoldenRow(BaseModel):
    """A phone, and the probabilities that every engine must give it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    phone: Phone
    probabilities: list[FiniteFloat] = Field(min_length=len(PriceRange), max_length=len(PriceRange))


def check_golden_rows(rows: Sequence[GoldenRow], predict: Callable[[FeatureMatrix], Probabilities]) -> None:
    """Recompute the golden rows with `predict`; raise `GoldenRowError` unless all come out the same."""
    expected = np.array([row.probabilities for row in rows])  # (N, 4)
    computed = predict(to_matrix(row.phone for row in rows))  # (N, 4)
    if computed.shape != expected.shape:
        raise GoldenRowError(f"golden rows: expected shape {expected.shape}, computed {computed.shape}")
    error = np.abs(computed - expected).max(axis=1)  # (N,)
    wrong = np.flatnonzero(~(error <= TOLERANCE))  # NaN is wrong, too
    if wrong.size:
        raise GoldenRowError(
            f"golden rows: {wrong.size} of {len(rows)} are not reproduced; the first, number {wrong[0]}, "
            f"is off by {error[wrong[0]]:.2g} (allowed: {TOLERANCE:g})"
        )
