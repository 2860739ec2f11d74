import numpy as np
import pytest
import torch
from scipy.special import softmax
from scipy.stats import logistic, norm

from contract.ordinal import OrdinalHead

SCORES = np.linspace(-4, 4, 81)


def head(link: str, first: float, gaps: list[float], precision: float) -> OrdinalHead:
    """A head whose thresholds are `first` and those that lie the gaps further on."""
    made = OrdinalHead(link)
    with torch.no_grad():
        made.first.fill_(first)
        made.gaps.copy_(torch.tensor(gaps).expm1().log())  # the inverse of softplus
        made.log_precision.fill_(float(np.log(precision)))
    return made


@pytest.mark.parametrize(("link", "reference"), [("probit", norm), ("logit", logistic)])
def test_the_probabilities_are_the_distribution_between_the_thresholds(link: str, reference: object) -> None:
    logits = head(link, -1.5, [1.0, 2.0], 2.0)(torch.tensor(SCORES[:, None], dtype=torch.float32))
    cuts = np.array([-np.inf, -1.5, -0.5, 1.5, np.inf])
    expected = np.diff(reference.cdf(2.0 * (cuts[None, :] - SCORES[:, None])), axis=1)  # type: ignore[attr-defined]
    assert softmax(logits.detach().numpy(), axis=1) == pytest.approx(expected, abs=1e-6)
    assert torch.exp(logits.detach()).sum(dim=1).numpy() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("link", ["probit", "logit"])
def test_far_from_every_threshold_nothing_is_infinite(link: str) -> None:
    made = head(link, -1.0, [1.0, 1.0], 50.0)
    score = torch.tensor([[-1e4], [-9.0], [0.0], [9.0], [1e4]], requires_grad=True)
    logits = made(score)
    torch.nn.functional.cross_entropy(logits, torch.tensor([3, 2, 0, 1, 0])).backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(logits).all()
    assert score.grad is not None
    assert torch.isfinite(score.grad).all()
    assert logits.argmax(dim=1).tolist()[:2] == [0, 0]
    assert logits.argmax(dim=1).tolist()[3:] == [3, 3]


def test_thresholds_and_precision_are_learnt() -> None:
    made = OrdinalHead("probit")
    logits = made(torch.tensor([[-0.5], [0.2], [1.3], [0.4]]))
    torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, 3])).backward()  # type: ignore[no-untyped-call]
    gradients = {name: parameter.grad for name, parameter in made.named_parameters()}
    assert gradients.keys() == {"first", "gaps", "log_precision"}
    assert all(gradient is not None and gradient.all() for gradient in gradients.values())


@pytest.mark.parametrize("gaps", [[-50.0, -50.0], [0.0, 3.0], [40.0, -3.0]])
def test_the_thresholds_never_cross(gaps: list[float]) -> None:
    made = OrdinalHead("probit")
    with torch.no_grad():
        made.gaps.copy_(torch.tensor(gaps))
    assert (made.thresholds.diff() >= 0).all()
