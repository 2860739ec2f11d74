from pathlib import Path

import numpy as np
import pytest
import torch

from contract.errors import DataError, DivergenceError
from contract.network import PhonePriceNetwork
from training.calibration import calibrate
from training.dataset import Part, read_dataset, set_apart
from training.evaluation import mean_log_loss
from training.fitting import fit_calibrated, fit_model
from training.loop import Epoch
from training.recipe import Recipe
from training.search_space import with_choices


@pytest.fixture(scope="module")
def phones(sample_table: Path) -> Part:
    return read_dataset(sample_table).phones


def test_the_scaler_is_fitted_on_the_phones_learnt_from(tiny_recipe: Recipe, phones: Part) -> None:
    model = fit_model(tiny_recipe, phones)
    assert model.scaler.mean_ == pytest.approx(phones.features.mean().to_numpy())
    assert model.scaler.scale_ == pytest.approx(phones.features.std(ddof=0).to_numpy())


def test_without_standardisation_the_scaler_changes_nothing(tiny_recipe: Recipe, phones: Part) -> None:
    model = fit_model(tiny_recipe.model_copy(update={"standardise": False}), phones)
    assert np.array_equal(model.scaler.transform(phones.features), phones.features)


def test_the_validation_part_is_kept_from_scaler_and_network(tiny_recipe: Recipe, phones: Part) -> None:
    choices = {"early_stopping": {"validation": 0.25, "patience": 5}}
    recipe = with_choices(tiny_recipe, choices)
    model = fit_model(recipe, phones)
    learnt, validated = set_apart(phones, 0.25, recipe.seed, stratified=True)
    assert (len(learnt), len(validated)) == (180, 60)
    assert model.scaler.mean_ == pytest.approx(learnt.features.mean().to_numpy())

    plain = fit_model(tiny_recipe, learnt)
    for epoch, other in zip(model.history, plain.history, strict=True):
        assert (epoch.loss, epoch.accuracy) == (other.loss, other.accuracy)
    last = model.history[-1].validation_loss
    assert last == min(epoch.validation_loss or 0.0 for epoch in model.history), "these are its weights"
    assert last == pytest.approx(mean_log_loss(model.probabilities(validated.matrix), validated.classes))


def test_calibration_comes_of_other_models_and_changes_no_weight(tiny_recipe: Recipe, phones: Part) -> None:
    recipe = with_choices(tiny_recipe, {"calibration": {"folds": 3, "temperature": True}})
    plain, calibrated = fit_model(recipe, phones), fit_calibrated(recipe, phones)
    for name, tensor in plain.network.named_parameters():
        assert np.array_equal(calibrated.network.get_parameter(name).detach(), tensor.detach())
    assert calibrated.network.temperature.item() == pytest.approx(calibrated.calibration.temperature)
    assert calibrated.calibration.temperature != 1
    assert calibrated.calibration == calibrate(
        recipe.calibration, phones, lambda others: fit_model(recipe, others)
    )


def test_each_watch_is_told_of_its_epochs(tiny_recipe: Recipe, phones: Part) -> None:
    own: list[Epoch] = []
    calibration: list[Epoch] = []
    model = fit_calibrated(tiny_recipe, phones, own.append, calibration.append)
    assert own == list(model.history)
    assert [epoch.number for epoch in calibration] == [1, 2, 3] * 5


def test_leaving_them_in_the_very_last_step_is_told_too(tiny_recipe: Recipe, phones: Part) -> None:
    """The loss of an epoch is that before its steps: it can be finite when the weights are not."""
    choices = {
        "network": {"hidden_layers": [8, 8, 8], "activation": "leaky_relu"},
        "optimizer": {"name": "sgd", "learning_rate": 10.0},
        "standardise": False,
        "batch_size": "all",
    }

    watched: list[Epoch] = []

    def told(epochs: int) -> str:
        watched.clear()
        try:
            fit_model(with_choices(tiny_recipe, choices | {"epochs": epochs}), phones, watched.append)
        except DivergenceError as error:
            return str(error)
        return ""

    first, message = next((epochs, message) for epochs in range(1, 10) if (message := told(epochs)))
    assert first > 1, "it diverged at once, and says nothing of the last step"
    assert f"in epoch {first}:" in message
    assert len(watched) == first, "every loss was finite"
    assert f"in epoch {first + 1}:" in told(first + 5), "nothing is learnt after that"


def test_too_few_phones_for_the_folds_are_told(tiny_recipe: Recipe, phones: Part) -> None:
    few = phones.rows(np.arange(20))
    with pytest.raises(DataError, match=r"5 folds need as many phones of each price range, and there are \d"):
        fit_calibrated(tiny_recipe, few)


def test_too_few_phones_to_set_any_apart_are_told(tiny_recipe: Recipe, phones: Part) -> None:
    recipe = with_choices(tiny_recipe, {"early_stopping": {"validation": 0.05, "patience": 1}})
    with pytest.raises(DataError, match=r"20 phones cannot be split in 0\.05 and the rest"):
        fit_model(recipe, phones.rows(np.arange(20)))


def test_leaving_the_finite_numbers_is_told_with_what_to_do(tiny_recipe: Recipe, phones: Part) -> None:
    choices = {
        "network": {"hidden_layers": [8, 8, 8], "activation": "leaky_relu"},
        "optimizer": {"name": "sgd", "learning_rate": 10.0},
        "standardise": False,
    }
    with pytest.raises(
        DivergenceError, match=r"recipe tiny left the finite numbers in epoch \d: try a lower"
    ):
        fit_model(with_choices(tiny_recipe, choices), phones)


def test_the_network_begins_with_the_weights_that_the_recipe_names(tiny_recipe: Recipe, phones: Part) -> None:
    """A rate next to nothing leaves them where they were; `uniform` is what torch does by itself."""
    torch.manual_seed(tiny_recipe.seed)
    first = PhonePriceNetwork(tiny_recipe.network).state_dict()["layers.0.weight"]
    for initialisation, is_first in (("uniform", True), ("suited", False)):
        choices = {"initialisation": initialisation, "optimizer.learning_rate": 1e-12, "epochs": 1}
        weight = fit_model(with_choices(tiny_recipe, choices), phones).network.state_dict()["layers.0.weight"]
        assert torch.allclose(weight, first, atol=1e-6) == is_first
