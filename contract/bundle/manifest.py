"""manifest.json: everything that a bundle says of itself."""

import json
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, NonNegativeInt

from contract.architecture import Architecture
from contract.bundle.golden import GoldenRow
from contract.bundle.version_names import checked_version
from contract.phone import FEATURES

FORMAT_VERSION = 4
"""The format that this release writes, and the only one that it reads."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


MAX_DEPTH = 16
"""Tables in tables of a recipe, which has two."""


def _told(choices: dict[str, Any]) -> dict[str, Any]:
    """Return choices that can be told as JSON; raise `ValueError` for others."""
    level: list[Any] = [choices]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)]
        level = [inner for inner in level if isinstance(inner, dict | list)]
    if level:
        raise ValueError(f"tables are nested more than {MAX_DEPTH} deep")
    json.dumps(choices, allow_nan=False, ensure_ascii=False).encode()
    return choices


Choices = Annotated[dict[str, Any], AfterValidator(_told)]
"""What was chosen, by name, as JSON can tell it."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileEntry(_Part):
    """What a file of the bundle must be, before anyone opens it."""

    sha256: Sha256
    size: NonNegativeInt = Field(description="Bytes")


class FeatureRange(_Part):
    """One feature as the training part of the data has it."""

    name: str
    unit: str
    low: FiniteFloat = Field(description="Smallest value trained on")
    high: FiniteFloat = Field(description="Largest value trained on")
    quantiles: dict[str, FiniteFloat] = Field(description="Value below which this share of the phones lies")


def _known(feature: str) -> str:
    if feature not in FEATURES:
        raise ValueError("not one of the features")
    return feature


class Regularity(_Part):
    """What holds for every phone trained on: `feature` is at most `not_above`."""

    feature: Annotated[str, AfterValidator(_known)]
    not_above: Annotated[str, AfterValidator(_known)]


class ReliabilityBin(_Part):
    """Phones held out whose confidence is much the same, and how often that was right."""

    confidence: FiniteFloat = Field(description="Mean of the largest probability")
    accuracy: FiniteFloat = Field(description="Share of phones put in the right price range")
    phones: NonNegativeInt


class Metrics(_Part):
    """How well the model did on phones that it was not trained on."""

    rows: NonNegativeInt = Field(description="Phones held out")
    accuracy: FiniteFloat = Field(description="Share of phones put in the right price range")
    log_loss: FiniteFloat = Field(description="Mean of -ln(probability given to the true price range)")
    macro_f1: FiniteFloat = Field(description="F1 of each price range, averaged without weights")
    brier_score: FiniteFloat = Field(
        description="Mean squared distance of the four probabilities from the truth, 0 to 2"
    )
    ece: FiniteFloat = Field(
        description="Expected calibration error: mean distance of confidence from accuracy, in 15 bins"
    )
    off_by_more_than_one: NonNegativeInt = Field(description="Phones put two or three ranges off")
    coverage: FiniteFloat = Field(description="Share of phones whose prediction set holds the true range")
    mean_set_size: FiniteFloat = Field(description="Price ranges in a prediction set, on average")
    confusion_matrix: list[list[NonNegativeInt]] = Field(description="Rows: true range; columns: predicted")
    reliability: list[ReliabilityBin] = Field(description="By confidence, in 15 bins; without the empty ones")


class Calibration(_Part):
    """What was fitted to phones that the network had not learnt, to make its probabilities ones to act on."""

    rows: NonNegativeInt = Field(description="Phones that it was fitted to")
    temperature: FiniteFloat = Field(gt=0, description="What the logits are divided by; 1 changes nothing")
    coverage: FiniteFloat = Field(
        gt=0, lt=1, description="Share of prediction sets meant to hold the true price range"
    )
    threshold: FiniteFloat = Field(
        ge=0, le=1, description="Probability from which a price range is in the prediction set"
    )


class DataProvenance(_Part):
    """Which table the model was trained on, and how it was split."""

    name: str = Field(description="File name")
    rows: NonNegativeInt
    sha256: Sha256 = Field(description="Of the file as it was read")
    split: Choices = Field(description="How the held-out part was drawn")


class Manifest(_Part):
    """The whole of manifest.json."""

    format_version: int = Field(strict=True)
    name: str
    version: Annotated[str, AfterValidator(checked_version)]
    created: datetime
    recipe: Choices = Field(description="Every choice of the training run")
    architecture: Architecture
    features: list[FeatureRange]
    regularities: list[Regularity]
    classes: list[str] = Field(description="Labels, in the order of the probabilities")
    metrics: Metrics
    calibration: Calibration
    data: DataProvenance
    libraries: dict[str, str] = Field(description="Versions that trained it")
    golden_rows: list[GoldenRow] = Field(min_length=1, description="Phones with the probabilities expected")
    files: dict[str, FileEntry] = Field(description="Every other file of the bundle, by relative path")
