"""The networks in torch, and the one forward path from raw specifications to probabilities."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from contract.architecture import Architecture
from contract.phone import FEATURES, FeatureMatrix, Probabilities

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": torch.relu}


class PhonePriceNetwork(nn.Module):
    """A multi-layer perceptron: (N, 20) standardised features -> (N, 4) logits."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.activation = ACTIVATIONS[architecture.activation]
        self.layers = nn.ModuleList(
            nn.Linear(inputs, outputs) for inputs, outputs in pairwise(architecture.layer_sizes)
        )

    def forward(self, features: Tensor) -> Tensor:
        *hidden, output = self.layers
        for layer in hidden:
            features = self.activation(layer(features))
        return output(features)  # type: ignore[no-any-return]


class Scaler(Protocol):
    """What is used of scikit-learn's fitted StandardScaler."""

    mean_: Any
    scale_: Any

    def transform(self, features: Any) -> Any: ...


def standardise(scaler: Scaler, features: FeatureMatrix) -> FeatureMatrix:
    """Apply the fitted scaler, which checks the features' names and order: (N, 20) -> (N, 20)."""
    frame = pd.DataFrame(features, columns=list(FEATURES))
    return np.asarray(scaler.transform(frame), dtype=np.float32)


@torch.inference_mode()
def predict_probabilities(
    network: PhonePriceNetwork, scaler: Scaler, features: FeatureMatrix
) -> Probabilities:
    """Compute what every engine must compute: (N, 20) raw specifications -> (N, 4) probabilities."""
    network.eval()
    logits = network(torch.from_numpy(standardise(scaler, features)))  # (N, 4)
    return np.asarray(torch.softmax(logits, dim=1).numpy())
