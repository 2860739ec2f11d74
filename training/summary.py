"""A recipe's network, layer by layer."""

import torchinfo
from pydantic import BaseModel

from contract.network import PhonePriceNetwork
from contract.phone import FEATURES
from training.recipe import Recipe


class NetworkSummary(BaseModel):
    """What a recipe's network is made of."""

    recipe: str
    network: str
    parameters: int
    tensors: dict[str, tuple[int, ...]]


def summarise(recipe: Recipe) -> tuple[NetworkSummary, str]:
    """Return the figures, and torchinfo's table of layers for a batch of one phone."""
    layers = torchinfo.summary(
        PhonePriceNetwork(recipe.network),
        input_size=(1, len(FEATURES)),
        col_names=("input_size", "output_size", "num_params"),
        row_settings=("var_names",),
        device="cpu",
        mode="eval",
        verbose=0,
    )
    network = NetworkSummary(
        recipe=recipe.name,
        network=str(recipe.network),
        parameters=recipe.network.parameter_count,
        tensors=recipe.network.tensor_shapes(),
    )
    return network, str(layers)
