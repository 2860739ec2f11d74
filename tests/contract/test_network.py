import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from contract.architecture import Architecture
from contract.network import PhonePriceNetwork, predict_probabilities, standardise
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


PHONES = make_up_phones(50, PUBLISHED_RANGES, seed=1)
MATRIX = PHONES.to_numpy(np.float32)


def expit(value: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-value)))


@pytest.mark.parametrize(
    ("activation", "written_out"),
    [
        ("relu", lambda value: np.maximum(value, 0)),
        ("leaky_relu", lambda value: np.where(value > 0, value, 0.01 * value)),
        ("tanh", np.tanh),
        ("sigmoid", expit),
        ("silu", lambda value: value * expit(value)),
    ],
)
def test_each_activation_is_the_one_of_its_name(
    activation: Any, written_out: Callable[[np.ndarray], np.ndarray]
) -> None:
    torch.manual_seed(0)
    network = PhonePriceNetwork(Architecture(hidden_layers=(5,), activation=activation))
    weights = {name: tensor.numpy().astype(np.float64) for name, tensor in network.state_dict().items()}
    features = np.random.default_rng(0).normal(size=(30, 20))
    hidden = written_out(features @ weights["layers.0.weight"].T + weights["layers.0.bias"])
    expected = hidden @ weights["layers.1.weight"].T + weights["layers.1.bias"]
    computed = network(torch.tensor(features, dtype=torch.float32)).detach().numpy()
    assert computed == pytest.approx(expected, abs=1e-5)


def test_the_linear_path_is_added_to_what_the_layers_say() -> None:
    torch.manual_seed(0)
    network = PhonePriceNetwork(
        Architecture(hidden_layers=(5,), activation="tanh", head="ordinal", link="probit", linear_path=True)
    )
    weights = {name: tensor.numpy().astype(np.float64) for name, tensor in network.state_dict().items()}
    features = np.random.default_rng(0).normal(size=(30, 20))
    hidden = np.tanh(features @ weights["layers.0.weight"].T + weights["layers.0.bias"])
    expected = hidden @ weights["layers.1.weight"].T + features @ weights["linear_path.weight"].T
    computed = network.score(torch.tensor(features, dtype=torch.float32)).detach().numpy()
    assert computed == pytest.approx(expected, abs=1e-5)


def test_batch_normalisation_comes_before_the_activation_and_goes_by_what_training_saw() -> None:
    torch.manual_seed(0)
    network = PhonePriceNetwork(
        Architecture(hidden_layers=(5,), activation="tanh", batch_normalisation=True, dropout=0.4)
    )
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.startswith("normalisations.0.") and tensor.ndim:
                tensor.copy_(torch.rand(5) + 0.5)
    tensors = {name: tensor.numpy().astype(np.float64) for name, tensor in network.state_dict().items()}
    mean, variance, scale, shift = (
        tensors[f"normalisations.0.{name}"] for name in ("running_mean", "running_var", "weight", "bias")
    )
    features = np.random.default_rng(0).normal(size=(30, 20))
    hidden = features @ tensors["layers.0.weight"].T + tensors["layers.0.bias"]
    hidden = np.tanh((hidden - mean) / np.sqrt(variance + 1e-5) * scale + shift)
    expected = hidden @ tensors["layers.1.weight"].T + tensors["layers.1.bias"]
    computed = network.eval()(torch.tensor(features, dtype=torch.float32)).detach().numpy()
    assert computed == pytest.approx(expected, abs=1e-5)


def test_in_training_the_share_of_neurons_that_the_recipe_names_is_left_out_after_the_activation() -> None:
    torch.manual_seed(0)
    network = PhonePriceNetwork(Architecture(hidden_layers=(1000,), activation="sigmoid", dropout=0.3))
    reached: list[torch.Tensor] = []
    network.layers[-1].register_forward_pre_hook(lambda _, arguments: reached.append(arguments[0]))
    features = torch.randn(20, 20)
    network.train()(features)
    network.eval()(features)
    trained, whole = reached
    left_out = trained == 0  # before the activation it would be the sigmoid of 0, one half
    assert left_out.float().mean().item() == pytest.approx(0.3, abs=0.02)
    assert torch.allclose(trained[~left_out] * 0.7, whole[~left_out]), "the rest makes up for them"


def test_dropout_and_batch_statistics_are_for_training_only() -> None:
    torch.manual_seed(0)
    architecture = Architecture(hidden_layers=(16,), activation="relu", batch_normalisation=True, dropout=0.5)
    network = PhonePriceNetwork(architecture)
    scaler = StandardScaler().fit(PHONES)
    alone = np.concatenate([predict_probabilities(network, scaler, row[None]) for row in MATRIX])
    together = predict_probabilities(network, scaler, MATRIX)
    assert together == pytest.approx(alone, abs=1e-6)
    features = torch.randn(50, 20)
    network.train()
    assert not torch.equal(network(features), network(features))


def test_the_temperature_divides_the_logits_but_not_in_training() -> None:
    torch.manual_seed(0)
    network = PhonePriceNetwork(Architecture(hidden_layers=(5,), activation="relu"))
    features = torch.randn(30, 20)
    plain = network.eval()(features)
    network.temperature.fill_(2.5)
    assert torch.allclose(network.eval()(features) * 2.5, plain, atol=1e-6)
    assert torch.equal(network.train()(features), plain)


def test_a_scaler_that_leaves_raw_features_leaves_them() -> None:
    scaler = StandardScaler(with_mean=False, with_std=False).fit(PHONES)
    assert np.array_equal(standardise(scaler, MATRIX), MATRIX)


def test_a_scaler_fitted_on_columns_in_another_order_is_refused() -> None:
    phones = make_up_phones(50, PUBLISHED_RANGES, seed=1)
    scaler = StandardScaler().fit(phones[phones.columns[::-1]])
    network = PhonePriceNetwork(Architecture(hidden_layers=(5,), activation="relu"))
    with warnings.catch_warnings(), pytest.raises(ValueError, match="feature names"):
        predict_probabilities(network, scaler, to_matrix([Phone(**EXAMPLE)]))
