import pytest
import torch
from torch import Tensor, nn

from contract.architecture import Architecture
from contract.network import PhonePriceNetwork
from training.loop import Epoch, fit
from training.recipe import Recipe


def trained(recipe: Recipe, features: Tensor, labels: Tensor) -> tuple[PhonePriceNetwork, list[Epoch]]:
    torch.manual_seed(recipe.seed)
    network = PhonePriceNetwork(recipe.network)
    return network, list(fit(network, features, labels, recipe))


@pytest.fixture
def features() -> Tensor:
    return torch.randn(64, 20, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def labels(features: Tensor) -> Tensor:
    return torch.bucketize(features[:, 0].contiguous(), torch.tensor([-0.7, 0.0, 0.7]))


def test_the_loss_falls_and_the_accuracy_rises(tiny_recipe: Recipe, features: Tensor, labels: Tensor) -> None:
    recipe = tiny_recipe.model_copy(update={"epochs": 40})
    _, history = trained(recipe, features, labels)
    assert [epoch.number for epoch in history] == list(range(1, 41))
    assert history[-1].loss < history[0].loss / 2
    assert history[-1].accuracy > 0.85


def test_the_same_seed_gives_the_same_tensors(tiny_recipe: Recipe, features: Tensor, labels: Tensor) -> None:
    (first, _), (again, _) = (trained(tiny_recipe, features, labels) for _ in range(2))
    other, _ = trained(tiny_recipe.model_copy(update={"seed": 8}), features, labels)
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name])
        assert not torch.equal(tensor, other.state_dict()[name])


def test_a_whole_batch_step_is_the_one_of_plain_adam(
    tiny_recipe: Recipe, features: Tensor, labels: Tensor
) -> None:
    """With one batch an epoch the order does not matter, and torch's unfused Adam is the reference."""
    recipe = tiny_recipe.model_copy(update={"batch_size": 64, "epochs": 5})
    network, history = trained(recipe, features, labels)

    torch.manual_seed(recipe.seed)
    reference = PhonePriceNetwork(Architecture(hidden_layers=(8,), activation="relu"))
    optimizer = torch.optim.Adam(reference.parameters(), lr=1e-2, foreach=False)
    for epoch in history:
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(reference(features), labels)
        assert epoch.loss == pytest.approx(loss.item(), rel=1e-5)
        loss.backward()
        optimizer.step()
    for name, tensor in reference.state_dict().items():
        assert torch.allclose(network.state_dict()[name], tensor, atol=1e-5)
