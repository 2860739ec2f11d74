"""train(recipe, data) -> bundle: the story of a run."""

import io
from pathlib import Path
from typing import NamedTuple

import joblib
from safetensors.torch import save
from sklearn.preprocessing import StandardScaler

from contract.bundle import LEARNT_PHONES, POPULATION, LearntPhones, Metrics, SigningKey, publish
from contract.network import PhonePriceNetwork
from training.copies import Copies
from training.dataset import read_dataset, split
from training.description import describe
from training.evaluation import evaluate
from training.export import export, prove_equal, prove_golden_rows
from training.fitting import Watch, fit_calibrated, ignore
from training.population import describe_population
from training.recipe import Recipe
from training.report import make_report


class Trained(NamedTuple):
    """What a run made, and how good it is on the part held out."""

    version: str
    metrics: Metrics
    copies: Copies


def train(
    recipe: Recipe,
    data: Path,
    artifacts: Path,
    watch: Watch = ignore,
    watch_calibration: Watch = ignore,
    key: SigningKey | None = None,
) -> Trained:
    """Train `recipe` on the table `data`, write the bundle and make it the served one.

    Each watch is told of its epochs; with a key the bundle is signed. Nothing is written before everything
    else has succeeded.
    """
    dataset = read_dataset(data)
    training_part, held_out = split(dataset.phones, recipe.split)
    model = fit_calibrated(recipe, training_part, watch, watch_calibration)
    metrics = evaluate(model.probabilities(held_out.matrix), held_out.classes, model.calibration.threshold)
    graph = export(model.network, model.scaler)
    prove_equal(graph, model.probabilities(dataset.phones.matrix), dataset.phones.matrix)
    manifest = describe(recipe, dataset, training_part, model, metrics)
    files = {
        "weights.safetensors": _tensors(model.network),
        "scaler.joblib": _pickle(model.scaler),
        "model.onnx": graph,
        POPULATION: describe_population(training_part).to_bytes(),
        LEARNT_PHONES: LearntPhones.of(training_part.matrix).to_bytes(),
        **make_report(manifest, model, held_out),
    }
    version = publish(artifacts, manifest, files, prove_golden_rows, key)
    return Trained(version, metrics, dataset.phones.copies)


def _tensors(network: PhonePriceNetwork) -> bytes:
    # batch normalisation counts its batches in an integer, which the format has no place for
    return save({name: tensor.float() for name, tensor in network.state_dict().items()})


def _pickle(scaler: StandardScaler) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(scaler, buffer)
    return buffer.getvalue()
