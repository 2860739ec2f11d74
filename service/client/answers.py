"""What the service answers, typed. Fields that a newer service has beside these are ignored."""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct, field

from contract.phone import PriceRange


class InputWarning(Struct, frozen=True):
    """How a phone is unlike those that the model was trained on.

    `feature` is None and `tail_probability` is a number where it is about the whole phone.
    """

    kind: Literal["out_of_range", "broken_regularity", "unlike"]
    feature: str | None
    value: float
    low: float
    high: float
    message: str
    tail_probability: float | None = None


class PredictedRange(Struct, frozen=True):
    """The price range of one phone. `expected_range` is the mean of the range, from 0 to 3."""

    price_range: PriceRange
    label: str
    probabilities: tuple[float, float, float, float]
    confidence: float
    prediction_set: tuple[PriceRange, ...]
    expected_range: float
    warnings: tuple[InputWarning, ...]


class Prediction(PredictedRange, frozen=True):
    """The price range of one phone, and the model that said so."""

    model_version: str


class PredictedRanges(Struct, frozen=True):
    """The price ranges of many phones, and the model that said so."""

    predictions: tuple[PredictedRange, ...]
    model_version: str


class Contribution(Struct, frozen=True):
    """What one specification adds to the expected price range of a typical phone, in price ranges."""

    feature: str
    value: float
    contribution: float
    standard_error: float


class Explanation(Struct, frozen=True):
    """`baseline` and all contributions sum to the prediction's `expected_range`; the largest comes first."""

    prediction: PredictedRange
    baseline: float
    contributions: tuple[Contribution, ...]
    model_version: str


class Curve(Struct, frozen=True):
    """The answers over one specification's trained range, all others as given; `value` is among `values`."""

    feature: str
    unit: str
    value: float
    values: tuple[float, ...]
    expected_range: tuple[float, ...]
    probabilities: tuple[tuple[float, float, float, float], ...]


class Replacement(Struct, frozen=True):
    """One specification, as given and as it would have to be."""

    feature: str
    to: float
    given: float = field(name="from")


class Change(Struct, frozen=True):
    """One or two replacements, and the answer then; a `size` of 0.1 is a tenth of the trained range."""

    changes: tuple[Replacement, ...]
    size: float
    prediction: PredictedRange


class WayToRange(Struct, frozen=True):
    """The smallest changes found that take the phone to another price range; None where there is none."""

    price_range: PriceRange
    label: str
    one_feature: Change | None
    two_features: Change | None


class WhatIf(Struct, frozen=True):
    """A phone's prediction, a curve for each specification, and the way to each of the other ranges."""

    prediction: PredictedRange
    curves: tuple[Curve, ...]
    changes: tuple[WayToRange, ...]
    model_version: str


class RefusedVersion(Struct, frozen=True):
    """What CURRENT names and cannot be served: which, if that can be read, and the kind of error."""

    version: str | None
    error: str


class Health(Struct, frozen=True):
    """The service can predict; `refused` is a version that it does not take over."""

    model_version: str
    engine: str
    refused: RefusedVersion | None = None


class FeatureInfo(Struct, frozen=True):
    """A specification: its unit, what is accepted (plausible), what was trained on (low to high)."""

    name: str
    description: str
    unit: str
    step: float
    plausible_low: float
    plausible_high: float
    low: float
    high: float
    quantiles: dict[str, float]


class Regularity(Struct, frozen=True):
    """What holds for every phone trained on: `feature` is at most `not_above`."""

    feature: str
    not_above: str


class ModelInfo(Struct, frozen=True):
    """The served model; /docs of the service describes what is a dictionary here."""

    name: str
    model_version: str
    created: datetime
    format_version: int
    engine: str
    architecture: dict[str, Any]
    parameter_count: int
    features: tuple[FeatureInfo, ...]
    regularities: tuple[Regularity, ...]
    metrics: dict[str, Any]
    calibration: dict[str, Any]
    data: dict[str, Any]
    recipe: dict[str, Any]
    libraries: dict[str, str]
