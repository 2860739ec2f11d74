"""What is answered about phones: column by column for tables, row by row for programs."""

from functools import cached_property
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import TypedDict

from contract.bundle import Manifest
from contract.phone import FEATURES, PriceRange, Probabilities, Specifications
from contract.prediction_set import Bounds, prediction_set_bounds


class OutOfRange(TypedDict):
    """A specification outside what the model was trained on: the answer is a guess beyond the data."""

    feature: str
    value: float
    low: Annotated[float, Field(description="Smallest value trained on")]
    high: Annotated[float, Field(description="Largest value trained on")]
    message: str


class Prediction(TypedDict):
    """The price range of one phone."""

    price_range: Annotated[int, Field(ge=0, le=3, description="0 low, 1 medium, 2 high, 3 very high")]
    label: Annotated[str, Field(description="The price range in words")]
    probabilities: Annotated[
        list[float],
        Field(min_length=4, max_length=4, description="Of each price range, low to very high; they sum to 1"),
    ]
    confidence: Annotated[float, Field(description="The largest of the probabilities")]
    prediction_set: Annotated[
        list[int],
        Field(
            min_length=1,
            description="Neighbouring price ranges, among which the true one is as often as /model-info says "
            "under calibration.coverage",
        ),
    ]
    expected_range: Annotated[
        float, Field(ge=0, le=3, description="The mean of the price range under the probabilities")
    ]
    warnings: Annotated[list[OutOfRange], Field(description="Specifications outside the trained ranges")]


class PredictionAnswer(Prediction):
    """The price range of one phone, and the model that said so."""

    model_version: str


LABELS = [item.label for item in PriceRange]
"""The words of each class."""


class Reading:
    """How a bundle's probabilities are to be read: its trained ranges and its threshold."""

    def __init__(self, manifest: Manifest) -> None:
        self.features = manifest.features
        self.low = np.array([feature.low for feature in manifest.features], dtype=np.float32)  # (20,)
        self.high = np.array([feature.high for feature in manifest.features], dtype=np.float32)  # (20,)
        self.threshold = float(np.float32(manifest.calibration.threshold))  # probabilities are float32


class Predictions:
    """The price ranges of N phones: column by column for tables, row by row for programs."""

    def __init__(
        self, reading: Reading, specifications: Specifications, probabilities: Probabilities
    ) -> None:
        self.reading = reading
        self.specifications = specifications  # (N, 20)
        self.probabilities = probabilities  # (N, 4)
        # (N,): the likeliest class, the lower one of two alike
        self.price_range: NDArray[np.intp] = probabilities.argmax(axis=1)
        # (N, 20): whether a specification lies outside the trained range, which was found in float32
        features = specifications.astype(np.float32, copy=False)
        self.outside: NDArray[np.bool_] = (features < reading.low) | (features > reading.high)
        self.any_outside = np.count_nonzero(self.outside) > 0

    def __len__(self) -> int:
        return len(self.probabilities)

    @cached_property
    def columns(self) -> Probabilities:
        """(4, N): the probabilities again, each range's in a row, where numpy is ten times as fast."""
        return np.ascontiguousarray(self.probabilities.T)

    @cached_property
    def confidence(self) -> NDArray[np.float32]:
        """(N,): the largest probability."""
        return np.asarray(np.maximum.reduce(self.columns))

    @cached_property
    def expected_range(self) -> NDArray[np.float64]:
        """(N,): the mean class."""
        low, medium, high, very_high = self.columns.astype(np.float64)
        return np.asarray((medium + 2 * high + 3 * very_high) / (low + medium + high + very_high))

    @cached_property
    def prediction_set(self) -> Bounds:
        """(N,) and (N,): the lowest and the highest class of each prediction set."""
        return prediction_set_bounds(self.columns.T, self.reading.threshold)

    @cached_property
    def outside_at(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """(M,) and (M,): row and column of what is outside, one column after the other."""
        # numpy finds the few that are true in one long row ten times as fast as in a table
        columns, rows = np.divmod(np.flatnonzero(self.outside.T), len(self))
        return rows, columns

    def answers(self) -> list[Prediction]:
        """Return the columns above row by row, without numpy: a turn brings few rows, often one."""
        answers = [_answer(row, self.reading.threshold) for row in self.probabilities.tolist()]
        for row, warnings in self.warnings().items():
            answers[row]["warnings"] = warnings
        return answers

    def warnings(self) -> dict[int, list[OutOfRange]]:
        """Return what is outside the trained ranges, by row, of the rows that have any such."""
        warnings: dict[int, list[OutOfRange]] = {}
        if self.any_outside:
            rows, columns = self.outside_at
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
                warnings.setdefault(row, []).append(self._warning(row, column))
        return warnings

    def _warning(self, row: int, column: int) -> OutOfRange:
        name, trained = FEATURES[column], self.reading.features[column]
        value = float(self.specifications[row, column])
        return {
            "feature": name,
            "value": value,
            "low": trained.low,
            "high": trained.high,
            "message": f"{name} is {value:g}; the model was trained on {trained.low:g} to {trained.high:g} "
            f"({trained.unit}), so this answer reaches beyond its data",
        }


def _answer(probabilities: list[float], threshold: float) -> Prediction:
    low, medium, high, very_high = probabilities
    *_, second, confidence = sorted(probabilities)
    price_range = probabilities.index(confidence)
    least = min(threshold, confidence)
    alone = second < least  # nearly always
    return {
        "price_range": price_range,
        "label": LABELS[price_range],
        "probabilities": probabilities,
        "confidence": confidence,
        "prediction_set": [price_range] if alone else _neighbours(probabilities, least),
        # at most 3, although float32 probabilities sum to 1 only nearly
        "expected_range": (medium + 2 * high + 3 * very_high) / (low + medium + high + very_high),
        "warnings": [],
    }


def _neighbours(probabilities: list[float], least: float) -> list[int]:
    chosen = [each for each, probability in enumerate(probabilities) if probability >= least]
    return list(range(chosen[0], chosen[-1] + 1))
