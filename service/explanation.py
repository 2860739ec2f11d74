"""Why a phone gets its expected price range: what each specification contributes. Knows no HTTP.

Shapley values (L. S. Shapley, A Value for n-Person Games, 1953) of the game in which the specifications that
have not come in yet are those of a background phone, as S. Lundberg and S.-I. Lee, A Unified Approach to
Interpreting Model Predictions, NeurIPS 2017, have it. All 20! orders of coming in are too many, so they are
sampled: each with its reverse, by which effects of two specifications together come out exactly (R. Mitchell
et al., Sampling Permutations for Shapley Value Estimation, J. Mach. Learn. Res. 23 (2022)), and equally many
for each background phone, by which the contributions sum exactly to what is to be explained.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray
from typing_extensions import TypedDict

from contract.bundle import BACKGROUND_PHONES
from contract.phone import FEATURES, FeatureMatrix, Specifications
from service.prediction import Prediction, expected_range
from service.predictor import Predictor

ORDERS = 8
"""Sampled for each background phone, and reversed as well: 21,504 phones for one explanation."""

SEED = 17

COUNT = len(FEATURES)


class Contribution(TypedDict):
    """What one specification adds to the expected price range of a typical phone, in price ranges."""

    feature: str
    value: float
    contribution: float
    standard_error: float


class Explanation(TypedDict):
    """`baseline` and all contributions sum to the prediction's `expected_range`."""

    prediction: Prediction
    baseline: float
    contributions: list[Contribution]
    model_version: str


def explain(predictor: Predictor, phone: Specifications) -> Explanation:
    """Explain the prediction of one phone, (1, 20): the largest contribution comes first."""
    (prediction,) = predictor.predict_unwatched(phone).answers()
    background = predictor.bundle.population.background
    sampled = np.stack([*_contributions(predictor, phone.astype(np.float32), background)])  # (B, ORDERS, 20)
    mean = sampled.mean(axis=(0, 1))
    # of each background phone all that varies is the order
    error = np.sqrt((sampled.var(axis=1, ddof=1) / ORDERS).sum(axis=0)) / len(background)
    return {
        "prediction": prediction,
        "baseline": float(expected_range(predictor.probabilities(background)).mean()),
        "contributions": [
            {
                "feature": FEATURES[each],
                "value": float(phone[0, each]),
                "contribution": float(mean[each]),
                "standard_error": float(error[each]),
            }
            for each in np.argsort(-np.abs(mean), kind="stable")
        ],
        "model_version": predictor.version,
    }


@cache
def _orders() -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Draw the orders of each background phone, the same ones for every explanation.

    (64, ORDERS, 2, 20): who comes in when; (64, ORDERS, 2, 21, 20): who is there after so many have come.
    """
    random = np.random.default_rng(SEED)
    order = np.argsort(random.random((BACKGROUND_PHONES, ORDERS, COUNT)), axis=2)
    entering = np.stack([order, order[..., ::-1]], axis=2)
    arrival = np.argsort(entering, axis=3)
    return entering, arrival[..., None, :] < np.arange(COUNT + 1)[:, None]


def _contributions(
    predictor: Predictor, phone: FeatureMatrix, background: FeatureMatrix
) -> Iterator[NDArray[np.float64]]:
    """Yield of each background phone the mean of each order and its reverse: (ORDERS, 20)."""
    # one phone of the background at a time: what is computed then stays in the processor's cache
    for other, entering, present in zip(background, *_orders(), strict=True):
        mixed = np.where(present, phone, other)  # (ORDERS, 2, 21, 20)
        expected = expected_range(predictor.probabilities(mixed.reshape(-1, COUNT)))
        steps = np.diff(expected.reshape(ORDERS, 2, COUNT + 1))  # (ORDERS, 2, 20), in order of arrival
        contributions = np.empty_like(steps)
        np.put_along_axis(contributions, entering, steps, axis=2)
        yield contributions.mean(axis=1)
