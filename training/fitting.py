"""From a recipe and phones to a model: scaler, network, and what calibrates them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TypeAlias

import torch
from sklearn.preprocessing import StandardScaler

from contract.bundle import Calibration
from contract.errors import DivergenceError
from contract.network import PhonePriceNetwork, predict_logits, predict_probabilities, standardise
from contract.phone import FeatureMatrix, Probabilities
from training.calibration import calibrate
from training.dataset import Part, set_apart
from training.initialisation import initialise
from training.loop import Batch, Epoch, fit
from training.recipe import Recipe

Watch: TypeAlias = Callable[[Epoch], None]


def ignore(_: Epoch) -> None:
    """Watch nothing."""


@dataclass(frozen=True)
class Model:
    """A fitted scaler and the network trained behind it."""

    scaler: StandardScaler
    network: PhonePriceNetwork
    history: Sequence[Epoch]

    def probabilities(self, features: FeatureMatrix) -> Probabilities:
        """Predict (N, 20) raw specifications: (N, 4)."""
        return predict_probabilities(self.network, self.scaler, features)


@dataclass(frozen=True)
class CalibratedModel(Model):
    """A model whose network has its temperature, and the threshold of its prediction sets."""

    calibration: Calibration


def fit_calibrated(
    recipe: Recipe, part: Part, watch: Watch = ignore, watch_calibration: Watch = ignore
) -> CalibratedModel:
    """Fit the recipe's model to all of `part`, and calibrate it with one more for each fold of `part`.

    Each watch is told of its epochs. Raises `DivergenceError`.
    """
    model = fit_model(recipe, part, watch)
    calibration = calibrate(
        recipe.calibration, part, lambda others: fit_model(recipe, others, watch_calibration)
    )
    model.network.temperature.fill_(calibration.temperature)
    return CalibratedModel(**vars(model), calibration=calibration)


def fit_model(recipe: Recipe, part: Part, watch: Watch = ignore) -> Model:
    """Fit the recipe's model to `part`, less what early stopping validates on. Raises `DivergenceError`."""
    learnt, validated = _validation_apart(recipe, part)
    standardised = recipe.standardise
    scaler = StandardScaler(with_mean=standardised, with_std=standardised).fit(learnt.features)
    torch.manual_seed(recipe.seed)
    network = PhonePriceNetwork(recipe.network)
    initialise(network, recipe)
    history = []
    validation = None if validated is None else _batch(scaler, validated)
    for epoch in fit(network, _batch(scaler, learnt), recipe, validation):
        _check_finite(recipe, epoch, isfinite(epoch.loss))
        watch(epoch)
        history.append(epoch)
    # the loss is that before the last steps, which may have gone too far
    finite = torch.isfinite(predict_logits(network, scaler, learnt.matrix)).all()
    _check_finite(recipe, history[-1], bool(finite))
    return Model(scaler, network, history)


def _check_finite(recipe: Recipe, epoch: Epoch, finite: bool) -> None:
    if not finite:
        raise DivergenceError(
            f"recipe {recipe.name} left the finite numbers in epoch {epoch.number}: "
            "try a lower learning rate, or standardise = true"
        )


def _validation_apart(recipe: Recipe, part: Part) -> tuple[Part, Part | None]:
    if recipe.early_stopping is None:
        return part, None
    return set_apart(part, recipe.early_stopping.validation, recipe.seed, stratified=True)


def _batch(scaler: StandardScaler, part: Part) -> Batch:
    return Batch(torch.from_numpy(standardise(scaler, part.matrix)), torch.from_numpy(part.classes))
