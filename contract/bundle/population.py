"""population.safetensors: what the phones trained on are like together, without one of them."""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from contract.bundle.tensors import read_tensors
from contract.errors import PopulationError
from contract.phone import FEATURES, FeatureMatrix

POPULATION = "population.safetensors"

BACKGROUND_PHONES = 64
"""A power of two, by which a Sobol sequence fills a space evenly."""

DISTANCES = 1001

_SHAPES = {
    "background": (BACKGROUND_PHONES, len(FEATURES)),
    "mean": (len(FEATURES),),
    "whitening": (len(FEATURES), len(FEATURES)),
    "distances": (DISTANCES,),
}


@dataclass(frozen=True)
class Population:
    """The phones trained on, as a whole, in raw units."""

    background: FeatureMatrix
    """(64, 20): made-up phones with their distribution, for explanations to start from."""

    mean: NDArray[np.float32]
    """(20,)."""

    whitening: NDArray[np.float32]
    """(20, 20): what (phone - mean) is multiplied by to have unit covariance."""

    distances: NDArray[np.float32]
    """(1001,): quantiles of their distances from the mean, from the smallest to the largest."""

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Read the file's content. Raises `ShapeError`, `NonFiniteError` and `PopulationError`."""
        population = cls(**read_tensors(POPULATION, content, _SHAPES))
        if not np.isfinite(population.distance(population.background)).all():
            raise PopulationError(f"{POPULATION}: its own made-up phones are infinitely far from the mean")
        if np.diff(population.distances, prepend=0).min() < 0:
            raise PopulationError(f"{POPULATION}: distances are below nothing, or fall")
        return population

    def to_bytes(self) -> bytes:
        """Return the file's content."""
        # safetensors writes the memory of an array, whatever the order of its axes there
        return save({name: np.ascontiguousarray(tensor) for name, tensor in asdict(self).items()})

    @property
    def farthest(self) -> float:
        """The distance that one in a thousand of them exceeds."""
        return float(self.distances[-2])

    @cached_property
    def _white_mean(self) -> NDArray[np.float32]:
        return (self.mean @ self.whitening)[:, None]  # (20, 1)

    def distance(self, features: FeatureMatrix) -> NDArray[np.float32]:
        """Return how far phones lie from the mean, in standard deviations: (N, 20) -> (N,).

        P. C. Mahalanobis, On the Generalised Distance in Statistics, Proc. Nat. Inst. Sci. India 2 (1936).
        """
        white = self.whitening.T @ features.T  # (20, N): numpy adds few long rows many times as fast
        white -= self._white_mean
        np.square(white, out=white)
        return np.asarray(np.sqrt(np.add.reduce(white)))

    def tail_probability(self, distance: float) -> float:
        """Return the share of the phones trained on that lie at least so far from their mean."""
        shares = np.linspace(1, 0, DISTANCES)
        return float(np.interp(distance, self.distances, shares))
