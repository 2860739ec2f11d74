"""Made-up phones: the synthetic sample, and the golden rows. No row of real data goes in."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from contract.phone import FEATURES, SPECIFICATIONS
from training.labels import LABEL


class Range(NamedTuple):
    """From `low` to `high`, both included, in the feature's unit."""

    low: float
    high: float


PUBLISHED_RANGES: dict[str, Range] = {
    "battery_power": Range(501, 1998),
    "blue": Range(0, 1),
    "clock_speed": Range(0.5, 3.0),
    "dual_sim": Range(0, 1),
    "fc": Range(0, 19),
    "four_g": Range(0, 1),
    "int_memory": Range(2, 64),
    "m_dep": Range(0.1, 1.0),
    "mobile_wt": Range(80, 200),
    "n_cores": Range(1, 8),
    "pc": Range(0, 20),
    "px_height": Range(0, 1960),
    "px_width": Range(500, 1998),
    "ram": Range(256, 3998),
    "sc_h": Range(5, 19),
    "sc_w": Range(0, 18),
    "talk_time": Range(2, 20),
    "three_g": Range(0, 1),
    "touch_screen": Range(0, 1),
    "wifi": Range(0, 1),
}
"""The ranges that the publisher of the real data set documents."""

NOT_ABOVE = {"fc": "pc", "four_g": "three_g", "sc_w": "sc_h", "px_height": "px_width"}
"""What holds in every row of the real data: the first is never above the second."""

SCORE_WEIGHTS = {"ram": 1.0, "battery_power": 0.25, "px_height": 0.15, "px_width": 0.15, "mobile_wt": -0.04}
"""How much a full range of each specification moves the synthetic price."""

SCORE_NOISE = 0.03


def make_up_phones(rows: int, ranges: Mapping[str, Range], seed: int) -> pd.DataFrame:
    """Draw phones within `ranges`, with the regularities of the real data: (rows, 20) by name."""
    random = np.random.default_rng(seed)
    phones = pd.DataFrame({name: _draw(random, name, ranges[name], rows) for name in FEATURES})
    for smaller, larger in NOT_ABOVE.items():
        bring_down(phones, smaller, larger, ranges[smaller].low)
    return phones


def bring_down(phones: pd.DataFrame, smaller: str, larger: str, low: float) -> None:
    """Bring each value above its companion down to it, in place, but not below `low`."""
    phones[smaller] = phones[[smaller, larger]].min(axis=1).clip(lower=low)


def make_sample(rows: int, seed: int) -> pd.DataFrame:
    """A synthetic stand-in for the real table: made-up phones, labelled by quartiles of a noisy score."""
    phones = make_up_phones(rows, PUBLISHED_RANGES, seed)
    score = sum(
        (
            weight * _share_of_range(phones[name], PUBLISHED_RANGES[name])
            for name, weight in SCORE_WEIGHTS.items()
        ),
        start=np.random.default_rng([seed, 1]).normal(0, SCORE_NOISE, rows),
    )
    return phones.assign(**{LABEL: pd.qcut(score, 4, labels=False)})


def _draw(random: np.random.Generator, name: str, span: Range, rows: int) -> np.ndarray:
    if SPECIFICATIONS[name].whole:
        return random.integers(int(span.low), int(span.high), rows, endpoint=True)
    return random.uniform(span.low, span.high, rows).round(1).clip(span.low, span.high)


def _share_of_range(values: pd.Series, span: Range) -> pd.Series:
    return (values - span.low) / (span.high - span.low)
