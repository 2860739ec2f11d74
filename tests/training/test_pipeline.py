import hashlib
import json
import shutil
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load
from sklearn.preprocessing import StandardScaler

from contract.bundle import current_version, read_current
from contract.errors import DataError
from contract.phone import FEATURES, to_matrix
from contract.prediction_set import prediction_sets
from service.engine import load_engine
from training.dataset import read_dataset, split
from training.export import graph_probabilities
from training.labels import LABEL
from training.pipeline import train
from training.recipe import Recipe
from training.search_space import with_choices


def test_the_manifest_tells_where_the_model_comes_from(
    tiny_artifacts: Path, tiny_recipe: Recipe, sample_table: Path
) -> None:
    manifest = read_current(tiny_artifacts).manifest
    assert manifest.version == current_version(tiny_artifacts)
    assert manifest.version.endswith("-tiny")
    assert manifest.recipe == tiny_recipe.model_dump(mode="json")
    assert manifest.data.name == "sample.csv"
    assert manifest.data.rows == 240
    assert manifest.data.sha256 == hashlib.sha256(sample_table.read_bytes()).hexdigest()
    assert manifest.data.split == {"held_out": 0.25, "random_state": 1, "stratified": True}
    assert {"python", "torch", "scikit-learn", "onnxruntime"} <= manifest.libraries.keys()


def test_the_metrics_are_those_of_the_part_held_out(
    tiny_artifacts: Path, tiny_recipe: Recipe, sample_table: Path
) -> None:
    bundle = read_current(tiny_artifacts)
    _, held_out = split(read_dataset(sample_table).phones, tiny_recipe.split)
    predicted = graph_probabilities(bundle.graph, held_out.matrix).argmax(axis=1)
    assert bundle.manifest.metrics.rows == 60
    assert bundle.manifest.metrics.accuracy == pytest.approx((predicted == held_out.classes).mean())
    assert np.sum(bundle.manifest.metrics.confusion_matrix) == 60


def test_the_calibration_is_told_and_what_was_measured_goes_by_it(
    tiny_artifacts: Path, tiny_recipe: Recipe, sample_table: Path
) -> None:
    bundle = read_current(tiny_artifacts)
    calibration, metrics = bundle.manifest.calibration, bundle.manifest.metrics
    assert (calibration.rows, calibration.coverage) == (180, 0.99)
    assert calibration.temperature == pytest.approx(load(bundle.weights)["temperature"][0])
    _, held_out = split(read_dataset(sample_table).phones, tiny_recipe.split)
    sets = prediction_sets(graph_probabilities(bundle.graph, held_out.matrix), calibration.threshold)
    assert metrics.coverage == pytest.approx(sets[np.arange(60), held_out.classes].mean())
    assert metrics.mean_set_size == pytest.approx(sets.sum(axis=1).mean())


def test_the_scaler_is_fitted_on_the_training_part_only(
    tiny_artifacts: Path, tiny_recipe: Recipe, sample_table: Path
) -> None:
    version = current_version(tiny_artifacts)
    scaler = joblib.load(tiny_artifacts / version / "scaler.joblib")
    training_part, _ = split(read_dataset(sample_table).phones, tiny_recipe.split)
    assert isinstance(scaler, StandardScaler)
    assert scaler.n_samples_seen_ == 180
    assert tuple(scaler.feature_names_in_) == FEATURES
    assert scaler.mean_ == pytest.approx(training_part.features.mean().to_numpy())


def test_the_trained_ranges_are_those_of_the_training_part(
    tiny_artifacts: Path, tiny_recipe: Recipe, sample_table: Path
) -> None:
    training_part, _ = split(read_dataset(sample_table).phones, tiny_recipe.split)
    for feature in read_current(tiny_artifacts).manifest.features:
        values = training_part.features[feature.name]
        assert (feature.low, feature.high) == (values.min(), values.max())
        assert feature.quantiles["0.5"] == values.median()


def test_the_golden_rows_lie_inside_the_trained_ranges_and_are_no_rows_of_the_data(
    tiny_artifacts: Path, sample_table: Path
) -> None:
    manifest = read_current(tiny_artifacts).manifest
    golden = to_matrix(row.phone for row in manifest.golden_rows)
    assert (golden >= [np.float32(feature.low) for feature in manifest.features]).all()
    assert (golden <= [np.float32(feature.high) for feature in manifest.features]).all()
    data = pd.read_csv(sample_table)[list(FEATURES)].to_numpy(np.float32)
    assert not (golden[:, None, :] == data[None, :, :]).all(axis=2).any()


def test_the_history_is_kept_for_people(tiny_artifacts: Path) -> None:
    version = current_version(tiny_artifacts)
    history = json.loads((tiny_artifacts / version / "report" / "history.json").read_text())
    assert [epoch["number"] for epoch in history] == [1, 2, 3]


def test_the_same_recipe_and_data_give_the_same_files(
    tiny_artifacts: Path, tiny_recipe: Recipe, sample_table: Path, tmp_path: Path
) -> None:
    first = read_current(tiny_artifacts)
    train(tiny_recipe, sample_table, tmp_path, watch=lambda _: None)
    again = read_current(tmp_path)
    assert (again.weights, again.scaler, again.graph) == (first.weights, first.scaler, first.graph)
    assert again.manifest.golden_rows == first.manifest.golden_rows


def test_the_weights_are_those_that_the_architecture_names(tiny_artifacts: Path) -> None:
    bundle = read_current(tiny_artifacts)
    shapes = {name: tensor.shape for name, tensor in load(bundle.weights).items()}
    assert shapes == {
        "layers.0.weight": (8, 20),
        "layers.0.bias": (8,),
        "layers.1.weight": (4, 8),
        "layers.1.bias": (4,),
        "temperature": (1,),
    }


def test_a_network_of_every_part_is_read_back_and_both_engines_agree(
    tiny_recipe: Recipe, sample_table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batch normalisation counts its batches in an integer, which is no tensor of a bundle."""
    # the report takes longest, and has its tests
    monkeypatch.setattr("training.pipeline.make_report", lambda *_: {"report/MODEL_CARD.md": b""})
    choices = {
        "network": {
            "hidden_layers": [8],
            "activation": "silu",
            "batch_normalisation": True,
            "dropout": 0.1,
            "head": "ordinal",
            "link": "logit",
            "linear_path": True,
        },
        "linear_path": {"ridge": 1.0, "reweight_every": 1},
        "calibration": {"folds": 2, "temperature": True},
    }
    train(with_choices(tiny_recipe, choices), sample_table, tmp_path)
    bundle = read_current(tmp_path)
    matrix = read_dataset(sample_table).phones.matrix
    onnx, torch = (load_engine(name, bundle).predict(matrix) for name in ("onnx", "torch"))
    assert onnx == pytest.approx(torch, abs=1e-5)
    assert load(bundle.weights)["normalisations.0.num_batches_tracked"] == 3 * 12


def test_a_table_that_cannot_be_trained_on_changes_nothing(
    tiny_artifacts: Path, tiny_recipe: Recipe, sample_table: Path, tmp_path: Path
) -> None:
    artifacts = Path(shutil.copytree(tiny_artifacts, tmp_path / "artifacts"))
    before = sorted(artifacts.rglob("*"))
    bad = tmp_path / "bad.csv"
    pd.read_csv(sample_table).assign(**{LABEL: 9}).to_csv(bad, index=False)
    with pytest.raises(DataError):
        train(tiny_recipe, bad, artifacts, watch=lambda _: None)
    assert sorted(artifacts.rglob("*")) == before


def test_a_run_that_is_interrupted_changes_nothing(
    tiny_artifacts: Path, tiny_recipe: Recipe, sample_table: Path, tmp_path: Path
) -> None:
    artifacts = Path(shutil.copytree(tiny_artifacts, tmp_path / "artifacts"))
    before = sorted(artifacts.rglob("*"))

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tiny_recipe, sample_table, artifacts, watch=interrupt)
    assert sorted(artifacts.rglob("*")) == before
