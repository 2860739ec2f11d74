"""The phones that every peer is asked about, and what is right for each."""

from pathlib import Path
from typing import TypeAlias

import numpy as np

from contract.bundle import Bundle, read_current
from contract.phone import EXAMPLE, FEATURES, Probabilities
from service.engine import load_engine

PhoneObject: TypeAlias = dict[str, float]
"""A phone as JSON has it: 20 names, 20 numbers."""

ARTIFACTS = Path(__file__).parents[1] / "artifacts"

PHONES: tuple[PhoneObject, ...] = tuple(
    # a price range each, and last a phone of today, outside what the model was trained on: it is warned of
    EXAMPLE | {"ram": ram}
    for ram in (512, 1_280, 1_950, 2_600, 3_900, 8_192)
)


def row(phone: PhoneObject) -> list[float]:
    """Return the 20 numbers in the order of the bundle's columns."""
    return [phone[name] for name in FEATURES]


def current_bundle() -> Bundle:
    """Read the bundle that every peer serves."""
    return read_current(ARTIFACTS)


def expected() -> Probabilities:
    """Compute the bundle's own answers: (len(PHONES), 4)."""
    features = np.array([row(phone) for phone in PHONES], dtype=np.float32)
    return load_engine("onnx", current_bundle()).predict(features)
