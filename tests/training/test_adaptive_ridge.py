import numpy as np
import pytest
import torch

from training.adaptive_ridge import AdaptiveRidge
from training.recipe import LinearPath

CHOICES = LinearPath(ridge=3.0, reweight_every=2)


def test_it_begins_as_a_plain_ridge() -> None:
    weight = torch.tensor([[1.0, -2.0, 0.0]])
    assert AdaptiveRidge(weight, CHOICES).penalty().item() == pytest.approx(0.5 * 3.0 * 5.0)


def test_reweighted_it_counts_the_weights() -> None:
    """Every weight that is not nothing costs half the ridge, however large it is."""
    weight = torch.tensor([[100.0, -0.5, 0.0]])
    ridge = AdaptiveRidge(weight, CHOICES)
    ridge.after_epoch(2)
    assert ridge.penalty().item() == pytest.approx(0.5 * 3.0 * 2, rel=1e-4)


def test_it_is_reweighted_only_when_it_is_time() -> None:
    weight = torch.tensor([[2.0]])
    ridge = AdaptiveRidge(weight, CHOICES)
    for epoch, penalty in ((1, 6.0), (2, 1.5), (3, 1.5)):
        ridge.after_epoch(epoch)
        assert ridge.penalty().item() == pytest.approx(penalty, rel=1e-4)
    weight.fill_(4.0)
    assert ridge.penalty().item() == pytest.approx(6.0, rel=1e-4)
    ridge.after_epoch(4)
    assert ridge.penalty().item() == pytest.approx(1.5, rel=1e-4)


def test_small_weights_are_pressed_to_nothing_and_large_ones_left() -> None:
    """Least squares with an orthogonal design of n rows: a weight stays where n w^2 > 4 ridge."""
    rng = np.random.default_rng(0)
    design = np.linalg.qr(rng.normal(size=(100, 4)))[0] * 10  # columns of squared length 100
    truth = np.array([2.0, -0.6, 0.2, 0.05])
    target = torch.tensor(design @ truth, dtype=torch.float32)
    features = torch.tensor(design, dtype=torch.float32)
    weight = torch.tensor(truth, dtype=torch.float32, requires_grad=True)
    ridge = AdaptiveRidge(weight, CHOICES)
    optimizer = torch.optim.Adam([weight], lr=0.01)
    for epoch in range(1, 2001):
        optimizer.zero_grad()
        (0.5 * (features @ weight - target).square().sum() + ridge.penalty()).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if epoch % 100 == 0:
            ridge.after_epoch(2)
    left = weight.detach().numpy()
    assert left[:2] == pytest.approx([1.985, -0.545], abs=0.01)  # the root of w^2 - w_ls w + ridge / 100
    assert left[2:] == pytest.approx([0, 0], abs=1e-3)
