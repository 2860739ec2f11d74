"""The networks in torch, and the one forward path from raw specifications to probabilities."""

from collections.abc import Callable
from itertools import pairwise, zip_longest
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from contract.architecture import Architecture
from contract.ordinal import OrdinalHead
from contract.phone import FEATURES, FeatureMatrix, Probabilities

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "leaky_relu": functional.leaky_relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "silu": functional.silu,
}


class PhonePriceNetwork(nn.Module):
    """A multi-layer perceptron: (N, 20) standardised features -> (N, 4) logits."""

    temperature: Tensor
    """What the logits are divided by, outside training: above 1 it makes the network less sure of itself."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        ordinal = architecture.head == "ordinal"
        sizes = [*pairwise(architecture.layer_sizes)]
        self.activation = ACTIVATIONS[architecture.activation]
        # an ordinal head's thresholds do what the last layer's bias would
        self.layers = nn.ModuleList(
            nn.Linear(inputs, outputs, bias=not (ordinal and layer == len(sizes) - 1))
            for layer, (inputs, outputs) in enumerate(sizes)
        )
        self.normalisations = nn.ModuleList(
            nn.BatchNorm1d(neurons)
            for neurons in architecture.hidden_layers
            if architecture.batch_normalisation
        )
        self.dropout = nn.Dropout(architecture.dropout) if architecture.dropout else None
        self.linear_path = (
            nn.Linear(len(FEATURES), architecture.outputs, bias=False) if architecture.linear_path else None
        )
        self.head = OrdinalHead(architecture.link) if architecture.link else None
        self.register_buffer("temperature", torch.ones(1))

    def forward(self, features: Tensor) -> Tensor:
        score = self.score(features)
        logits = score if self.head is None else self.head(score)
        # the temperature is fitted after training, on phones that the network has not learnt
        return logits if self.training else logits / self.temperature

    def score(self, features: Tensor) -> Tensor:
        """What the head sees: (N, 20) -> (N, 1) for an ordinal head, else (N, 4)."""
        hidden = features
        *hidden_layers, output = self.layers
        for layer, normalise in zip_longest(hidden_layers, self.normalisations):
            hidden = layer(hidden) if normalise is None else normalise(layer(hidden))
            hidden = self.activation(hidden)
            hidden = hidden if self.dropout is None else self.dropout(hidden)
        score: Tensor = output(hidden)
        return score if self.linear_path is None else score + self.linear_path(features)


class Scaler(Protocol):
    """What is used of scikit-learn's fitted StandardScaler; both are None where it changes nothing."""

    mean_: Any
    scale_: Any

    def transform(self, features: Any) -> Any: ...


def standardise(scaler: Scaler, features: FeatureMatrix) -> FeatureMatrix:
    """Apply the fitted scaler, which checks the features' names and order: (N, 20) -> (N, 20)."""
    frame = pd.DataFrame(features, columns=list(FEATURES))
    return np.asarray(scaler.transform(frame), dtype=np.float32)


@torch.inference_mode()
def predict_logits(network: PhonePriceNetwork, scaler: Scaler, features: FeatureMatrix) -> Tensor:
    """Compute what the probabilities are the softmax of: (N, 20) raw specifications -> (N, 4) logits."""
    network.eval()
    logits: Tensor = network(torch.from_numpy(standardise(scaler, features)))
    return logits


def predict_probabilities(
    network: PhonePriceNetwork, scaler: Scaler, features: FeatureMatrix
) -> Probabilities:
    """Compute what every engine must compute: (N, 20) raw specifications -> (N, 4) probabilities."""
    return np.asarray(torch.softmax(predict_logits(network, scaler, features), dim=1).numpy())
