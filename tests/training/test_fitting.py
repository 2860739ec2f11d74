from pathlib import Path

import numpy as np
import pytest

from contract.errors import DataError, DivergenceError
from training.dataset import Part, read_dataset
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
    model = fit_model(with_choices(tiny_recipe, choices), phones)
    assert model.scaler.n_samples_seen_ == 180
    assert all(epoch.validation_loss is not None for epoch in model.history)


def test_calibration_comes_of_other_models_and_changes_no_weight(tiny_recipe: Recipe, phones: Part) -> None:
    recipe = with_choices(tiny_recipe, {"calibration": {"folds": 3, "temperature": True}})
    plain, calibrated = fit_model(recipe, phones), fit_calibrated(recipe, phones)
    for name, tensor in plain.network.named_parameters():
        assert np.array_equal(calibrated.network.get_parameter(name).detach(), tensor.detach())
    assert calibrated.network.temperature.item() == pytest.approx(calibrated.calibration.temperature)
    assert calibrated.calibration.temperature != 1
    assert calibrated.calibration.rows == 240


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

    def told(epochs: int) -> str:
        try:
            fit_model(with_choices(tiny_recipe, choices | {"epochs": epochs}), phones)
        except DivergenceError as error:
            return str(error)
        return ""

    messages = [told(epochs) for epochs in range(1, 10)]
    first = next(index for index, message in enumerate(messages) if message)
    assert first > 0, "it diverged at once, and says nothing of the last step"
    assert f"in epoch {first + 1}:" in messages[first]


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
