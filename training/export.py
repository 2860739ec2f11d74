"""Scaler, network and softmax as one ONNX graph, and the proof that it computes what torch computes."""

import logging
import warnings
from copy import deepcopy

import numpy as np
import torch
from onnx_ir.passes.common import ClearMetadataAndDocStringPass
from torch import Tensor, nn

from contract.bundle import Bundle, check_golden_rows
from contract.errors import ExportError
from contract.network import PhonePriceNetwork, Scaler
from contract.phone import FEATURES, FeatureMatrix, Probabilities
from contract.quiet_onnxruntime import onnxruntime

TOLERANCE = 1e-5
"""How far a probability of the graph may lie from torch's."""


class _Served(nn.Module):
    """(N, 20) raw specifications -> (N, 4) probabilities, in half the operations of scaler and network."""

    mean: Tensor

    def __init__(self, network: PhonePriceNetwork, scaler: Scaler) -> None:
        super().__init__()
        # a scaler that leaves raw features has no mean; in the first bias it would cost three digits
        mean = torch.zeros(len(FEATURES)) if scaler.mean_ is None else torch.tensor(scaler.mean_)
        self.register_buffer("mean", mean.float())
        self.network = _without_scale(network, scaler)
        # the softmax of its logarithms only gives the head's probabilities back
        self.head = network.head if network.temperature.item() == 1 else None

    def forward(self, phones: Tensor) -> Tensor:
        centred = phones - self.mean
        if self.head is not None:
            return self.head.probabilities(self.network.score(centred))
        return torch.softmax(self.network(centred), dim=1)


def _without_scale(network: PhonePriceNetwork, scaler: Scaler) -> PhonePriceNetwork:
    """Return the network with the scaler's division in its first weights."""
    unscaled = deepcopy(network)
    for layer in (unscaled.layers[0], unscaled.linear_path):
        if isinstance(layer, nn.Linear) and scaler.scale_ is not None:
            layer.weight = nn.Parameter(
                (layer.weight.detach().double() / torch.tensor(scaler.scale_)).float()
            )
    return unscaled


def export(network: PhonePriceNetwork, scaler: Scaler) -> bytes:
    """Return the graph `phones` (rows, 20) -> `probabilities` (rows, 4), for any number of rows."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it tells of operators that nobody uses here
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's exporter calls torch's own deprecated names
        program = torch.onnx.export(
            _Served(network, scaler).eval(),
            (torch.zeros(2, len(FEATURES)),),
            input_names=["phones"],
            output_names=["probabilities"],
            dynamic_shapes={"phones": {0: torch.export.Dim("rows")}},
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # noqa: S101 - torch returns none only where it was given a file to write
    ClearMetadataAndDocStringPass()(program.model)  # it holds stack traces with this machine's paths
    return bytes(program.model_proto.SerializeToString(deterministic=True))


def graph_probabilities(graph: bytes, features: FeatureMatrix) -> Probabilities:
    """Run the graph as the service does: (N, 20) raw specifications -> (N, 4) probabilities."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    (probabilities,) = session.run(["probabilities"], {"phones": features})
    return np.asarray(probabilities)


def prove_equal(graph: bytes, expected: Probabilities, features: FeatureMatrix) -> None:
    """Raise `ExportError` unless the graph gives the (N, 20) `features` the `expected` probabilities."""
    error = float(np.abs(graph_probabilities(graph, features) - expected).max())
    if not error <= TOLERANCE:  # NaN is an error, too
        raise ExportError(f"the ONNX graph is off by {error:.2g} from torch (allowed: {TOLERANCE:g})")


def prove_golden_rows(bundle: Bundle) -> None:
    """Raise `GoldenRowError` unless the bundle's graph gives its golden rows their probabilities."""
    check_golden_rows(
        bundle.manifest.golden_rows, lambda features: graph_probabilities(bundle.graph, features)
    )
