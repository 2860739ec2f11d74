"""What the phones trained on are like together: what always holds, how far they spread, and made-up ones."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats.qmc import MultivariateNormalQMC
from sklearn.covariance import LedoitWolf
from sklearn.preprocessing import StandardScaler

from contract.bundle import BACKGROUND_PHONES, DISTANCES, Population, Regularity
from contract.phone import FEATURES
from training.dataset import Part
from training.made_up import NOT_ABOVE, bring_down

SEED = 64

LEAST_VARIANCE = 1e-6
"""Of a standardised feature: where nothing varies, nothing is shrunk either, and zero has no inverse."""


def regularities(part: Part) -> list[Regularity]:
    """Return which of the regularities of the published data hold for all phones of `part`."""
    return [
        Regularity(feature=smaller, not_above=larger)
        for smaller, larger in NOT_ABOVE.items()
        if (part.features[smaller] <= part.features[larger]).all()
    ]


def describe_population(part: Part) -> Population:
    """Describe the phones of `part` without telling any of them.

    The covariance is that of the standardised features, shrunk after O. Ledoit and M. Wolf, A
    Well-Conditioned Estimator for Large-Dimensional Covariance Matrices, J. Multivariate Anal. 88 (2004).
    """
    scaler = StandardScaler().fit(part.features)
    covariance = LedoitWolf(assume_centered=True).fit(scaler.transform(part.features)).covariance_
    precision = np.linalg.inv(covariance + LEAST_VARIANCE * np.eye(len(FEATURES)))
    whitening = np.linalg.cholesky(precision) / scaler.scale_[:, None]
    population = Population(
        background=make_up_background(part).to_numpy(np.float32),
        mean=scaler.mean_.astype(np.float32),
        whitening=whitening.astype(np.float32),
        distances=np.zeros(DISTANCES, np.float32),
    )
    distances = population.distance(part.matrix)
    # the next higher one: of fewer than a thousand phones none is then farther out than 99.9 % of them
    population.distances[:] = np.quantile(distances, np.linspace(0, 1, DISTANCES), method="higher")
    return population


def make_up_background(part: Part) -> pd.DataFrame:
    """Make up phones as those of `part`: (64, 20) by name.

    Each feature has its distribution, and all together the correlation of their ranks: a Gaussian copula,
    after R. B. Nelsen, An Introduction to Copulas (2006), filled evenly by a Sobol sequence.
    """
    scores = norm.ppf((part.features.rank() - 0.5) / len(part))  # (N, 20)
    drawn = MultivariateNormalQMC(np.zeros(len(FEATURES)), _correlation(scores), rng=SEED)
    shares = norm.cdf(drawn.random(BACKGROUND_PHONES))  # (64, 20)
    phones = pd.DataFrame(
        {
            name: np.quantile(part.features[name], of_feature, method="inverted_cdf")
            for name, of_feature in zip(FEATURES, shares.T, strict=True)
        }
    )
    for each in regularities(part):
        bring_down(phones, each.feature, each.not_above, part.features[each.feature].min())
    return phones


def _correlation(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlate columns, of which one that is always the same goes with no other."""
    varying = scores.std(axis=0) > 0
    correlation = np.eye(scores.shape[1])
    correlation[np.ix_(varying, varying)] = np.corrcoef(scores[:, varying], rowvar=False)
    return correlation
