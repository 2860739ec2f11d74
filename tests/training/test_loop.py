import copy
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.stats import logistic, norm
from torch import Tensor, nn

from contract.errors import RecipeError
from contract.network import PhonePriceNetwork
from training.initialisation import initialise
from training.loop import Batch, Epoch, fit
from training.recipe import Recipe
from training.search_space import with_choices


def made(recipe: Recipe) -> PhonePriceNetwork:
    torch.manual_seed(recipe.seed)
    network = PhonePriceNetwork(recipe.network)
    initialise(network, recipe)
    return network


def trained(
    recipe: Recipe, phones: Batch, validation: Batch | None = None
) -> tuple[PhonePriceNetwork, list[Epoch]]:
    network = made(recipe)
    return network, list(fit(network, phones, recipe, validation))


def drawn(rows: int, seed: int) -> Batch:
    """Phones whose range is cut out of their first feature."""
    features = torch.randn(rows, 20, generator=torch.Generator().manual_seed(seed))
    return Batch(features, torch.bucketize(features[:, 0].contiguous(), torch.tensor([-0.7, 0.0, 0.7])))


@pytest.fixture
def phones() -> Batch:
    return drawn(64, seed=1)


def same(first: PhonePriceNetwork, second: PhonePriceNetwork) -> bool:
    tensors = second.state_dict()
    return all(torch.equal(tensor, tensors[name]) for name, tensor in first.state_dict().items())


def test_the_loss_falls_and_the_accuracy_rises(tiny_recipe: Recipe, phones: Batch) -> None:
    recipe = tiny_recipe.model_copy(update={"epochs": 40})
    _, history = trained(recipe, phones)
    assert [epoch.number for epoch in history] == list(range(1, 41))
    assert history[-1].loss < history[0].loss / 2
    assert history[-1].accuracy > 0.85


CHOICES: list[dict[str, Any]] = [
    {},
    {"network.batch_normalisation": True, "network.dropout": 0.3},
    {"network.head": "ordinal", "network.link": "logit", "batch_size": "all"},
    {
        "network.head": "ordinal",
        "network.link": "probit",
        "network.linear_path": True,
        "linear_path": {"ridge": 1.0, "reweight_every": 2},
    },
]


@pytest.mark.parametrize("choices", CHOICES, ids=["plain", "normalised", "ordinal", "linear path"])
def test_the_same_seed_gives_the_same_tensors(
    tiny_recipe: Recipe, phones: Batch, choices: dict[str, Any]
) -> None:
    recipe = with_choices(tiny_recipe, choices)
    (first, _), (again, _) = (trained(recipe, phones) for _ in range(2))
    other, _ = trained(recipe.model_copy(update={"seed": 8}), phones)
    assert same(first, again)
    assert not same(first, other)


def test_a_whole_batch_step_is_the_one_of_plain_adam(tiny_recipe: Recipe, phones: Batch) -> None:
    """With one batch an epoch the order does not matter, and torch's unfused Adam is the reference."""
    recipe = tiny_recipe.model_copy(update={"batch_size": 64, "epochs": 5})
    network, history = trained(recipe, phones)

    reference = made(recipe)
    optimizer = torch.optim.Adam(reference.parameters(), lr=1e-2, foreach=False)
    for epoch in history:
        optimizer.zero_grad()
        logits = reference(phones.features)
        loss = nn.CrossEntropyLoss()(logits, phones.labels)
        assert epoch.loss == pytest.approx(loss.item(), rel=1e-5)
        assert epoch.accuracy == (logits.argmax(dim=1) == phones.labels).double().mean().item()
        loss.backward()
        optimizer.step()
    for name, tensor in reference.state_dict().items():
        assert torch.allclose(network.state_dict()[name], tensor, atol=1e-5)


def test_all_at_once_is_a_batch_of_all(tiny_recipe: Recipe, phones: Batch) -> None:
    whole, _ = trained(tiny_recipe.model_copy(update={"batch_size": "all"}), phones)
    batch, _ = trained(tiny_recipe.model_copy(update={"batch_size": 64}), phones)
    for name, tensor in whole.state_dict().items():
        assert torch.allclose(batch.state_dict()[name], tensor, atol=1e-5)


def test_every_phone_is_learnt_once_an_epoch_in_an_order_of_its_own(
    tiny_recipe: Recipe, phones: Batch
) -> None:
    def batches(seed: int) -> list[Tensor]:
        network = made(tiny_recipe)
        seen: list[Tensor] = []
        network.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0][:, 0]))
        list(fit(network, phones, tiny_recipe.model_copy(update={"seed": seed})))
        return seen

    seen = batches(seed=7)
    assert [len(batch) for batch in seen] == [16] * 12
    assert all(map(torch.equal, seen, batches(seed=7)))
    assert not torch.equal(seen[0], batches(seed=8)[0])
    first, second = torch.cat(seen[:4]), torch.cat(seen[4:8])
    for order in (first, second):
        assert torch.equal(order.sort().values, phones.features[:, 0].sort().values)
    assert not torch.equal(first, second)


def test_the_ordinal_loss_is_its_likelihood(tiny_recipe: Recipe, phones: Batch) -> None:
    choices = {"network.head": "ordinal", "network.link": "probit", "batch_size": "all", "epochs": 1}
    recipe = with_choices(tiny_recipe, choices)
    before = made(recipe)
    score = before.score(phones.features).detach().double()
    assert before.head is not None
    cuts = torch.cat([torch.tensor([-torch.inf]), before.head.thresholds.detach(), torch.tensor([torch.inf])])
    cumulative = torch.special.ndtr(cuts.double() - score)
    likelihood = cumulative.diff(dim=1).gather(1, phones.labels[:, None])
    _, (epoch,) = trained(recipe, phones)
    assert epoch.loss == pytest.approx(-likelihood.log().mean().item(), rel=1e-4)


@pytest.mark.parametrize(("link", "reference"), [("probit", norm), ("logit", logistic)])
def test_a_linear_ordinal_network_comes_to_the_maximum_of_its_likelihood(
    tiny_recipe: Recipe, link: str, reference: Any
) -> None:
    """The reference writes the likelihood out and leaves the climbing to scipy.

    Precision times weights, and precision times thresholds, are what a likelihood can tell.
    """
    features = torch.zeros(400, 20)
    features[:, :2] = torch.randn(400, 2, generator=torch.Generator().manual_seed(1))
    noise = torch.randn(400, generator=torch.Generator().manual_seed(2))
    cuts = torch.tensor([-1.0, 0.2, 0.9])
    phones = Batch(features, torch.bucketize(features[:, 0] - 0.5 * features[:, 1] + 0.7 * noise, cuts))

    def loss(parameters: np.ndarray) -> float:
        score = features.numpy()[:, :2].astype(np.float64) @ parameters[:2]
        thresholds = np.concatenate([[-np.inf], parameters[2:], [np.inf]])
        cumulative = reference.cdf(thresholds[None, :] - score[:, None])
        likelihood = np.diff(cumulative, axis=1)[np.arange(400), phones.labels.numpy()]
        return float(-np.log(likelihood).mean())

    optimum = minimize(loss, np.array([0.0, 0.0, -1.0, 0.0, 1.0]), method="BFGS")
    choices = {
        "network": {"hidden_layers": [], "activation": "relu", "head": "ordinal", "link": link},
        "optimizer": {"name": "adam", "learning_rate": 0.05},
        "schedule": {"name": "cosine"},
        "batch_size": "all",
        "epochs": 400,
    }
    network, history = trained(with_choices(tiny_recipe, choices), phones)
    assert network.head is not None
    precision = network.head.log_precision.detach().exp()
    weights = network.state_dict()["layers.0.weight"][0, :2]
    found = torch.cat([precision * weights, precision * network.head.thresholds.detach()]).numpy()
    assert history[-1].loss == pytest.approx(optimum.fun, abs=1e-5)
    assert found == pytest.approx(optimum.x, abs=5e-3)


def test_the_epochs_tell_the_rate_at_which_they_were_learnt(tiny_recipe: Recipe, phones: Batch) -> None:
    """The reference is gradient descent by hand; the schedule is stepped by epochs, not by batches."""
    choices = {
        "optimizer": {"name": "sgd", "learning_rate": 0.2},
        "schedule": {"name": "multistep", "at": [1, 3], "factor": 0.5},
        "batch_size": 32,
        "epochs": 4,
    }
    recipe = with_choices(tiny_recipe, choices)
    batches: list[Tensor] = []
    network = made(recipe)
    network.register_forward_pre_hook(lambda _, arguments: batches.append(arguments[0]))
    history = list(fit(network, phones, recipe))
    assert [epoch.learning_rate for epoch in history] == pytest.approx([0.2, 0.1, 0.1, 0.05])

    reference = made(recipe)
    losses = []
    for number, batch in enumerate(batches):
        labels = torch.bucketize(batch[:, 0].contiguous(), torch.tensor([-0.7, 0.0, 0.7]))
        loss = nn.functional.cross_entropy(reference(batch), labels)
        losses.append(loss.item())
        gradients = torch.autograd.grad(loss, [*reference.parameters()])
        with torch.no_grad():
            for parameter, gradient in zip(reference.parameters(), gradients, strict=True):
                parameter.sub_([0.2, 0.1, 0.1, 0.05][number // 2] * gradient)
    for name, tensor in reference.state_dict().items():
        assert torch.allclose(network.state_dict()[name], tensor, atol=1e-6)
    means = np.reshape(losses, (4, 2)).mean(axis=1)
    assert [epoch.loss for epoch in history] == pytest.approx(means, abs=1e-6)


def test_the_ridge_acts_on_the_linear_path_alone(tiny_recipe: Recipe, phones: Batch) -> None:
    def linear_path(ridge: float) -> Tensor:
        recipe = with_choices(
            tiny_recipe,
            CHOICES[3]
            | {
                "linear_path": {"ridge": ridge, "reweight_every": 50},
                "optimizer.weight_decay": 1.0,  # or the layers learn what the linear path may not
                "optimizer.learning_rate": 3e-2,
                "batch_size": 32,
                "epochs": 150,
            },
        )
        network, _ = trained(recipe, phones)
        weight: Tensor = network.state_dict()["linear_path.weight"]
        return weight.abs()

    free, pressed = linear_path(0.0), linear_path(1.0)
    assert (free > 1e-2).sum() > 10
    assert (pressed > 1e-2).sum() < 10
    assert pressed[0, 0] > 0.1, "what the ranges hang on is left"


def stopping(recipe: Recipe, patience: int, epochs: int = 300) -> Recipe:
    return with_choices(
        recipe,
        {"early_stopping": {"validation": 0.25, "patience": patience}, "epochs": epochs},
    )


def test_early_stopping_keeps_the_best_weights_and_stops_in_time(tiny_recipe: Recipe, phones: Batch) -> None:
    """Labels without sense can be learnt by heart, so that the validation loss must rise again."""
    shuffled = Batch(
        phones.features, phones.labels[torch.randperm(64, generator=torch.Generator().manual_seed(1))]
    )
    validation = drawn(32, seed=2)
    network, history = trained(stopping(tiny_recipe, patience=7), shuffled, validation)
    losses = [epoch.validation_loss for epoch in history]
    best = min(range(len(losses)), key=lambda index: losses[index] or 0.0)
    assert len(history) == best + 1 + 7 < 300
    network.eval()
    loss = nn.functional.cross_entropy(network(validation.features), validation.labels)
    assert loss.item() == pytest.approx(losses[best])


def test_what_is_validated_on_is_not_learnt_from(tiny_recipe: Recipe, phones: Batch) -> None:
    recipe = stopping(tiny_recipe, patience=50, epochs=3)
    validation = drawn(32, seed=2)
    wrong = Batch(validation.features, 3 - validation.labels)
    (first, _), (second, _) = (trained(recipe, phones, other) for other in (validation, wrong))
    plain, _ = trained(recipe.model_copy(update={"early_stopping": None}), phones)
    assert same(first, plain)
    assert not same(second, made(recipe))


def test_dropout_is_for_what_is_learnt_and_not_for_what_is_validated(
    tiny_recipe: Recipe, phones: Batch
) -> None:
    recipe = with_choices(stopping(tiny_recipe, patience=9, epochs=3), {"network.dropout": 0.3})
    network, modes = made(recipe), []
    network.register_forward_pre_hook(lambda module, _: modes.append(module.training))
    list(fit(network, phones, recipe, drawn(32, seed=2)))
    assert modes == [True, True, True, True, False] * 3


@pytest.mark.parametrize(("rows", "batches"), [(33, [16, 16]), (34, [16, 16, 2]), (32, [16, 16])])
def test_only_a_phone_left_over_alone_is_kept_from_batch_normalisation(
    tiny_recipe: Recipe, rows: int, batches: list[int]
) -> None:
    recipe = with_choices(tiny_recipe, {"network.batch_normalisation": True, "epochs": 2})
    network, seen = made(recipe), []
    network.register_forward_pre_hook(lambda _, arguments: seen.append(len(arguments[0])))
    assert len(list(fit(network, drawn(rows, seed=1), recipe))) == 2
    assert seen == batches * 2


def test_without_batch_normalisation_a_phone_left_over_is_learnt_alone(tiny_recipe: Recipe) -> None:
    network, seen = made(tiny_recipe), []
    network.register_forward_pre_hook(lambda _, arguments: seen.append(len(arguments[0])))
    list(fit(network, drawn(33, seed=1), tiny_recipe))
    assert seen == [16, 16, 1] * 3


def test_the_callers_threads_are_left_as_they_were(tiny_recipe: Recipe, phones: Batch) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        within = {torch.get_num_threads() for _ in fit(made(tiny_recipe), phones, tiny_recipe)}
        assert within == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a cuda device here")
def test_a_device_that_is_not_there_is_told_and_auto_does_without(tiny_recipe: Recipe, phones: Batch) -> None:
    with pytest.raises(RecipeError, match="device: there is no cuda here; choose cpu or auto"):
        trained(tiny_recipe.model_copy(update={"device": "cuda"}), phones)
    auto, _ = trained(tiny_recipe.model_copy(update={"device": "auto"}), phones)
    assert same(auto, trained(tiny_recipe, phones)[0])


def test_weights_that_were_kept_are_not_those_that_go_on_changing(tiny_recipe: Recipe, phones: Batch) -> None:
    """With patience to the end the best epoch is an early one, and its weights must have been copied."""
    recipe = stopping(tiny_recipe, patience=300, epochs=60)
    shuffled = Batch(phones.features, phones.labels.flip(0))
    validation = drawn(32, seed=2)
    network = made(recipe)
    snapshots, losses = [], []
    for epoch in fit(network, shuffled, recipe, validation):
        snapshots.append(copy.deepcopy(network.state_dict()))
        losses.append(epoch.validation_loss or 0.0)
    best = losses.index(min(losses))
    assert best < 59
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, snapshots[best][name])
