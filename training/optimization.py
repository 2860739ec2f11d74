"""The optimizer and its learning rate schedule, from the recipe's choices."""

from collections.abc import Callable
from typing import Any

from torch.optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    StepLR,
)

from contract.network import PhonePriceNetwork
from training.recipe import Cosine, Exponential, MultiStep, OneCycle, Recipe, Step

OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "sgd": SGD,
    "momentum": SGD,
    "adagrad": Adagrad,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
}


def make_optimizer(network: PhonePriceNetwork, recipe: Recipe) -> Optimizer:
    """Return the optimizer over the network's parameters."""
    choices = recipe.optimizer
    optimizer = OPTIMIZERS[choices.name]
    further: dict[str, Any] = {} if choices.momentum is None else {"momentum": choices.momentum}
    on_cpu = all(parameter.is_cpu for parameter in network.parameters())
    if on_cpu and optimizer is not RMSprop:
        # all tensors in one call: the same rule, at two thirds of the time for small batches
        further["fused"] = True
    return optimizer(_groups(network, recipe), lr=choices.learning_rate, **further)


def _groups(network: PhonePriceNetwork, recipe: Recipe) -> list[dict[str, Any]]:
    """The layers' weights, which are decayed; and all else. Without decay one group, which takes one call."""
    if not recipe.optimizer.weight_decay:
        return [{"params": [*network.parameters()], "weight_decay": 0.0}]  # AdamW has one of its own
    weights = [layer.weight for layer in network.layers]
    decayed = {id(weight) for weight in weights}
    others = [parameter for parameter in network.parameters() if id(parameter) not in decayed]
    return [
        {"params": weights, "weight_decay": recipe.optimizer.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def make_schedule(optimizer: Optimizer, recipe: Recipe) -> LRScheduler:
    """Return the schedule, which is to be stepped after each epoch."""
    match recipe.schedule:
        case Step(every=every, factor=factor):
            return StepLR(optimizer, every, factor)
        case MultiStep(at=at, factor=factor):
            return MultiStepLR(optimizer, list(at), factor)
        case Exponential(factor=factor):
            return ExponentialLR(optimizer, factor)
        case OneCycle(rise=rise):
            highest = recipe.optimizer.learning_rate
            # one step more than it needs, since it refuses the one after the last epoch
            steps = recipe.epochs + 1
            return OneCycleLR(optimizer, highest, total_steps=steps, pct_start=rise, cycle_momentum=False)
        case Cosine():
            return CosineAnnealingLR(optimizer, recipe.epochs)
        case _:
            return ConstantLR(optimizer, factor=1.0)
