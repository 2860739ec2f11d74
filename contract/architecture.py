"""The shape of a network, told without torch, so that a server can check weights it never runs."""

from itertools import pairwise
from math import prod
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contract.phone import FEATURES, PriceRange

RUNNING_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
"""What batch normalisation counts rather than learns."""


MAX_PARAMETERS = 50_000_000
"""Of a network: 200 MB, near the largest file that a bundle may have."""


class Architecture(BaseModel):
    """A multi-layer perceptron from 20 standardised features to 4 logits.

    A softmax head has a score for each price range. An ordinal head has one score for the phone, and three
    thresholds that cut it into the ranges; the link is the distribution of the noise around the score.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hidden_layers: tuple[Annotated[int, Field(strict=True, gt=0)], ...] = Field(
        max_length=16, description="Neurons of each hidden layer, first to last"
    )
    activation: Literal["relu", "leaky_relu", "tanh", "sigmoid", "silu"] = Field(
        description="Non-linearity after each hidden layer"
    )
    batch_normalisation: bool = Field(False, description="Before each activation")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Share of neurons left out in training, after each activation"
    )
    head: Literal["softmax", "ordinal"] = "softmax"
    link: Literal["probit", "logit"] | None = Field(None, description="Of an ordinal head")
    linear_path: bool = Field(False, description="Whether a linear function of the features joins the head")

    @model_validator(mode="after")
    def _choices_agree(self) -> Self:
        if self.head == "ordinal" and self.link is None:
            raise ValueError("an ordinal head needs a link: probit or logit")
        if self.head == "softmax" and self.link is not None:
            raise ValueError("a link belongs to an ordinal head; leave it out, or choose head = 'ordinal'")
        if not self.hidden_layers and (self.batch_normalisation or self.dropout):
            raise ValueError("batch normalisation and dropout act on hidden layers, and there are none")
        if not self.hidden_layers and self.linear_path:
            raise ValueError("without hidden layers the network is linear already; leave linear_path out")
        if self.parameter_count > MAX_PARAMETERS:
            raise ValueError(
                f"hidden_layers make a network of {self.parameter_count:.3g} parameters, over the limit of "
                f"{MAX_PARAMETERS:,}; choose fewer or smaller layers"
            )
        return self

    @property
    def outputs(self) -> int:
        """Scores that reach the head: one for each price range, or one for the phone."""
        return 1 if self.head == "ordinal" else len(PriceRange)

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Neurons of every layer, the 20 inputs and the outputs included."""
        return (len(FEATURES), *self.hidden_layers, self.outputs)

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """The name and shape of every tensor in `weights.safetensors`."""
        shapes: dict[str, tuple[int, ...]] = {"temperature": (1,)}
        for layer, (inputs, outputs) in enumerate(pairwise(self.layer_sizes)):
            shapes[f"layers.{layer}.weight"] = (outputs, inputs)
            shapes[f"layers.{layer}.bias"] = (outputs,)
        if self.batch_normalisation:
            for layer, neurons in enumerate(self.hidden_layers):
                for name in ("weight", "bias", "running_mean", "running_var"):
                    shapes[f"normalisations.{layer}.{name}"] = (neurons,)
                shapes[f"normalisations.{layer}.num_batches_tracked"] = ()
        if self.linear_path:
            shapes["linear_path.weight"] = (self.outputs, len(FEATURES))
        if self.head == "ordinal":
            del shapes[f"layers.{len(self.hidden_layers)}.bias"]  # the thresholds are its biases
            shapes |= {"head.first": (1,), "head.gaps": (len(PriceRange) - 2,)}
            shapes["head.log_precision"] = (1,)
        return shapes

    @property
    def parameter_count(self) -> int:
        """How many numbers training adjusts."""
        return sum(
            prod(shape)
            for name, shape in self.tensor_shapes().items()
            if name != "temperature" and not name.endswith(RUNNING_STATISTICS)
        )

    def __str__(self) -> str:
        chain = "-".join(map(str, self.layer_sizes))
        linear = f" + {len(FEATURES)}-{self.outputs}" if self.linear_path else ""
        head = f", {self.link} under {len(PriceRange) - 1} thresholds" if self.head == "ordinal" else ""
        return f"{chain}{linear}{head}"
