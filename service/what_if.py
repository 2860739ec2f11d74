"""What if a phone were another: a curve for each specification, and the smallest changes to each other range.

Knows no HTTP. A change stays in the trained ranges and breaks no regularity of the data that it has to do
with; a curve follows its specification whatever the others are.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from typing_extensions import TypedDict

from contract.bundle import FeatureRange, Manifest
from contract.phone import FEATURES, SPECIFICATIONS, FeatureMatrix, PriceRange, Specifications
from service.explanation import expected_range
from service.prediction import LABELS, Prediction
from service.predictor import Predictor

ALONE = 4096
"""Values of a feature that are tried alone, evenly among all where its trained range has more."""

ON_CURVE = 65
"""Values on a curve, beside the one given."""

IN_PAIR = 9
"""Values of a feature that are tried together with those of another, and again between the best ones."""

Grid = NDArray[np.float64]
"""(G,): values of a feature, rising."""


class Curve(TypedDict):
    """The answers over one specification's trained range, all others as given; `value` is among `values`."""

    feature: str
    unit: str
    value: float
    values: list[float]
    expected_range: list[float]
    probabilities: list[list[float]]


Replacement = TypedDict("Replacement", {"feature": str, "from": float, "to": float})


class Change(TypedDict):
    """One or two replacements, and the answer then.

    `size` is the root of the sum of squares of what each is of its feature's trained range.
    """

    changes: list[Replacement]
    size: float
    prediction: Prediction


class WayToRange(TypedDict):
    """The smallest changes that take the phone to another price range; None where none was found.

    Of one feature every value is tried. Of two it is a search from coarse to fine.
    """

    price_range: int
    label: str
    one_feature: Change | None
    two_features: Change | None


class WhatIf(TypedDict):
    """A phone's prediction, a curve for each feature, and the way to each of the other ranges."""

    prediction: Prediction
    curves: list[Curve]
    changes: list[WayToRange]
    model_version: str


class Replacements(NamedTuple):
    """K ways of replacing M specifications."""

    columns: NDArray[np.intp]  # (M, K): numpy reduces two long rows many times as fast as many short ones
    values: NDArray[np.float64]  # (M, K)


class Found(NamedTuple):
    """The smallest of the replacements that do what was asked."""

    columns: NDArray[np.intp]  # (M,)
    values: Grid  # (M,)
    size: float


def look_around(predictor: Predictor, phone: Specifications) -> WhatIf:
    """Look around one phone, (1, 20)."""
    (prediction,) = predictor.predict_unwatched(phone).answers()
    grids = [grid(feature) for feature in predictor.manifest.features]
    alone = _smallest(predictor, phone, _singles([thin(each, ALONE) for each in grids]))
    ways: list[WayToRange] = []
    for other in PriceRange:
        if other != prediction["price_range"]:
            one = alone.get(other)
            two = _smallest_pair(predictor, phone, grids, other, one.size if one else np.inf)
            ways.append(
                {
                    "price_range": other.value,
                    "label": LABELS[other],
                    "one_feature": one and _change(predictor, phone, one),
                    "two_features": two and _change(predictor, phone, two),
                }
            )
    return {
        "prediction": prediction,
        "curves": _curves(predictor, phone, [thin(each, ON_CURVE) for each in grids]),
        "changes": ways,
        "model_version": predictor.version,
    }


def grid(feature: FeatureRange) -> Grid:
    """Return all values of a feature in its trained range: whole numbers, or tenths."""
    step = SPECIFICATIONS[feature.name].step
    first, last = np.ceil(feature.low / step - 1e-9), np.floor(feature.high / step + 1e-9)
    return np.asarray(np.round(np.arange(first, last + 1) * step, 1) + 0.0)  # -0.0 is 0.0


def thin(values: Grid, most: int) -> Grid:
    """Leave at most so many, evenly, with the first and the last."""
    if len(values) <= most:
        return values
    return np.asarray(values[np.linspace(0, len(values) - 1, most).round().astype(int)])


def _singles(grids: list[Grid]) -> Replacements:
    """Return each value of each feature."""
    columns = np.repeat(np.arange(len(grids)), [len(each) for each in grids])
    return Replacements(columns[None], np.concatenate(grids)[None])


def _pairs(grids: list[Grid]) -> Replacements:
    """Return each value of each feature together with each of each other feature."""
    (columns,), (values,) = _singles(grids)
    pairs = np.stack(np.triu_indices(len(values), 1))  # (2, K)
    pairs = np.compress(np.not_equal(*columns[pairs]), pairs, axis=1)
    return Replacements(columns[pairs], values[pairs])


def _curves(predictor: Predictor, phone: Specifications, grids: list[Grid]) -> list[Curve]:
    with_given = [np.union1d(each, value) for each, value in zip(grids, phone[0], strict=True)]
    tried = _singles(with_given)
    probabilities = predictor.probabilities(_replaced(phone, tried))
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


def _smallest(predictor: Predictor, phone: Specifications, tried: Replacements) -> dict[int, Found]:
    """Return the smallest of the replacements that reach each price range, by price range."""
    tried = _allowed(predictor.manifest, phone, tried)
    if not tried.values.size:
        return {}
    reached = predictor.probabilities(_replaced(phone, tried)).argmax(axis=1)
    sizes = _sizes(predictor.manifest, phone, tried)
    found = {}
    for price_range in np.unique(reached).tolist():
        at = np.flatnonzero(reached == price_range)
        best = at[sizes[at].argmin()]
        found[price_range] = Found(tried.columns[:, best], tried.values[:, best], float(sizes[best]))
    return found


def _smallest_pair(
    predictor: Predictor, phone: Specifications, grids: list[Grid], price_range: int, within: float
) -> Found | None:
    """Search for the smallest change of two features that reaches it, neither by more than `within`.

    All pairs are tried on coarse grids, then again with the grids of the best pair finer, until they have all
    values there are.
    """
    windows = [
        values[np.abs(values - given) <= within * span]
        for values, given, span in zip(grids, phone[0], _spans(predictor.manifest), strict=True)
    ]
    best = None
    while True:
        tried = [thin(each, IN_PAIR) for each in windows]
        found = _smallest(predictor, phone, _pairs(tried)).get(price_range)
        if found and (best is None or found.size < best.size):
            best = found
        if best is None or all(len(windows[column]) <= IN_PAIR for column in best.columns):
            return best
        for column, value in zip(best.columns, best.values, strict=True):
            windows[column] = _around(value, tried[column], grids[column])


def _around(value: float, tried: Grid, values: Grid) -> Grid:
    """Return the values from the one tried before this one to the one tried after it."""
    low, high = max(tried[tried < value], default=value), min(tried[tried > value], default=value)
    return np.asarray(values[(values >= low) & (values <= high)])


def _allowed(manifest: Manifest, phone: Specifications, tried: Replacements) -> Replacements:
    """Leave the replacements that change all they replace, and after which it breaks no regularity."""
    given = phone[0].astype(np.float32)[tried.columns]
    allowed = (tried.values.astype(np.float32) != given).all(axis=0)
    phones = _replaced(phone, tried)
    for each in manifest.regularities:
        smaller, larger = FEATURES.index(each.feature), FEATURES.index(each.not_above)
        # one that the phone itself breaks, and that has nothing to do with the change, may stay so
        concerned = ((tried.columns == smaller) | (tried.columns == larger)).any(axis=0)
        allowed &= ~concerned | (phones[:, smaller] <= phones[:, larger])
    return Replacements(
        np.compress(allowed, tried.columns, axis=1), np.compress(allowed, tried.values, axis=1)
    )


def _replaced(phone: Specifications, tried: Replacements) -> FeatureMatrix:
    """Return the phone with each of the replacements: (K, 20)."""
    phones = np.repeat(phone.astype(np.float32), tried.values.shape[1], axis=0)
    phones[np.arange(len(phones)), tried.columns] = tried.values
    return phones


def _spans(manifest: Manifest) -> Grid:
    """Return the trained range of each feature; of one that was always the same, one step: (20,)."""
    return np.array([max(each.high - each.low, SPECIFICATIONS[each.name].step) for each in manifest.features])


def _sizes(manifest: Manifest, phone: Specifications, tried: Replacements) -> NDArray[np.float64]:
    """Return how large each change is, in trained ranges: (K,)."""
    shares = (tried.values - phone[0][tried.columns]) / _spans(manifest)[tried.columns]
    return np.asarray(np.sqrt((shares**2).sum(axis=0)))


def _change(predictor: Predictor, phone: Specifications, found: Found) -> Change:
    changed = phone.copy()
    changed[0, found.columns] = found.values
    (prediction,) = predictor.predict_unwatched(changed).answers()
    return {
        "changes": [
            {"feature": FEATURES[column], "from": float(phone[0, column]), "to": float(value)}
            for column, value in zip(found.columns, found.values, strict=True)
        ],
        "size": found.size,
        "prediction": prediction,
    }
