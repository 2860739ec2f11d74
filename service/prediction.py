"""What is answered about phones: column by column for tables, row by row for programs."""

from functools import cached_property
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import TypedDict

from contract.phone import PriceRange, Probabilities, Specifications
from contract.prediction_set import Bounds, prediction_set_bounds
from service.verdict import InputWarning, Judge


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
    warnings: Annotated[
        list[InputWarning], Field(description="How the phone is unlike those that the model was trained on")
    ]


class PredictionAnswer(Prediction):
    """The price range of one phone, and the model that said so."""

    model_version: str


LABELS = [item.label for item in PriceRange]
"""The words of each class."""


def expected_range(probabilities: Probabilities) -> NDArray[np.float64]:
    """Return the mean class: (N, 4) -> (N,)."""
    low, medium, high, very_high = probabilities.T.astype(np.float64)
    return np.asarray((medium + 2 * high + 3 * very_high) / (low + medium + high + very_high))


class Predictions:
    """The price ranges of N phones: column by column for tables, row by row for programs."""

    def __init__(
        self, judge: Judge, threshold: float, specifications: Specifications, probabilities: Probabilities
    ) -> None:
        self.judge = judge
        self.threshold = threshold
        self.specifications = specifications  # (N, 20)
        self.probabilities = probabilities  # (N, 4)
        # (N,): the likeliest class, the lower one of two alike
        self.price_range: NDArray[np.intp] = probabilities.argmax(axis=1)
        self.warned = judge.warned(specifications)  # (W, N)
        self.any_warned = np.count_nonzero(self.warned) > 0

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
        return expected_range(self.columns.T)

    @cached_property
    def prediction_set(self) -> Bounds:
        """(N,) and (N,): the lowest and the highest class of each prediction set."""
        return prediction_set_bounds(self.columns.T, self.threshold)

    @cached_property
    def warned_at(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """(M,) and (M,): the phone and the kind of each warning, one kind after the other."""
        # numpy finds the few that are true in one long row ten times as fast as in a table
        kinds, rows = np.divmod(np.flatnonzero(self.warned), len(self))
        return rows, kinds

    def answers(self) -> list[Prediction]:
        """Return the columns above row by row, without numpy: a turn brings few rows, often one."""
        answers = [_answer(row, self.threshold) for row in self.probabilities.tolist()]
        for row, warnings in self.warnings().items():
            answers[row]["warnings"] = warnings
        return answers

    def warnings(self) -> dict[int, list[InputWarning]]:
        """Return the warnings by row, of the rows that have any."""
        warnings: dict[int, list[InputWarning]] = {}
        if self.any_warned:
            rows, kinds = self.warned_at
            for row, kind in zip(rows.tolist(), kinds.tolist(), strict=True):
                warnings.setdefault(row, []).append(self.judge.warning(kind, self.specifications[row]))
        return warnings


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
