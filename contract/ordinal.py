"""The ordinal head: one score, cut by three thresholds into four price ranges.

P(range <= k) = F(precision * (threshold_k - score)), where F is the normal (probit) or the logistic (logit)
distribution function: the cumulative link model of P. McCullagh, Regression Models for Ordinal Data,
J. R. Statist. Soc. B 42 (1980). There the precision is part of score and thresholds; apart from them it lets
all three stay near 1, where one learning rate suits them.
"""

from collections.abc import Callable
from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional

from contract.phone import PriceRange

LEAST_PROBABILITY = 1e-9
"""Far from a threshold float32 knows no smaller one; the logarithm needs one above zero."""


def _normal_distribution(value: Tensor) -> Tensor:
    return 0.5 * (1 + torch.erf(value / sqrt(2)))


LINKS: dict[str, Callable[[Tensor], Tensor]] = {"probit": _normal_distribution, "logit": torch.sigmoid}


class OrdinalHead(nn.Module):
    """(N, 1) scores -> (N, 4) logits, which are the logarithms of the probabilities."""

    differences: Tensor
    last: Tensor

    def __init__(self, link: str) -> None:
        super().__init__()
        self.distribution = LINKS[link]
        self.first = nn.Parameter(torch.tensor([-1.0]))
        self.gaps = nn.Parameter(torch.ones(len(PriceRange) - 2))
        self.log_precision = nn.Parameter(torch.zeros(1))
        # P(range = k) = P(<= k) - P(<= k - 1), where the last P(<= k) is 1
        self.register_buffer(
            "differences", torch.eye(3, 4) - torch.eye(3, 4).roll(1, dims=1), persistent=False
        )
        self.register_buffer("last", torch.eye(4)[-1], persistent=False)

    @property
    def thresholds(self) -> Tensor:
        """(3,), rising whatever training does to `gaps`."""
        return torch.cat([self.first, self.first + functional.softplus(self.gaps).cumsum(dim=0)])

    def forward(self, score: Tensor) -> Tensor:
        return self.probabilities(score).log()

    def probabilities(self, score: Tensor) -> Tensor:
        """Of each price range: (N, 1) scores -> (N, 4), which sum to 1."""
        below = self.distribution(
            self.log_precision.exp() * (self.thresholds - score)
        )  # (N, 3): P(range <= 0), P(<= 1), P(<= 2)
        # differences of neighbours as a product: onnxruntime takes a tenth longer to concatenate and subtract
        probabilities = torch.addmm(self.last, below, self.differences)  # (N, 4)
        return probabilities.clamp_min(LEAST_PROBABILITY)
