from pathlib import Path

import optuna
import pytest

from contract.errors import RecipeError
from training.recipe import Recipe
from training.search_space import SHIPPED, SearchSpace, with_choices


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", [*SHIPPED.glob("*.toml")], ids=lambda path: path.stem)
def test_a_shipped_space_is_of_a_shipped_recipe_and_what_it_draws_is_a_recipe(path: Path) -> None:
    recipe, space = Recipe.load(path.stem), SearchSpace.load(path)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for _ in range(20):
        with_choices(recipe, space.suggest(study.ask()))
    assert space.of(recipe).keys() == {*space.choices, *space.ranges}


def test_what_is_drawn_lies_in_the_space(tmp_path: Path) -> None:
    space = SearchSpace.load(
        written(
            tmp_path / "space.toml",
            """
            [choices]
            "network.activation" = ["relu", "silu"]
            [ranges]
            epochs = { low = 2, high = 8, step = 2 }
            "optimizer.learning_rate" = { low = 0.001, high = 0.1, log = true }
            """,
        )
    )
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    drawn = [space.suggest(study.ask()) for _ in range(50)]
    assert {choices["network.activation"] for choices in drawn} == {"relu", "silu"}
    assert {choices["epochs"] for choices in drawn} == {2, 4, 6, 8}
    rates = [choices["optimizer.learning_rate"] for choices in drawn]
    assert 0.001 <= min(rates) < 0.01 < max(rates) <= 0.1
    assert 10 < sum(rate < 0.01 for rate in rates) < 40  # half of them below the middle of the logarithms


def test_other_choices_leave_the_rest_of_the_recipe(tiny_recipe: Recipe) -> None:
    changed = with_choices(tiny_recipe, {"optimizer.learning_rate": 0.5, "epochs": 9})
    assert (changed.optimizer.learning_rate, changed.epochs) == (0.5, 9)
    rest = {"optimizer", "epochs"}
    assert changed.model_dump(exclude=rest) == tiny_recipe.model_dump(exclude=rest)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[ranges]\nepochs = { low = 3, high = 3 }", r"ranges\.epochs: .*low must be below high"),
        ("[ranges]\nepochs = { low = 0, high = 3, log = true }", "above 0 where log is true"),
        ("[ranges]\nepochs = { low = 1, high = 9, step = 2, log = true }", "step must be left out"),
        ("[ranges]\nepochs = { low = 1, high = 9, step = 0 }", "greater than 0"),
        ("[ranges]\nepochs = { low = 0 }", r"ranges\.epochs.*high: Field required"),
        ('[choices]\n"network.head" = []', "at least 1 item"),
        ("[chioces]", "chioces: Extra inputs are not permitted"),
        ("epochs = ", "cannot be read"),
    ],
)
def test_an_impossible_space_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(RecipeError, match=rf"space\.toml.*{told}"):
        SearchSpace.load(written(tmp_path / "space.toml", text))


def test_a_space_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"no search space .*name one's own with --space"):
        SearchSpace.load(tmp_path / "none.toml")


def test_a_name_that_the_recipe_does_not_have_is_told(tmp_path: Path, tiny_recipe: Recipe) -> None:
    space = SearchSpace.load(
        written(tmp_path / "space.toml", '[choices]\n"network.colour" = ["red", "blue"]')
    )
    with pytest.raises(RecipeError, match=r"the recipe has no choice network\.colour"):
        space.of(tiny_recipe)
