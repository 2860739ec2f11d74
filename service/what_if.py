"""What if a phone were another: a curve for each specification, and the ways to the other price ranges.

Knows no HTTP. A curve follows its specification whatever the others are.
"""

import numpy as np
from typing_extensions import TypedDict

from contract.phone import Specifications
from service.prediction import Prediction, expected_range
from service.predictor import Predictor
from service.replacements import grid, replaced, singles, thin
from service.smallest_changes import WayToRange, ways_to_other_ranges

ON_CURVE = 65
"""Values on a curve, beside the one given."""


class Curve(TypedDict):
    """The answers over one specification's trained range, all others as given; `value` is among `values`."""

    feature: str
    unit: str
    value: float
    values: list[float]
    expected_range: list[float]
    probabilities: list[list[float]]


class WhatIf(TypedDict):
    """A phone's prediction, a curve for each feature, and the way to each of the other ranges."""

    prediction: Prediction
    curves: list[Curve]
    changes: list[WayToRange]
    model_version: str


def look_around(predictor: Predictor, phone: Specifications) -> WhatIf:
    """Look around one phone, (1, 20)."""
    (prediction,) = predictor.predict_unwatched(phone).answers()
    return {
        "prediction": prediction,
        "curves": _curves(predictor, phone),
        "changes": ways_to_other_ranges(predictor, phone, prediction["price_range"]),
        "model_version": predictor.version,
    }


def _curves(predictor: Predictor, phone: Specifications) -> list[Curve]:
    grids = [thin(grid(feature), ON_CURVE) for feature in predictor.manifest.features]
    with_given = [np.union1d(each, value) for each, value in zip(grids, phone[0], strict=True)]
    tried = singles(with_given)
    probabilities = predictor.probabilities(replaced(phone, tried))
    expected = expected_range(probabilities)
    ends = np.cumsum([len(each) for each in with_given])[:-1]
    return [
        {
            "feature": feature.name,
            "unit": feature.unit,
            "value": float(value),
            "values": values.tolist(),
            "expected_range": np.round(of_range, 4).tolist(),
            "probabilities": np.round(of_class.astype(np.float64), 4).tolist(),
        }
        for feature, value, values, of_range, of_class in zip(
            predictor.manifest.features,
            phone[0],
            with_given,
            np.split(expected, ends),
            np.split(probabilities, ends),
            strict=True,
        )
    ]
