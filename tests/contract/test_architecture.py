import pytest
from pydantic import ValidationError

from contract.architecture import Architecture
from contract.network import PhonePriceNetwork


@pytest.mark.parametrize("hidden_layers", [(), (8,), (128, 256, 512, 128)])
def test_the_shapes_told_without_torch_are_those_of_the_network(hidden_layers: tuple[int, ...]) -> None:
    architecture = Architecture(hidden_layers=hidden_layers, activation="relu")
    network = PhonePriceNetwork(architecture)
    assert {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()} == (
        architecture.tensor_shapes()
    )
    assert sum(tensor.numel() for tensor in network.parameters()) == architecture.parameter_count


def test_it_reads_as_a_chain_of_layer_sizes() -> None:
    assert str(Architecture(hidden_layers=(128, 256), activation="relu")) == "20-128-256-4"


@pytest.mark.parametrize("hidden_layers", [(0,), (-1,), (1,) * 17])
def test_impossible_layers_are_refused(hidden_layers: tuple[int, ...]) -> None:
    with pytest.raises(ValidationError, match="hidden_layers"):
        Architecture(hidden_layers=hidden_layers, activation="relu")
