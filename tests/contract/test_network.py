import warnings

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from contract.architecture import Architecture
from contract.network import PhonePriceNetwork, predict_probabilities
from contract.phone import EXAMPLE, Phone, to_matrix
from training.made_up import PUBLISHED_RANGES, make_up_phones


def test_the_forward_path_equals_one_written_out_in_numpy() -> None:
    torch.manual_seed(0)
    network = PhonePriceNetwork(Architecture(hidden_layers=(5, 3), activation="relu"))
    phones = make_up_phones(50, PUBLISHED_RANGES, seed=1)
    scaler = StandardScaler().fit(phones)
    weights = {name: tensor.numpy().astype(np.float64) for name, tensor in network.state_dict().items()}

    hidden = (phones.to_numpy() - phones.to_numpy().mean(axis=0)) / phones.to_numpy().std(axis=0)
    for layer in (0, 1):
        hidden = np.maximum(hidden @ weights[f"layers.{layer}.weight"].T + weights[f"layers.{layer}.bias"], 0)
    logits = hidden @ weights["layers.2.weight"].T + weights["layers.2.bias"]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    computed = predict_probabilities(network, scaler, phones.to_numpy(np.float32))
    assert computed == pytest.approx(expected, abs=1e-6)


def test_a_scaler_fitted_on_columns_in_another_order_is_refused() -> None:
    phones = make_up_phones(50, PUBLISHED_RANGES, seed=1)
    scaler = StandardScaler().fit(phones[phones.columns[::-1]])
    network = PhonePriceNetwork(Architecture(hidden_layers=(5,), activation="relu"))
    with warnings.catch_warnings(), pytest.raises(ValueError, match="feature names"):
        predict_probabilities(network, scaler, to_matrix([Phone(**EXAMPLE)]))
