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


@pytest.mark.parametrize(
    "architecture",
    [
        Architecture(hidden_layers=(8,), activation="tanh", head="ordinal", link="probit", linear_path=True),
        Architecture(hidden_layers=(), activation="relu", head="ordinal", link="logit"),
        Architecture(hidden_layers=(8, 8), activation="silu", batch_normalisation=True, dropout=0.5),
        Architecture(hidden_layers=(8,), activation="leaky_relu", linear_path=True),
        Architecture(hidden_layers=(8,), activation="sigmoid"),
    ],
    ids=str,
)
@pytest.mark.parametrize("standardised", [True, False])
def test_every_kind_of_network_is_exported(architecture: Architecture, standardised: bool) -> None:
    torch.manual_seed(0)
    network = PhonePriceNetwork(architecture)
    network.temperature.fill_(1.7)
    if architecture.batch_normalisation:
        network.train()(torch.randn(64, 20))  # so that its running statistics are not those of no data
    if not standardised:  # or raw features, in the thousands, would drown everything else
        for name, parameter in network.named_parameters():
            if name in {"layers.0.weight", "linear_path.weight"}:
                parameter.data /= 1000
    scaler = StandardScaler(with_mean=standardised, with_std=standardised).fit(PHONES)
    expected = predict_probabilities(network, scaler, MATRIX)
    assert graph_probabilities(export(network, scaler), MATRIX) == pytest.approx(expected, abs=1e-5)
    assert np.ptp(expected, axis=0).max() > 0.01, "the same answer for every phone proves nothing"


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
