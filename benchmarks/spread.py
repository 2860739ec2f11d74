"""A figure that was measured several times: its median, and how far apart the rounds were."""

from collections.abc import Sequence
from statistics import median
from typing import Self

from pydantic import BaseModel


class Spread(BaseModel):
    """Median, smallest and largest of the rounds, and each of them in order."""

    median: float
    low: float
    high: float
    rounds: list[float]

    @classmethod
    def of(cls, rounds: Sequence[float]) -> Self:
        """Sum up the rounds."""
        return cls(median=median(rounds), low=min(rounds), high=max(rounds), rounds=list(rounds))

    @classmethod
    def of_ratios(cls, numerators: Sequence[float], denominators: Sequence[float]) -> Self:
        """Sum up the ratios, each of two figures of one round: a machine that slows down slows both."""
        return cls.of([over / under for over, under in zip(numerators, denominators, strict=True)])

    def text(self, decimals: int) -> str:
        """Return as in '9,120 (8,900 to 9,300)'; of a single round only itself."""
        shown = f"{self.median:,.{decimals}f}"
        if len(self.rounds) == 1:
            return shown
        return f"{shown} ({self.low:,.{decimals}f} to {self.high:,.{decimals}f})"
