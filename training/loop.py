"""The training loop."""

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from contract.errors import RecipeError
from contract.network import PhonePriceNetwork
from training.adaptive_ridge import AdaptiveRidge
from training.optimization import make_optimizer, make_schedule
from training.recipe import EarlyStopping, Recipe


class Batch(NamedTuple):
    """Phones to learn from: (N, 20) standardised features, (N,) labels."""

    features: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> "Batch":
        """Return the same phones on `device`."""
        return Batch(self.features.to(device), self.labels.to(device))


class Epoch(NamedTuple):
    """One pass over the training part; loss and accuracy are means over its phones, as they were learnt."""

    number: int
    loss: float
    accuracy: float
    learning_rate: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None


def fit(
    network: PhonePriceNetwork, phones: Batch, recipe: Recipe, validation: Batch | None = None
) -> Iterator[Epoch]:
    """Train `network` in place, an epoch for each step of the iterator.

    `validation` is what early stopping goes by; when the iterator ends, the network has its best weights.
    """
    device = _device(recipe)
    network.to(device)
    on_device = None if validation is None else validation.to(device)
    with _one_thread():
        yield from _kept_best(network, _epochs(network, phones.to(device), recipe, on_device), recipe)
    network.to("cpu")


@contextmanager
def _one_thread() -> Iterator[None]:
    """The layers are so small that waking a second thread takes longer than it saves."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _epochs(
    network: PhonePriceNetwork, phones: Batch, recipe: Recipe, validation: Batch | None
) -> Iterator[Epoch]:
    optimizer = make_optimizer(network, recipe)
    schedule = make_schedule(optimizer, recipe)
    ridge = _ridge(network, recipe)
    shuffle = torch.Generator().manual_seed(recipe.seed)
    rows = len(phones.labels)
    for number in range(1, recipe.epochs + 1):
        network.train()
        learning_rate = optimizer.param_groups[0]["lr"]
        seen, answers = [], []
        for batch in _batches(phones, recipe, shuffle):
            optimizer.zero_grad()
            logits = network(batch.features)  # (B, 4)
            # an ordinal head's logits are log-probabilities, so this is its likelihood, too
            loss = cross_entropy(logits, batch.labels)
            objective = loss if ridge is None else loss + ridge.penalty() / rows
            objective.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            seen.append(batch.labels)
            answers.append(logits.detach())
        schedule.step()
        if ridge is not None:
            ridge.after_epoch(number)
        # measured once an epoch: for a batch of eight the figures would cost a tenth of the step
        learnt = _measure(torch.cat(answers), torch.cat(seen))
        yield Epoch(number, *learnt, learning_rate, *_validate(network, validation))


def _kept_best(network: PhonePriceNetwork, epochs: Iterator[Epoch], recipe: Recipe) -> Iterator[Epoch]:
    """Pass the epochs on; with early stopping end them in time and leave the best weights in the network."""
    stopping: EarlyStopping | None = recipe.early_stopping
    if stopping is None:
        yield from epochs
        return
    best, best_number, best_weights = math.inf, 0, copy.deepcopy(network.state_dict())
    for epoch in epochs:
        if epoch.validation_loss is not None and epoch.validation_loss < best:
            best, best_number, best_weights = (
                epoch.validation_loss,
                epoch.number,
                copy.deepcopy(network.state_dict()),
            )
        yield epoch
        if epoch.number - best_number >= stopping.patience:
            break
    network.load_state_dict(best_weights)


def _batches(phones: Batch, recipe: Recipe, shuffle: torch.Generator) -> Iterator[Batch]:
    """The phones in a new order, a batch at a time; all at once they need no order."""
    if recipe.batch_size == "all":
        yield phones
        return
    order = torch.randperm(len(phones.labels), generator=shuffle).to(phones.labels.device)
    if recipe.network.batch_normalisation and len(order) % recipe.batch_size == 1:
        order = order[:-1]  # alone in its batch a phone has no variance to be normalised by; it comes again
    yield from map(
        Batch,
        torch.split(phones.features[order], recipe.batch_size),
        torch.split(phones.labels[order], recipe.batch_size),
    )


@torch.inference_mode()
def _validate(network: PhonePriceNetwork, validation: Batch | None) -> tuple[float, float] | tuple[()]:
    if validation is None:
        return ()
    network.eval()
    return _measure(network(validation.features), validation.labels)


def _measure(logits: Tensor, labels: Tensor) -> tuple[float, float]:
    """Return the mean loss and the accuracy."""
    right = (logits.argmax(dim=1) == labels).float().mean()
    return cross_entropy(logits, labels).item(), right.item()


def _ridge(network: PhonePriceNetwork, recipe: Recipe) -> AdaptiveRidge | None:
    if network.linear_path is None or recipe.linear_path is None:
        return None
    return AdaptiveRidge(network.linear_path.weight, recipe.linear_path)


def _device(recipe: Recipe) -> torch.device:
    if recipe.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if recipe.device == "cuda" and not torch.cuda.is_available():
        raise RecipeError(f"recipe {recipe.name}: device: there is no cuda here; choose cpu or auto")
    return torch.device(recipe.device)
