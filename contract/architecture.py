"""The shape of a network, told without torch, so that a server can check weights it never runs."""

from itertools import pairwise
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from contract.phone import FEATURES, PriceRange


class Architecture(BaseModel):
    """A multi-layer perceptron from 20 standardised features to 4 logits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hidden_layers: tuple[PositiveInt, ...] = Field(
        max_length=16, description="Neurons of each hidden layer, first to last"
    )
    activation: Literal["relu"] = Field(description="Non-linearity after each hidden layer")

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Neurons of every layer, the 20 inputs and the 4 outputs included."""
        return (len(FEATURES), *self.hidden_layers, len(PriceRange))

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """The name and shape of every tensor in `weights.safetensors`."""
        shapes: dict[str, tuple[int, ...]] = {}
        for layer, (inputs, outputs) in enumerate(pairwise(self.layer_sizes)):
            shapes[f"layers.{layer}.weight"] = (outputs, inputs)
            shapes[f"layers.{layer}.bias"] = (outputs,)
        return shapes

    @property
    def parameter_count(self) -> int:
        """How many numbers training adjusts."""
        return sum((inputs + 1) * outputs for inputs, outputs in pairwise(self.layer_sizes))

    def __str__(self) -> str:
        return "-".join(map(str, self.layer_sizes))
