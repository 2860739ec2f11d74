"""The verdict on the input: how a phone is unlike those that the model was trained on."""

from typing import Annotated, Literal, NotRequired

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import TypedDict

from contract.bundle import Manifest, Population
from contract.phone import FEATURES, Specifications


class InputWarning(TypedDict):
    """Something about a phone that hardly any phone trained on has: the answer reaches beyond the data.

    `out_of_range`: a specification outside the trained range. `broken_regularity`: one above another that it
    never exceeds. `unlike`: the phone as a whole is far from all others.
    """

    kind: Literal["out_of_range", "broken_regularity", "unlike"]
    feature: Annotated[str | None, Field(description="None where it is about the whole phone")]
    value: Annotated[float, Field(description="Of the feature; the distance of a whole phone from the mean")]
    low: Annotated[float, Field(description="Smallest value that this does not warn of")]
    high: Annotated[float, Field(description="Largest value that this does not warn of")]
    tail_probability: NotRequired[
        Annotated[float, Field(description="Share of the phones trained on that lie at least so far out")]
    ]
    message: str


UNLIKE = "unlike"


class Judge:
    """Knows what a bundle was trained on, and tells what is unlike it."""

    def __init__(self, manifest: Manifest, population: Population) -> None:
        self._features = manifest.features
        self._regularities = manifest.regularities
        self._population = population
        self._farthest = population.farthest
        self._low = np.array([[feature.low] for feature in manifest.features], dtype=np.float32)  # (20, 1)
        self._high = np.array([[feature.high] for feature in manifest.features], dtype=np.float32)  # (20, 1)
        self._smaller = [FEATURES.index(each.feature) for each in manifest.regularities]
        self._larger = [FEATURES.index(each.not_above) for each in manifest.regularities]
        broken = [f"{each.feature}>{each.not_above}" for each in manifest.regularities]
        self.unusual = (*broken, UNLIKE)
        self.kinds = (*FEATURES, *self.unusual)
        """What there is to warn of, in a word: the W = 20 + regularities + 1 rows of `warned`."""

    def warned(self, specifications: Specifications) -> NDArray[np.bool_]:
        """Find what is to be warned of, in float32 as in training: (N, 20) -> (W, N)."""
        features = specifications.astype(np.float32, copy=False)
        across = features.T  # (20, N)
        warned = np.empty((len(self.kinds), len(features)), dtype=bool)
        np.logical_or(across < self._low, across > self._high, out=warned[: len(FEATURES)])
        for row, smaller, larger in zip(warned[len(FEATURES) : -1], self._smaller, self._larger, strict=True):
            np.greater(across[smaller], across[larger], out=row)
        np.greater(self._population.distance(features), self._farthest, out=warned[-1])
        return warned

    def warning(self, kind: int, phone: Specifications) -> InputWarning:
        """Word a warning of the kind at that place in `kinds` about a phone: (20,)."""
        if kind < len(FEATURES):
            return self._out_of_range(kind, float(phone[kind]))
        if self.kinds[kind] != UNLIKE:
            return self._broken_regularity(kind - len(FEATURES), phone)
        return self._unlike(phone)

    def _out_of_range(self, column: int, value: float) -> InputWarning:
        trained = self._features[column]
        return {
            "kind": "out_of_range",
            "feature": trained.name,
            "value": value,
            "low": trained.low,
            "high": trained.high,
            "message": f"{trained.name} is {value:g}; the model was trained on {trained.low:g} to "
            f"{trained.high:g} ({trained.unit}), so this answer reaches beyond its data",
        }

    def _broken_regularity(self, number: int, phone: Specifications) -> InputWarning:
        feature, not_above = self._regularities[number].feature, self._regularities[number].not_above
        value, bound = float(phone[self._smaller[number]]), float(phone[self._larger[number]])
        return {
            "kind": "broken_regularity",
            "feature": feature,
            "value": value,
            "low": min(self._features[self._smaller[number]].low, bound),
            "high": bound,
            "message": f"{feature} is {value:g} and {not_above} {bound:g}; no phone that the model was "
            f"trained on has {feature} above {not_above}, so this answer reaches beyond its data",
        }

    def _unlike(self, phone: Specifications) -> InputWarning:
        distance = float(self._population.distance(phone[None].astype(np.float32))[0])
        return {
            "kind": "unlike",
            "feature": None,
            "value": distance,
            "low": 0.0,
            "high": self._farthest,
            "tail_probability": self._population.tail_probability(distance),
            "message": f"the phone as a whole lies {distance:.3g} standard deviations from the mean of those "
            f"that the model was trained on, 99.9 % of which lie within {self._farthest:.3g}, so this answer "
            "reaches beyond its data",
        }
