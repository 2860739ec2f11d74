"""Optimizers against their rules written out in numpy, schedules against their formulas."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from contract.network import PhonePriceNetwork
from training.optimization import make_optimizer, make_schedule
from training.recipe import Recipe
from training.search_space import with_choices

RATE = 0.01
GRADIENTS = [np.array([1.0, -2.0, 0.5]), np.array([0.3, 1.0, -4.0]), np.array([-1.0, 0.1, 2.0])]


def sgd(gradients: list[np.ndarray]) -> np.ndarray:
    return np.asarray(-RATE * np.sum(gradients, axis=0))


def momentum(gradients: list[np.ndarray]) -> np.ndarray:
    moved, velocity = np.zeros(3), np.zeros(3)
    for gradient in gradients:
        velocity = 0.9 * velocity + gradient
        moved -= RATE * velocity
    return moved


def adagrad(gradients: list[np.ndarray]) -> np.ndarray:
    moved, squares = np.zeros(3), np.zeros(3)
    for gradient in gradients:
        squares += gradient**2
        moved -= RATE * gradient / (np.sqrt(squares) + 1e-10)
    return moved


def rmsprop(gradients: list[np.ndarray]) -> np.ndarray:
    moved, squares = np.zeros(3), np.zeros(3)
    for gradient in gradients:
        squares = 0.99 * squares + 0.01 * gradient**2
        moved -= RATE * gradient / (np.sqrt(squares) + 1e-8)
    return moved


def adam(gradients: list[np.ndarray]) -> np.ndarray:
    moved, mean, squares = np.zeros(3), np.zeros(3), np.zeros(3)
    for step, gradient in enumerate(gradients, start=1):
        mean = 0.9 * mean + 0.1 * gradient
        squares = 0.999 * squares + 0.001 * gradient**2
        corrected = np.sqrt(squares / (1 - 0.999**step)) + 1e-8
        moved -= RATE * mean / (1 - 0.9**step) / corrected
    return moved


def network_and_optimizer(recipe: Recipe) -> tuple[PhonePriceNetwork, torch.optim.Optimizer]:
    torch.manual_seed(0)
    network = PhonePriceNetwork(recipe.network)
    return network, make_optimizer(network, recipe)


RULES = [
    ("sgd", sgd),
    ("momentum", momentum),
    ("adagrad", adagrad),
    ("rmsprop", rmsprop),
    ("adam", adam),
    ("adamw", adam),
]


def choices(name: str) -> dict[str, Any]:
    return {"name": name, "learning_rate": RATE, "momentum": 0.9 if name == "momentum" else None}


def follow(gradients: list[np.ndarray], optimizer: torch.optim.Optimizer, weight: torch.Tensor) -> None:
    """Take a step for each of the gradients of the first three weights."""
    for gradient in gradients:
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = torch.zeros_like(parameter)
        assert weight.grad is not None
        weight.grad[0, :3] = torch.from_numpy(gradient)
        optimizer.step()


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_each_optimizer_moves_by_the_rule_of_its_name(
    tiny_recipe: Recipe, name: str, rule: Callable[[list[np.ndarray]], np.ndarray]
) -> None:
    network, optimizer = network_and_optimizer(with_choices(tiny_recipe, {"optimizer": choices(name)}))
    weight = network.get_parameter("layers.0.weight")
    before = weight.detach().clone()
    follow(GRADIENTS, optimizer, weight)
    moved = (weight.detach() - before)[0, :3].numpy()
    assert moved == pytest.approx(rule(GRADIENTS), rel=1e-4)


def decayed(
    rule: Callable[[list[np.ndarray]], np.ndarray], start: np.ndarray, decay: float, decoupled: bool
) -> np.ndarray:
    """Where GRADIENTS lead from `start`: decay is part of the gradient, or, decoupled, a step of its own.

    I. Loshchilov and F. Hutter, Decoupled Weight Decay Regularization, ICLR 2019.
    """
    weight, taken = start, list[np.ndarray]()
    for gradient in GRADIENTS:
        before = rule(taken) if taken else np.zeros(3)
        taken.append(gradient if decoupled else gradient + decay * weight)
        weight = weight * (1 - RATE * decay if decoupled else 1) + rule(taken) - before
    return weight


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_each_optimizer_decays_weights_by_its_own_rule(
    tiny_recipe: Recipe, name: str, rule: Callable[[list[np.ndarray]], np.ndarray]
) -> None:
    recipe = with_choices(tiny_recipe, {"optimizer": choices(name) | {"weight_decay": 0.5}})
    network, optimizer = network_and_optimizer(recipe)
    weight = network.get_parameter("layers.0.weight")
    start = np.array([0.8, -1.5, 2.0])
    with torch.no_grad():
        weight[0, :3] = torch.from_numpy(start)
    follow(GRADIENTS, optimizer, weight)
    moved = weight.detach()[0, :3].numpy() - start
    expected = decayed(rule, start, decay=0.5, decoupled=name == "adamw") - start
    assert moved == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", [name for name, _ in RULES])
def test_only_the_layers_weights_are_decayed(name: str) -> None:
    """Without a gradient of their own the rest must stay where it is."""
    recipe = with_choices(
        Recipe.load("best"),
        {"network.batch_normalisation": True, "optimizer": choices(name) | {"weight_decay": 0.5}},
    )
    network, optimizer = network_and_optimizer(recipe)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(0.7)
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    moved = {key for key, value in network.named_parameters() if not torch.all(value == 0.7)}
    assert moved == {"layers.0.weight", "layers.1.weight"}


EPOCHS = 10


def cosine(epoch: int) -> float:
    return RATE * (1 + math.cos(math.pi * epoch / EPOCHS)) / 2


def one_cycle(epoch: int, rise: float) -> float:
    """Up from a 25th over that share of the ten steps, down to a 250,000th, each along half a cosine."""
    start, end, top = RATE / 25, RATE / 25 / 1e4, rise * (EPOCHS + 1) - 1
    if epoch <= top:
        return start + (RATE - start) * (1 - math.cos(math.pi * epoch / top)) / 2
    return RATE + (end - RATE) * (1 - math.cos(math.pi * (epoch - top) / (EPOCHS - top))) / 2


@pytest.mark.parametrize(
    ("schedule", "rate"),
    [
        ({"name": "constant"}, lambda _: RATE),
        ({"name": "step", "every": 3, "factor": 0.5}, lambda epoch: RATE * 0.5 ** (epoch // 3)),
        (
            {"name": "multistep", "at": [2, 7], "factor": 0.1},
            lambda epoch: RATE * 0.1 ** ((epoch >= 2) + (epoch >= 7)),
        ),
        ({"name": "exponential", "factor": 0.9}, lambda epoch: RATE * 0.9**epoch),
        ({"name": "cosine"}, cosine),
        ({"name": "one_cycle", "rise": 0.3}, lambda epoch: one_cycle(epoch, 0.3)),
        ({"name": "one_cycle", "rise": 0.6}, lambda epoch: one_cycle(epoch, 0.6)),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_each_schedule_follows_its_formula(
    tiny_recipe: Recipe, schedule: dict[str, Any], rate: Callable[[int], float], weight_decay: float
) -> None:
    recipe = with_choices(
        tiny_recipe,
        {
            "schedule": schedule,
            "epochs": EPOCHS,
            "optimizer.learning_rate": RATE,
            "optimizer.weight_decay": weight_decay,
        },
    )
    _, optimizer = network_and_optimizer(recipe)
    steps = make_schedule(optimizer, recipe)
    for epoch in range(EPOCHS):
        for group in optimizer.param_groups:
            assert group["lr"] == pytest.approx(rate(epoch), rel=1e-6), epoch
        optimizer.step()
        steps.step()


@pytest.mark.parametrize("name", ["momentum", "adam"])
def test_one_cycle_moves_the_learning_rate_and_nothing_else(tiny_recipe: Recipe, name: str) -> None:
    """Torch's own would cycle momentum, too, which the recipe has a number for."""
    recipe = with_choices(tiny_recipe, {"schedule": {"name": "one_cycle"}, "optimizer": choices(name)})
    _, optimizer = network_and_optimizer(recipe)
    make_schedule(optimizer, recipe)
    assert optimizer.param_groups[0].get("momentum", 0.9) == 0.9
    assert optimizer.param_groups[0].get("betas", (0.9, 0.999)) == (0.9, 0.999)
