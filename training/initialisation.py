"""The first weights of a network's layers."""

from collections.abc import Callable
from math import sqrt

from torch import Tensor, nn

from contract.network import PhonePriceNetwork
from training.recipe import Recipe

SUITED = {
    "relu": "kaiming_normal",
    "leaky_relu": "kaiming_normal",
    "silu": "kaiming_normal",
    "tanh": "xavier_normal",
    "sigmoid": "xavier_normal",
}
"""Which keeps the size of a signal from layer to layer, by activation: K. He et al. (2015) for those that cut
off one half, X. Glorot and Y. Bengio (2010) for those that bend both ways."""


def _normal(weight: Tensor) -> Tensor:
    return nn.init.normal_(weight, std=1 / sqrt(weight.shape[1]))


INITIALISATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "normal": _normal,
    "kaiming_uniform": nn.init.kaiming_uniform_,
    "kaiming_normal": nn.init.kaiming_normal_,
    "xavier_uniform": nn.init.xavier_uniform_,
    "xavier_normal": nn.init.xavier_normal_,
}


def initialise(network: PhonePriceNetwork, recipe: Recipe) -> None:
    """Set the layers' weights as the recipe says and their biases to zero, and the linear path to nothing.

    `uniform` is torch's own: weights and biases alike from -1 to 1, over the square root of the inputs.
    """
    name: str = recipe.initialisation
    if name == "suited":
        name = SUITED[recipe.network.activation]
    if name != "uniform":
        for kind, parameter in network.layers.named_parameters():
            fill = INITIALISATIONS[name] if kind.endswith("weight") else nn.init.zeros_
            fill(parameter)
    if network.linear_path is not None:
        nn.init.zeros_(network.linear_path.weight)
