import math
from typing import Any

import pytest
import torch

from contract.network import PhonePriceNetwork
from training.initialisation import initialise
from training.recipe import Recipe
from training.search_space import with_choices

INPUTS, OUTPUTS = 400, 600
"""Of the layer looked at: 240,000 weights, so that a standard deviation is known to half a percent."""


def initialised(recipe: Recipe, **choices: Any) -> PhonePriceNetwork:
    changed = with_choices(recipe, {"network.hidden_layers": [INPUTS, OUTPUTS], **choices})
    torch.manual_seed(0)
    network = PhonePriceNetwork(changed.network)
    initialise(network, changed)
    return network


@pytest.mark.parametrize(
    ("name", "deviation", "is_uniform"),
    [
        ("uniform", 1 / math.sqrt(3 * INPUTS), True),
        ("normal", 1 / math.sqrt(INPUTS), False),
        ("kaiming_uniform", math.sqrt(2 / INPUTS), True),
        ("kaiming_normal", math.sqrt(2 / INPUTS), False),
        ("xavier_uniform", math.sqrt(2 / (INPUTS + OUTPUTS)), True),
        ("xavier_normal", math.sqrt(2 / (INPUTS + OUTPUTS)), False),
    ],
)
def test_the_weights_have_the_spread_of_the_name(
    tiny_recipe: Recipe, name: str, deviation: float, is_uniform: bool
) -> None:
    weight = initialised(tiny_recipe, initialisation=name).state_dict()["layers.1.weight"]
    assert weight.mean().item() == pytest.approx(0, abs=deviation / 50)
    assert weight.std().item() == pytest.approx(deviation, rel=0.01)
    # a uniform distribution ends at sqrt(3) standard deviations, a normal one goes on
    assert (weight.abs().max().item() <= math.sqrt(3) * deviation * 1.001) == is_uniform


@pytest.mark.parametrize(
    ("activation", "suited"),
    [
        ("relu", "kaiming_normal"),
        ("leaky_relu", "kaiming_normal"),
        ("silu", "kaiming_normal"),
        ("tanh", "xavier_normal"),
        ("sigmoid", "xavier_normal"),
    ],
)
def test_the_default_suits_the_activation(tiny_recipe: Recipe, activation: str, suited: str) -> None:
    default = initialised(tiny_recipe, **{"network.activation": activation}).state_dict()
    named = initialised(tiny_recipe, initialisation=suited).state_dict()
    assert all(torch.equal(tensor, named[name]) for name, tensor in default.items())


def test_uniform_is_what_torch_does_by_itself(tiny_recipe: Recipe) -> None:
    """The course never initialised its networks, and its recipes must not either."""
    made = initialised(tiny_recipe, initialisation="uniform").state_dict()
    torch.manual_seed(0)
    recipe = with_choices(tiny_recipe, {"network.hidden_layers": [INPUTS, OUTPUTS]})
    for name, tensor in PhonePriceNetwork(recipe.network).state_dict().items():
        assert torch.equal(made[name], tensor)


@pytest.mark.parametrize(
    "name", ["suited", "normal", "kaiming_uniform", "kaiming_normal", "xavier_uniform", "xavier_normal"]
)
def test_biases_begin_at_nothing_and_weights_do_not(tiny_recipe: Recipe, name: str) -> None:
    for parameter, tensor in initialised(tiny_recipe, initialisation=name).state_dict().items():
        if parameter.endswith("bias"):
            assert not tensor.any()
        elif parameter != "temperature":
            assert tensor.count_nonzero() > 0.99 * tensor.numel()


@pytest.mark.parametrize("name", ["suited", "uniform"])
def test_the_linear_path_begins_at_nothing(name: str) -> None:
    assert not initialised(Recipe.load("best"), initialisation=name).state_dict()["linear_path.weight"].any()
