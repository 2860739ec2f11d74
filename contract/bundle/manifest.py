"""manifest.json: everything that a bundle says of itself."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, NonNegativeInt

from contract.architecture import Architecture
from contract.bundle.golden import GoldenRow
from contract.bundle.pointer import checked_version

FORMAT_VERSION = 1
"""The format that this release writes, and the only one that it reads."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


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


class Metrics(_Part):
    """How well the model did on phones that it was not trained on."""

    rows: NonNegativeInt = Field(description="Phones held out")
    accuracy: FiniteFloat = Field(description="Share of phones put in the right price range")
    log_loss: FiniteFloat = Field(description="Mean of -ln(probability given to the true price range)")
    macro_f1: FiniteFloat = Field(description="F1 of each price range, averaged without weights")
    confusion_matrix: list[list[NonNegativeInt]] = Field(description="Rows: true range; columns: predicted")


class DataProvenance(_Part):
    """Which table the model was trained on, and how it was split."""

    name: str = Field(description="File name")
    rows: NonNegativeInt
    sha256: Sha256 = Field(description="Of the file as it was read")
    split: dict[str, Any] = Field(description="How the held-out part was drawn")


class Manifest(_Part):
    """The whole of manifest.json."""

    format_version: int
    name: str
    version: Annotated[str, AfterValidator(checked_version)]
    created: datetime
    recipe: dict[str, Any] = Field(description="Every choice of the training run")
    architecture: Architecture
    features: list[FeatureRange]
    classes: list[str] = Field(description="Labels, in the order of the probabilities")
    metrics: Metrics
    data: DataProvenance
    libraries: dict[str, str] = Field(description="Versions that trained it")
    golden_rows: list[GoldenRow] = Field(min_length=1, description="Phones with the probabilities expected")
    files: dict[str, FileEntry] = Field(description="Every other file of the bundle, by relative path")
