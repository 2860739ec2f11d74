import numpy as np
import onnx
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from contract.architecture import Architecture
from contract.errors import ExportError
from contract.network import PhonePriceNetwork, predict_probabilities
from training.export import export, graph_probabilities, prove_equal
from training.made_up import PUBLISHED_RANGES, make_up_phones

PHONES = make_up_phones(300, PUBLISHED_RANGES, seed=1)
MATRIX = PHONES.to_numpy(np.float32)


@pytest.fixture(scope="module")
def network() -> PhonePriceNetwork:
    torch.manual_seed(0)
    return PhonePriceNetwork(Architecture(hidden_layers=(16, 8), activation="relu"))


@pytest.fixture(scope="module")
def scaler() -> StandardScaler:
    return StandardScaler().fit(PHONES)


@pytest.fixture(scope="module")
def graph(network: PhonePriceNetwork, scaler: StandardScaler) -> bytes:
    return export(network, scaler)


@pytest.mark.parametrize("rows", [1, 2, 300])
def test_the_graph_computes_what_torch_computes_for_any_number_of_rows(
    network: PhonePriceNetwork, scaler: StandardScaler, graph: bytes, rows: int
) -> None:
    expected = predict_probabilities(network, scaler, MATRIX[:rows])
    assert graph_probabilities(graph, MATRIX[:rows]) == pytest.approx(expected, abs=1e-6)


def test_a_graph_of_other_weights_is_not_proved(
    network: PhonePriceNetwork, scaler: StandardScaler, graph: bytes
) -> None:
    expected = predict_probabilities(network, scaler, MATRIX)
    prove_equal(graph, expected, MATRIX)
    with pytest.raises(ExportError, match="off by"):
        prove_equal(graph, expected[::-1], MATRIX)
    with pytest.raises(ExportError, match="off by nan"):
        prove_equal(graph, np.full_like(expected, np.nan), MATRIX)


def test_the_graph_is_valid_and_tells_nothing_of_the_machine_that_made_it(graph: bytes) -> None:
    onnx.checker.check_model(graph, full_check=True)
    assert b".py" not in graph
    assert b"/" not in b"".join(node.name.encode() for node in onnx.load_from_string(graph).graph.node)


def test_the_same_network_gives_the_same_bytes(
    network: PhonePriceNetwork, scaler: StandardScaler, graph: bytes
) -> None:
    assert export(network, scaler) == graph
