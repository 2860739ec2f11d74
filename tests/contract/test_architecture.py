from itertools import product

import pytest
from pydantic import ValidationError

from contract.architecture import Architecture
from contract.network import PhonePriceNetwork

COMBINATIONS = [
    Architecture(
        hidden_layers=hidden_layers,
        activation="relu",
        batch_normalisation=batch_normalisation,
        dropout=dropout,
        head="ordinal" if link else "softmax",
        link=link,
        linear_path=linear_path,
    )
    for hidden_layers, batch_normalisation, dropout, link, linear_path in product(
        [(8,), (128, 256, 512, 128)], [False, True], [0.0, 0.5], [None, "probit", "logit"], [False, True]
    )
]


@pytest.mark.parametrize("architecture", COMBINATIONS, ids=str)
def test_the_shapes_told_without_torch_are_those_of_the_network(architecture: Architecture) -> None:
    network = PhonePriceNetwork(architecture)
    assert {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()} == (
        architecture.tensor_shapes()
    )
    assert sum(tensor.numel() for tensor in network.parameters()) == architecture.parameter_count


def test_without_hidden_layers_it_is_a_linear_model() -> None:
    softmax = Architecture(hidden_layers=(), activation="relu")
    assert softmax.parameter_count == 20 * 4 + 4
    ordinal = Architecture(hidden_layers=(), activation="relu", head="ordinal", link="logit")
    assert ordinal.parameter_count == 20 + 3 + 1
    for architecture in (softmax, ordinal):
        shapes = {name: tuple(t.shape) for name, t in PhonePriceNetwork(architecture).state_dict().items()}
        assert shapes == architecture.tensor_shapes()


def test_it_reads_as_a_chain_of_layer_sizes() -> None:
    assert str(Architecture(hidden_layers=(128, 256), activation="relu")) == "20-128-256-4"
    ordinal = Architecture(
        hidden_layers=(8,), activation="tanh", head="ordinal", link="probit", linear_path=True
    )
    assert str(ordinal) == "20-8-1 + 20-1, probit under 3 thresholds"


@pytest.mark.parametrize("hidden_layers", [(0,), (-1,), (1,) * 17])
def test_impossible_layers_are_refused(hidden_layers: tuple[int, ...]) -> None:
    with pytest.raises(ValidationError, match="hidden_layers"):
        Architecture(hidden_layers=hidden_layers, activation="relu")
