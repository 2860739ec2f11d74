"""The smallest changes that take a phone to each other price range.

They stay in the trained ranges, and break no regularity of the data that they have to do with.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from typing_extensions import TypedDict

from contract.bundle import Manifest
from contract.phone import FEATURES, SPECIFICATIONS, PriceRange, Specifications
from service.prediction import LABELS, Prediction
from service.predictor import Predictor
from service.replacements import Grid, Replacements, grid, pairs, replaced, singles, thin

ALONE = 4096
"""Values of a feature that are tried alone, evenly among all where its trained range has more."""

IN_PAIR = 9
"""Values of a feature that are tried together with those of another, and again between the best ones."""


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


class Found(NamedTuple):
    """The smallest of the replacements that do what was asked."""

    columns: NDArray[np.intp]  # (M,)
    values: Grid  # (M,)
    size: float


def ways_to_other_ranges(predictor: Predictor, phone: Specifications, own: int) -> list[WayToRange]:
    """Find the way of one phone, (1, 20), to each price range but its `own`."""
    grids = [grid(feature) for feature in predictor.manifest.features]
    alone = _smallest(predictor, phone, singles([thin(each, ALONE) for each in grids]))
    ways: list[WayToRange] = []
    for other in PriceRange:
        if other != own:
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
    return ways


def _smallest(predictor: Predictor, phone: Specifications, tried: Replacements) -> dict[int, Found]:
    """Return the smallest of the replacements that reach each price range, by price range."""
    tried = _allowed(predictor.manifest, phone, tried)
    if not tried.values.size:
        return {}
    reached = predictor.probabilities(replaced(phone, tried)).argmax(axis=1)
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
        found = _smallest(predictor, phone, pairs(tried)).get(price_range)
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
    phones = replaced(phone, tried)
    for each in manifest.regularities:
        smaller, larger = FEATURES.index(each.feature), FEATURES.index(each.not_above)
        # one that the phone itself breaks, and that has nothing to do with the change, may stay so
        concerned = ((tried.columns == smaller) | (tried.columns == larger)).any(axis=0)
        allowed &= ~concerned | (phones[:, smaller] <= phones[:, larger])
    return Replacements(
        np.compress(allowed, tried.columns, axis=1), np.compress(allowed, tried.values, axis=1)
    )


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
