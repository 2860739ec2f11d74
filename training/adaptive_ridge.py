"""The adaptive ridge: a penalty that comes to count the weights rather than to measure them.

F. Frommlet and G. Nuel, An Adaptive Ridge Procedure for L0 Regularization, PLoS ONE 11 (2016).
"""

import torch
from torch import Tensor

from training.recipe import LinearPath

FLOOR = 1e-6
"""Keeps the price of a vanished weight finite; below its square root a weight counts as none."""


class AdaptiveRidge:
    """0.5 * ridge * sum(price * w^2), where price is 1 / (w^2 + FLOOR), w as when last reweighted."""

    def __init__(self, weight: Tensor, choices: LinearPath) -> None:
        self._weight = weight
        self._choices = choices
        self._price = torch.ones_like(weight)  # a plain ridge, until there is something to go by

    def penalty(self) -> Tensor:
        """What the weights cost now, in units of log-likelihood."""
        return 0.5 * self._choices.ridge * (self._price * self._weight.square()).sum()

    def after_epoch(self, number: int) -> None:
        """Set the prices anew where it is time to."""
        if number % self._choices.reweight_every == 0:
            self._price = 1 / (self._weight.detach().square() + FLOOR)
