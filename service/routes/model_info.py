"""GET /model-info and /model-card: what the served bundle says of itself, to programs and to people."""

from datetime import datetime
from typing import Any, Self

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from contract.architecture import Architecture
from contract.bundle import Calibration, DataProvenance, FeatureRange, Metrics, Regularity
from contract.phone import SPECIFICATIONS, PriceRange
from service.dependencies import LoadedPredictor
from service.predictor import Predictor

router = APIRouter(tags=["model"])


class FeatureInfo(FeatureRange):
    """A feature: what it is, what is accepted, what was trained on."""

    description: str
    step: float = Field(description="Between two neighbouring values")
    plausible_low: float = Field(description="Smallest value accepted")
    plausible_high: float = Field(description="Largest value accepted")

    @classmethod
    def of(cls, trained: FeatureRange) -> Self:
        """Add what the contract knows of the feature."""
        spec = SPECIFICATIONS[trained.name]
        return cls(
            **dict(trained),
            description=spec.description,
            step=spec.step,
            plausible_low=spec.low,
            plausible_high=spec.high,
        )


class ClassInfo(BaseModel):
    """A price range and its name."""

    price_range: int
    label: str


class ModelInfo(BaseModel):
    """The served model."""

    name: str
    model_version: str
    created: datetime
    format_version: int
    engine: str
    architecture: Architecture
    parameter_count: int
    features: list[FeatureInfo]
    regularities: list[Regularity]
    classes: list[ClassInfo]
    metrics: Metrics
    calibration: Calibration
    data: DataProvenance
    recipe: dict[str, Any]
    libraries: dict[str, str]

    @classmethod
    def of(cls, predictor: Predictor) -> Self:
        """Tell what helps a person or a program; not the files and golden rows."""
        manifest = predictor.manifest
        return cls(
            name=manifest.name,
            model_version=manifest.version,
            created=manifest.created,
            format_version=manifest.format_version,
            engine=predictor.engine.name,
            architecture=manifest.architecture,
            parameter_count=manifest.architecture.parameter_count,
            features=[FeatureInfo.of(feature) for feature in manifest.features],
            regularities=manifest.regularities,
            classes=[ClassInfo(price_range=item.value, label=item.label) for item in PriceRange],
            metrics=manifest.metrics,
            calibration=manifest.calibration,
            data=manifest.data,
            recipe=manifest.recipe,
            libraries=manifest.libraries,
        )


@router.get("/model-info")
async def model_info(predictor: LoadedPredictor) -> ModelInfo:
    """Tell the model's version, architecture, features, classes, figures and origin."""
    return ModelInfo.of(predictor)


@router.get(
    "/model-card",
    response_class=Response,
    responses={200: {"content": {"text/markdown": {"schema": {"type": "string"}}}}},
)
async def model_card(predictor: LoadedPredictor) -> Response:
    """Tell what the model is for, what it must not be used for and how good it is, in Markdown."""
    return Response(predictor.bundle.card, media_type="text/markdown")
