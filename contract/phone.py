"""The phone: its 20 specifications, each once, and the price range it sells in.

Bounds here are *plausible* bounds: what a real phone can be, from a feature phone of 2005 to a flagship of
today. The narrower ranges that a model was *trained* on belong to its bundle.
"""

from collections.abc import Iterable
from enum import IntEnum
from operator import attrgetter
from typing import Annotated, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from contract.flag import FLAG_UNIT, flag_number, plain_boolean

FeatureMatrix: TypeAlias = NDArray[np.float32]
"""(N, 20) raw specifications, columns in the order of `FEATURES`."""

Specifications: TypeAlias = NDArray[np.float32] | NDArray[np.float64]
"""(N, 20) raw specifications with the digits that they were sent with, columns in the order of `FEATURES`."""

Probabilities: TypeAlias = NDArray[np.float32]
"""(N, 4) probabilities, columns in the order of `PriceRange`; each row sums to 1."""


class PriceRange(IntEnum):
    """The four classes, in the order of price."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2
    VERY_HIGH = 3

    @property
    def label(self) -> str:
        """The name in words: 'low', 'medium', 'high', 'very high'."""
        return self.name.lower().replace("_", " ")


Number: TypeAlias = Annotated[float, BeforeValidator(plain_boolean)]
"""A number, and neither true nor false."""

Flag: TypeAlias = Annotated[float, BeforeValidator(flag_number)]
"""A yes or no."""

TENTH = 0.1
"""Between two neighbouring values of a specification that may have decimals, as people give them."""


def measured(description: str, unit: str, low: float, high: float, example: float) -> Any:
    """Declare a specification that may have decimals, from `low` to `high` in `unit`."""
    return Field(
        description=description, ge=low, le=high, examples=[example], json_schema_extra={"unit": unit}
    )


def whole(description: str, unit: str, low: int, high: int, example: int, **schema: Any) -> Any:
    """Declare a whole number, written 842 or 842.0 (as a pandas row gives it), from `low` to `high`.

    `schema` changes what its JSON schema says.
    """
    return Field(
        description=description,
        ge=low,
        le=high,
        multiple_of=1,
        examples=[example],
        json_schema_extra={"unit": unit, **schema},
    )


def flag(description: str, example: int) -> Any:
    """Declare a yes or no, written 1 or 0, or true or false."""
    return whole(description, FLAG_UNIT, 0, 1, example, type=["number", "boolean"])


class Phone(BaseModel):
    """One phone. All 20 specifications are required and no others are accepted."""

    # Strict: a lax float would take true as 1.0 of any field and "842" as 842.0, and hide a caller's mistake.
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)

    battery_power: Number = whole("Energy that the battery stores", "mAh", 100, 50_000, 1_450)
    blue: Flag = flag("Has Bluetooth", 1)
    clock_speed: Number = measured("Clock of the processor", "GHz", 0.05, 10, 1.8)
    dual_sim: Flag = flag("Takes two SIM cards", 1)
    fc: Number = whole("Resolution of the front camera; 0 for none", "megapixels", 0, 200, 5)
    four_g: Flag = flag("Has 4G", 1)
    int_memory: Number = whole("Internal storage", "GB", 0, 8_192, 32)
    m_dep: Number = measured("Thickness", "cm", 0.05, 10, 0.6)
    mobile_wt: Number = whole("Weight", "g", 20, 2_000, 142)
    n_cores: Number = whole("Processor cores", "cores", 1, 64, 4)
    pc: Number = whole("Resolution of the primary camera; 0 for none", "megapixels", 0, 500, 12)
    px_height: Number = whole("Screen resolution, height; 0 if unknown", "pixels", 0, 20_000, 720)
    px_width: Number = whole("Screen resolution, width", "pixels", 1, 20_000, 1_280)
    ram: Number = whole("Working memory", "MB", 1, 65_536, 2_048)
    sc_h: Number = whole("Screen height", "cm", 1, 60, 13)
    sc_w: Number = whole("Screen width; 0 if unknown", "cm", 0, 60, 7)
    talk_time: Number = whole("Talk time on one charge", "hours", 0, 1_000, 12)
    three_g: Flag = flag("Has 3G", 1)
    touch_screen: Flag = flag("Has a touch screen", 1)
    wifi: Flag = flag("Has Wi-Fi", 1)


class Specification(NamedTuple):
    """What `Phone` declares of one feature; `low` and `high` are its plausible bounds, in `unit`."""

    name: str
    description: str
    unit: str
    low: float
    high: float
    whole: bool
    example: float

    @property
    def step(self) -> float:
        """What lies between two neighbouring values, in `unit`."""
        return 1 if self.whole else TENTH


def _specification(name: str) -> Specification:
    declared = Phone.model_json_schema()["properties"][name]
    return Specification(
        name=name,
        description=declared["description"],
        unit=declared["unit"],
        low=declared["minimum"],
        high=declared["maximum"],
        whole="multipleOf" in declared,
        example=declared["examples"][0],
    )


SPECIFICATIONS: dict[str, Specification] = {name: _specification(name) for name in Phone.model_fields}
"""What `Phone` declares, feature by feature, in the order of its fields."""

FEATURES: tuple[str, ...] = tuple(SPECIFICATIONS)
"""The 20 feature names in the one order that every matrix, scaler, network and bundle uses."""

FLAGS: frozenset[str] = frozenset(name for name, spec in SPECIFICATIONS.items() if spec.unit == FLAG_UNIT)
"""The features that are a yes or no."""

EXAMPLE: dict[str, float] = {name: spec.example for name, spec in SPECIFICATIONS.items()}
"""A made-up phone inside the ranges of the published data set."""

_row = attrgetter(*FEATURES)


def to_specifications(phones: Iterable[Phone]) -> NDArray[np.float64]:
    """Return the phones as an (N, 20) float64 matrix."""
    return np.array([_row(phone) for phone in phones], dtype=np.float64).reshape(-1, len(FEATURES))


def to_matrix(phones: Iterable[Phone]) -> FeatureMatrix:
    """Return the phones as an (N, 20) float32 matrix."""
    return to_specifications(phones).astype(np.float32)
