"""Train, serve, ask: the HTTP answer is what training computed."""

from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from contract.bundle import current_version, read_current
from contract.phone import FEATURES
from tests.running_service import running_service
from training.made_up import PUBLISHED_RANGES, make_up_phones


def test_a_freshly_trained_model_answers_over_http_what_torch_computes(tiny_artifacts: Path) -> None:
    """The reference is written out here, from the files that another program would read."""
    directory = tiny_artifacts / current_version(tiny_artifacts)
    weights = load_file(directory / "weights.safetensors")
    network = nn.Sequential(nn.Linear(20, 8), nn.ReLU(), nn.Linear(8, 4))
    network.load_state_dict(
        {
            "0.weight": weights["layers.0.weight"],
            "0.bias": weights["layers.0.bias"],
            "2.weight": weights["layers.1.weight"],
            "2.bias": weights["layers.1.bias"],
        }
    )
    phones = make_up_phones(100, PUBLISHED_RANGES, seed=11)
    standardised = joblib.load(directory / "scaler.joblib").transform(phones)
    with torch.inference_mode():
        expected = torch.softmax(network(torch.tensor(standardised, dtype=torch.float32)), dim=1).numpy()

    with running_service(tiny_artifacts) as running:
        answer = running.client.post("/predict/batch", json={"phones": phones.to_dict("records")}).json()
    probabilities = np.array([prediction["probabilities"] for prediction in answer["predictions"]])
    assert probabilities == pytest.approx(expected, abs=1e-5)
    assert answer["model_version"] == current_version(tiny_artifacts)


def test_the_columns_are_the_features_in_every_file_of_the_bundle(tiny_artifacts: Path) -> None:
    scaler = joblib.load(tiny_artifacts / current_version(tiny_artifacts) / "scaler.joblib")
    assert tuple(scaler.feature_names_in_) == FEATURES
    assert tuple(feature.name for feature in read_current(tiny_artifacts).manifest.features) == FEATURES
