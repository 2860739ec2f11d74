from pathlib import Path

import pytest

from contract.errors import RecipeError
from tests.conftest import TINY_RECIPE
from training.recipe import DEFAULT, Recipe, shipped_names


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_recipe_is_valid_and_says_what_it_is(name: str) -> None:
    recipe = Recipe.load(name)
    assert recipe.name == name
    assert len(recipe.description) > 20


def test_the_default_is_shipped() -> None:
    assert DEFAULT in shipped_names()


def test_seed_optimized_is_the_networks_of_the_course() -> None:
    recipe = Recipe.load("seed-optimized")
    assert str(recipe.network) == "20-128-256-512-128-4"
    assert (recipe.optimizer.name, recipe.optimizer.learning_rate) == ("adam", 1e-4)
    assert (recipe.batch_size, recipe.epochs, recipe.seed) == (8, 50, 0)
    assert (recipe.split.held_out, recipe.split.random_state, recipe.split.stratified) == (0.2, 88, True)


def test_an_unknown_name_is_met_with_the_close_one() -> None:
    with pytest.raises(RecipeError, match=r"no recipe seed-optimised; did you mean seed-optimized\?"):
        Recipe.load("seed-optimised")


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        ("epochs = 0", "epochs = 3", "epochs"),
        ("epochs = 2.5", "epochs = 3", "epochs"),
        ('name = "adem"', 'name = "adam"', r"optimizer\.name"),
        ("learning_rate = -1", "learning_rate = 1e-2", r"optimizer\.learning_rate"),
        ("held_out = 1.0", "held_out = 0.25", r"split\.held_out"),
        ("hidden_layers = [0]", "hidden_layers = [8]", r"network\.hidden_layers"),
        ("sede = 7", "seed = 7", "sede"),
        ("seed =", "seed = 7", "cannot be read"),
    ],
)
def test_an_impossible_choice_is_named(tmp_path: Path, wrong: str, right: str, told: str) -> None:
    path = tmp_path / "mine.toml"
    assert right in TINY_RECIPE
    path.write_text(TINY_RECIPE.replace(right, wrong))
    with pytest.raises(RecipeError, match=rf"mine\.toml.*{told}"):
        Recipe.load(str(path))
