"""train(recipe, data) -> bundle."""

import io
import json
import platform
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import NamedTuple

import joblib
import pandas as pd
import torch
from safetensors.torch import save
from sklearn.preprocessing import StandardScaler

from contract.bundle import (
    FORMAT_VERSION,
    Bundle,
    DataProvenance,
    FeatureRange,
    GoldenRow,
    Manifest,
    Metrics,
    check_golden_rows,
    switch_current,
    write_bundle,
)
from contract.network import PhonePriceNetwork, predict_probabilities, standardise
from contract.phone import FEATURES, SPECIFICATIONS, Phone, PriceRange, to_matrix
from training.dataset import Dataset, Part, read_dataset, split
from training.evaluation import evaluate
from training.export import export, graph_probabilities, prove_equal
from training.loop import Epoch, fit
from training.made_up import Range, make_up_phones
from training.recipe import Recipe

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
GOLDEN_ROWS = 16
GOLDEN_SEED = 20
LIBRARIES = ("torch", "scikit-learn", "numpy", "pandas", "onnx", "onnxruntime", "joblib", "safetensors")


class Trained(NamedTuple):
    """What a run made, and how good it is on the part held out."""

    version: str
    metrics: Metrics


def train(recipe: Recipe, data: Path, artifacts: Path, watch: Callable[[Epoch], None]) -> Trained:
    """Train `recipe` on the table `data`, write the bundle and make it the served one.

    `watch` is told of each epoch. Nothing is written before everything else has succeeded.
    """
    dataset = read_dataset(data)
    training_part, held_out = split(dataset.phones, recipe.split)
    scaler = StandardScaler().fit(training_part.features)
    network, history = _fit_network(recipe, scaler, training_part, watch)
    metrics = evaluate(predict_probabilities(network, scaler, held_out.matrix), held_out.classes)
    graph = export(network, scaler)
    prove_equal(graph, predict_probabilities(network, scaler, dataset.phones.matrix), dataset.phones.matrix)
    version = write_bundle(
        artifacts,
        _describe(recipe, dataset, training_part, metrics, _golden_rows(network, scaler, training_part)),
        {
            "weights.safetensors": save(network.state_dict()),
            "scaler.joblib": _pickle(scaler),
            "model.onnx": graph,
            "report/history.json": _to_json([epoch._asdict() for epoch in history]),
        },
        prove=_reproduces_golden_rows,
    )
    switch_current(artifacts, version)
    return Trained(version, metrics)


def _fit_network(
    recipe: Recipe, scaler: StandardScaler, part: Part, watch: Callable[[Epoch], None]
) -> tuple[PhonePriceNetwork, Sequence[Epoch]]:
    torch.manual_seed(recipe.seed)
    network = PhonePriceNetwork(recipe.network)
    features = torch.from_numpy(standardise(scaler, part.matrix))  # (N, 20)
    labels = torch.from_numpy(part.classes)  # (N,)
    history = []
    for epoch in fit(network, features, labels, recipe):
        watch(epoch)
        history.append(epoch)
    return network, history


def _golden_rows(network: PhonePriceNetwork, scaler: StandardScaler, part: Part) -> list[GoldenRow]:
    """Made-up phones inside the trained ranges, with the reference's answers."""
    ranges = {name: Range(part.features[name].min(), part.features[name].max()) for name in FEATURES}
    made_up = make_up_phones(GOLDEN_ROWS, ranges, GOLDEN_SEED)
    phones = [Phone.model_validate(row) for row in made_up.to_dict("records")]
    expected = predict_probabilities(network, scaler, to_matrix(phones))
    return [
        GoldenRow(phone=phone, probabilities=row)
        for phone, row in zip(phones, expected.tolist(), strict=True)
    ]


def _describe(
    recipe: Recipe, dataset: Dataset, part: Part, metrics: Metrics, golden_rows: list[GoldenRow]
) -> Manifest:
    created = datetime.now(UTC).replace(microsecond=0)
    return Manifest(
        format_version=FORMAT_VERSION,
        name="phone-price",
        version=f"{created:%Y%m%d-%H%M%S}-{recipe.name}",
        created=created,
        recipe=recipe.model_dump(mode="json"),
        architecture=recipe.network,
        features=[_range(name, part.features[name]) for name in FEATURES],
        classes=[price_range.label for price_range in PriceRange],
        metrics=metrics,
        data=DataProvenance(
            name=dataset.name,
            rows=len(dataset.phones),
            sha256=dataset.sha256,
            split=recipe.split.model_dump(mode="json"),
        ),
        libraries={"python": platform.python_version(), **{name: installed(name) for name in LIBRARIES}},
        golden_rows=golden_rows,
        files={},
    )


def _range(name: str, values: pd.Series) -> FeatureRange:
    return FeatureRange(
        name=name,
        unit=SPECIFICATIONS[name].unit,
        low=values.min(),
        high=values.max(),
        quantiles={f"{share:g}": values.quantile(share) for share in QUANTILES},
    )


def _reproduces_golden_rows(bundle: Bundle) -> None:
    check_golden_rows(
        bundle.manifest.golden_rows, lambda features: graph_probabilities(bundle.graph, features)
    )


def _pickle(scaler: StandardScaler) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(scaler, buffer)
    return buffer.getvalue()


def _to_json(value: object) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"
