"""The manifest of a run: everything that a bundle says of itself."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version as installed

import pandas as pd

from contract.bundle import (
    FORMAT_VERSION,
    DataProvenance,
    FeatureRange,
    GoldenRow,
    Manifest,
    Metrics,
)
from contract.phone import FEATURES, SPECIFICATIONS, Phone, PriceRange, to_matrix
from training.dataset import Dataset, Part
from training.fitting import CalibratedModel
from training.made_up import Range, make_up_phones
from training.population import regularities
from training.recipe import Recipe

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
GOLDEN_ROWS = 16
GOLDEN_SEED = 20
LIBRARIES = (
    "torch",
    "scikit-learn",
    "numpy",
    "pandas",
    "scipy",
    "mapie",
    "onnx",
    "onnxruntime",
    "joblib",
    "safetensors",
)


def describe(
    recipe: Recipe, dataset: Dataset, part: Part, model: CalibratedModel, metrics: Metrics
) -> Manifest:
    """Tell what the run was, which phones it learnt from and what it made.

    The version's name and the list of files may still change when the bundle is written.
    """
    created = datetime.now(UTC).replace(microsecond=0)
    return Manifest(
        format_version=FORMAT_VERSION,
        name="phone-price",
        version=f"{created:%Y%m%d-%H%M%S}-{recipe.name}",
        created=created,
        recipe=recipe.model_dump(mode="json"),
        architecture=recipe.network,
        features=[_range(name, part.features[name]) for name in FEATURES],
        regularities=regularities(part),
        classes=[price_range.label for price_range in PriceRange],
        metrics=metrics,
        calibration=model.calibration,
        data=DataProvenance(
            name=dataset.name,
            rows=len(dataset.phones),
            sha256=dataset.sha256,
            split=recipe.split.model_dump(mode="json"),
        ),
        libraries={"python": platform.python_version(), **{name: installed(name) for name in LIBRARIES}},
        golden_rows=_golden_rows(model, part),
        files={},
    )


def _golden_rows(model: CalibratedModel, part: Part) -> list[GoldenRow]:
    """Made-up phones inside the trained ranges, with the reference's answers."""
    ranges = {name: Range(part.features[name].min(), part.features[name].max()) for name in FEATURES}
    made_up = make_up_phones(GOLDEN_ROWS, ranges, GOLDEN_SEED)
    phones = [Phone.model_validate(row) for row in made_up.to_dict("records")]
    expected = model.probabilities(to_matrix(phones))
    return [
        GoldenRow(phone=phone, probabilities=row)
        for phone, row in zip(phones, expected.tolist(), strict=True)
    ]


def _range(name: str, values: pd.Series) -> FeatureRange:
    return FeatureRange(
        name=name,
        unit=SPECIFICATIONS[name].unit,
        low=values.min(),
        high=values.max(),
        quantiles={f"{share:g}": values.quantile(share) for share in QUANTILES},
    )
