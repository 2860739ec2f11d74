"""Graphs that training exports are read; what could run for ever, or read another file, is refused."""

import itertools

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from sklearn.preprocessing import StandardScaler

from contract.architecture import Architecture
from contract.bundle.graph import MAX_FIELDS, check_graph
from contract.errors import GraphError
from contract.network import ACTIVATIONS, PhonePriceNetwork
from training.export import export

FLAT = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
EXTRAS = {"batch_normalisation": True, "dropout": 0.1, "linear_path": True}
HIDDEN = [((), {}), ((300,), {}), ((8, 6), EXTRAS)]
HEADS = [("softmax", None), ("ordinal", "probit"), ("ordinal", "logit")]
KINDS = [
    *({"hidden_layers": (8,), "activation": activation} for activation in ACTIVATIONS),
    *(
        {"hidden_layers": hidden, "activation": "relu", "head": head, "link": link, **extras}
        for (hidden, extras), (head, link) in itertools.product(HIDDEN, HEADS)
    ),
]


def model_of(*nodes: onnx.NodeProto) -> onnx.ModelProto:
    return helper.make_model(helper.make_graph(nodes, "g", [FLAT], [FLAT]))


def refused(model: onnx.ModelProto, told: str) -> None:
    with pytest.raises(GraphError, match=f"model.onnx.*{told}"):
        check_graph("model.onnx", model.SerializeToString())


@pytest.mark.parametrize(
    ("kind", "temperature", "standardised"),
    [(kind, *each) for kind, each in zip(KINDS, itertools.cycle([(1.0, True), (1.7, False)]), strict=False)],
    ids=str,
)
def test_every_graph_that_training_exports_is_read(
    kind: dict[str, object], temperature: float, standardised: bool
) -> None:
    network = PhonePriceNetwork(Architecture.model_validate(kind))
    network.temperature.fill_(temperature)
    scaler = StandardScaler(with_mean=standardised, with_std=standardised)
    check_graph("model.onnx", export(network, scaler.fit(np.random.default_rng(0).random((9, 20)))))


@pytest.mark.parametrize("operator", ["Loop", "If", "Scan", "SequenceMap", "Expand", "relu"])
def test_an_operator_that_training_never_exports_is_refused_by_name(operator: str) -> None:
    refused(model_of(helper.make_node(operator, ["x"], ["y"])), f"operator '{operator}'")


def test_an_operator_of_another_domain_is_refused() -> None:
    refused(model_of(helper.make_node("Relu", ["x"], ["y"], domain="com.microsoft")), "com.microsoft")


def test_a_graph_within_a_graph_is_refused() -> None:
    inner = helper.make_graph([], "inner", [], [FLAT])
    refused(model_of(helper.make_node("Relu", ["x"], ["y"], body=inner)), "a graph")
    refused(model_of(helper.make_node("Relu", ["x"], ["y"], bodies=[inner])), "graphs")


def test_a_function_of_the_models_own_is_refused() -> None:
    model = model_of(helper.make_node("Relu", ["x"], ["y"]))
    model.functions.append(helper.make_function("", "Relu", ["x"], ["y"], [], []))
    refused(model, "a function of its own")


def test_data_in_another_file_is_refused() -> None:
    model = model_of(helper.make_node("Relu", ["x"], ["y"]))
    tensor = model.graph.initializer.add(name="w", dims=[1], data_type=TensorProto.FLOAT)
    tensor.external_data.add(key="location", value="secret")
    refused(model, "data in another file")
    del tensor.external_data[:]
    tensor.data_location = TensorProto.EXTERNAL
    refused(model, "data in another file")


def test_a_sparse_tensor_is_refused() -> None:
    model = model_of(helper.make_node("Relu", ["x"], ["y"]))
    model.graph.sparse_initializer.add()
    refused(model, "a sparse tensor")


@pytest.mark.parametrize("content", [b"", b"no graph", b"\xff" * 30, b"\x08\x00\x00\x00ORTM\x00\x00"])
def test_what_is_no_graph_is_refused(content: bytes) -> None:
    with pytest.raises(GraphError, match="ONNX"):
        check_graph("model.onnx", content)


def test_a_graph_of_endless_fields_is_not_walked_to_its_end() -> None:
    with pytest.raises(GraphError, match="fields"):
        check_graph("model.onnx", b"\x08\x01" * (MAX_FIELDS + 1))


def test_a_graph_cut_short_anywhere_is_refused_or_has_no_more_than_the_whole() -> None:
    torch.manual_seed(0)
    network = PhonePriceNetwork(Architecture(hidden_layers=(), activation="relu"))
    whole = export(network, StandardScaler().fit(np.random.default_rng(0).random((9, 20))))
    check_graph("model.onnx", whole)
    for length in range(0, whole.index(b"phones"), 3):
        with pytest.raises(GraphError):
            check_graph("model.onnx", whole[:length])


@pytest.mark.parametrize(
    "content",
    [
        b"\x38\x01",  # the graph is a number
        b"\x3a\x02\x08\x01",  # a node is a number
        b"\x3a\x04\x0a\x02\x28\x01",  # an attribute is a number
        b"\x09\x00",  # 8 bytes, of which there is one
        b"\x0d\x00",  # 4 bytes, of which there is one
        b"\x0b",  # a group, which no ONNX has
        b"\x80" * 11,  # a number without an end
    ],
)
def test_bytes_that_are_no_fields_of_a_graph_are_refused(content: bytes) -> None:
    with pytest.raises(GraphError, match="not ONNX, or was cut short"):
        check_graph("model.onnx", content)
