"""What the service exists for: phones in, predictions with their warnings out. Knows no HTTP."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import BaseModel, Field

from contract.bundle import Manifest, check_golden_rows, read_current
from contract.errors import EngineError
from contract.phone import FEATURES, FeatureMatrix, Phone, PriceRange, Probabilities, to_matrix
from contract.prediction_set import prediction_sets
from service.engine import Engine, load_engine
from service.settings import Settings


class OutOfRange(BaseModel):
    """A specification outside what the model was trained on: the answer is a guess beyond the data."""

    feature: str
    value: float
    low: float = Field(description="Smallest value trained on")
    high: float = Field(description="Largest value trained on")
    message: str


class Prediction(BaseModel):
    """The price range of one phone."""

    price_range: Annotated[int, Field(ge=0, le=3, description="0 low, 1 medium, 2 high, 3 very high")]
    label: str = Field(description="The price range in words")
    probabilities: list[float] = Field(
        min_length=4, max_length=4, description="Of each price range, low to very high; they sum to 1"
    )
    confidence: float = Field(description="The largest of the probabilities")
    prediction_set: list[int] = Field(
        min_length=1,
        description="Neighbouring price ranges, among which the true one is as often as /model-info says "
        "under calibration.coverage",
    )
    expected_range: float = Field(
        ge=0, le=3, description="The mean of the price range under the probabilities"
    )
    warnings: list[OutOfRange] = Field(description="Specifications outside the trained ranges")


class Predictor:
    """A bundle's model, loaded and proved."""

    def __init__(self, manifest: Manifest, engine: Engine) -> None:
        self.manifest = manifest
        self.engine = engine
        self._low = np.array([feature.low for feature in manifest.features], dtype=np.float32)  # (20,)
        self._high = np.array([feature.high for feature in manifest.features], dtype=np.float32)  # (20,)

    @property
    def version(self) -> str:
        """The name of the bundle that answers."""
        return self.manifest.version

    def predict(self, phones: Sequence[Phone]) -> list[Prediction]:
        """Predict each phone, in order. Raises `EngineError` if a result is not a probability."""
        features = to_matrix(phones)  # (N, 20)
        probabilities = self._compute(features)  # (N, 4)
        sets = prediction_sets(probabilities, self.manifest.calibration.threshold)  # (N, 4)
        outside = (features < self._low) | (features > self._high)  # (N, 20)
        return [
            _prediction(row.tolist(), np.flatnonzero(chosen).tolist(), self._warnings(phone, columns))
            for phone, row, chosen, columns in zip(phones, probabilities, sets, outside, strict=True)
        ]

    def _compute(self, features: FeatureMatrix) -> Probabilities:
        probabilities = self.engine.predict(features)
        if not np.isfinite(probabilities).all():
            raise EngineError("the engine computed a probability that is not a finite number")
        return probabilities

    def _warnings(self, phone: Phone, outside: np.ndarray) -> list[OutOfRange]:
        return [self._warning(phone, column) for column in np.flatnonzero(outside).tolist()]

    def _warning(self, phone: Phone, column: int) -> OutOfRange:
        name, trained = FEATURES[column], self.manifest.features[column]
        value = getattr(phone, name)
        return OutOfRange(
            feature=name,
            value=value,
            low=trained.low,
            high=trained.high,
            message=f"{name} is {value:g}; the model was trained on {trained.low:g} to {trained.high:g} "
            f"({trained.unit}), so this answer reaches beyond its data",
        )


def load_predictor(settings: Settings) -> Predictor:
    """Read CURRENT, build the engine and recompute the golden rows, which also warms it.

    Raises a `BundleError` or `EngineError` when anything is off.
    """
    bundle = read_current(settings.artifacts)
    engine = load_engine(settings.engine, bundle)
    check_golden_rows(bundle.manifest.golden_rows, engine.predict)
    return Predictor(bundle.manifest, engine)


def _prediction(
    probabilities: list[float], prediction_set: list[int], warnings: list[OutOfRange]
) -> Prediction:
    confidence = max(probabilities)
    price_range = PriceRange(probabilities.index(confidence))
    return Prediction(
        price_range=price_range.value,
        label=price_range.label,
        probabilities=probabilities,
        confidence=confidence,
        prediction_set=prediction_set,
        expected_range=_mean(probabilities),
        warnings=warnings,
    )


def _mean(probabilities: list[float]) -> float:
    """Return the mean class, at most 3 although float32 probabilities sum to 1 only nearly."""
    return sum(index * probability for index, probability in enumerate(probabilities)) / sum(probabilities)
