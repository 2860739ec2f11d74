from pathlib import Path
from typing import Any

import pytest

from contract.errors import RecipeError
from tests.conftest import TINY_RECIPE
from training.recipe import DEFAULT, Calibration, Constant, OneCycle, Recipe, shipped_names
from training.search_space import with_choices


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_recipe_is_valid_and_says_what_it_is(name: str) -> None:
    recipe = Recipe.load(name)
    assert recipe.name == name
    assert len(recipe.description) > 20


def test_the_default_is_shipped() -> None:
    assert DEFAULT == "best"
    assert DEFAULT in shipped_names()


def test_seed_baseline_is_the_first_network_of_the_course() -> None:
    recipe = Recipe.load("seed-baseline")
    assert str(recipe.network) == "20-128-256-4"
    assert recipe.network.activation == "relu"
    assert not recipe.standardise
    assert (recipe.optimizer.name, recipe.optimizer.learning_rate) == ("sgd", 1e-3)
    assert (recipe.batch_size, recipe.epochs, recipe.seed) == (8, 50, 0)
    assert (recipe.split.held_out, recipe.split.random_state, recipe.split.stratified) == (0.2, 88, False)


def test_seed_optimized_is_the_last_network_of_the_course() -> None:
    recipe = Recipe.load("seed-optimized")
    assert str(recipe.network) == "20-128-256-512-128-4"
    assert recipe.standardise
    assert (recipe.optimizer.name, recipe.optimizer.learning_rate) == ("adam", 1e-4)
    assert (recipe.batch_size, recipe.epochs, recipe.seed) == (8, 50, 0)
    assert (recipe.split.held_out, recipe.split.random_state, recipe.split.stratified) == (0.2, 88, True)


def choices(recipe: str) -> dict[str, Any]:
    """All choices of a recipe by dotted name, but for what it is called."""

    def flat(table: dict[str, Any], within: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in table.items():
            found |= (
                flat(value, f"{within}{name}.") if isinstance(value, dict) else {f"{within}{name}": value}
            )
        return found

    return flat(Recipe.load(recipe).model_dump(exclude={"name", "description"}), "")


def test_each_rung_between_the_courses_networks_is_one_of_the_changes_between_them() -> None:
    first, last = choices("seed-baseline"), choices("seed-optimized")
    wanted = {(name, value) for name, value in last.items() if first[name] != value}
    rungs = [name for name in shipped_names() if name.startswith("seed-baseline-")]
    changes = [
        {(name, value) for name, value in choices(rung).items() if first[name] != value} for rung in rungs
    ]
    assert all(len(change) == 1 for change in changes)
    assert set.union(*changes) == wanted
    assert len(rungs) == len(wanted)


def test_an_unknown_name_is_met_with_the_close_one() -> None:
    with pytest.raises(RecipeError, match=r"no recipe seed-optimised; did you mean seed-optimized\?"):
        Recipe.load("seed-optimised")


@pytest.mark.parametrize("name", shipped_names())
def test_a_recipe_written_as_toml_is_read_back(name: str, tmp_path: Path) -> None:
    recipe = Recipe.load(name)
    path = tmp_path / f"{name}.toml"
    path.write_bytes(recipe.to_toml())
    assert Recipe.load(str(path)) == recipe


NETWORK, OPTIMIZER = 'activation = "relu"', "learning_rate = 1e-2"


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        ("epochs = 0", "epochs = 3", "epochs: Input should be greater than 0"),
        ("epochs = true", "epochs = 3", "epochs: Input should be a valid integer"),
        ("batch_size = true", "batch_size = 16", "batch_size: Input should be a valid integer or"),
        ("seed = true", "seed = 7", "seed: Input should be a valid integer"),
        (f"{OPTIMIZER}\nweight_decay = inf", OPTIMIZER, r"optimizer\.weight_decay: .* finite number"),
        (
            f"{NETWORK}\nlinear_path = true\n[linear_path]\nridge = inf\nreweight_every = true",
            NETWORK,
            r"linear_path\.ridge: .* finite number; linear_path\.reweight_every: .* valid integer",
        ),
        ("epochs = 2.5", "epochs = 3", "epochs"),
        ("batch_size = 0", "batch_size = 16", "batch_size: Input should be greater than 0 or .*'all'$"),
        ('batch_size = "many"', "batch_size = 16", "batch_size: .* or Input should be 'all'$"),
        ('device = "tpu"\nseed = 7', "seed = 7", "device: Input should be 'cpu', 'cuda' or 'auto'"),
        ('initialisation = "zero"\nseed = 7', "seed = 7", "initialisation: Input should be 'suited', "),
        ('name = "adem"', 'name = "adam"', r"optimizer\.name: Input should be 'sgd', .* or 'adamw'"),
        ("learning_rate = -1", OPTIMIZER, r"optimizer\.learning_rate"),
        (f"{OPTIMIZER}\nweight_decay = -1", OPTIMIZER, r"optimizer\.weight_decay"),
        (
            f"{OPTIMIZER}\nmomentum = 0.9",
            OPTIMIZER,
            r"optimizer: momentum is what the optimizer 'momentum' needs",
        ),
        ('name = "momentum"', 'name = "adam"', r"optimizer: momentum is what .* needs \(0\.9, say\)"),
        ("held_out = 1.0", "held_out = 0.25", r"split\.held_out"),
        ("hidden_layers = [0]", "hidden_layers = [8]", r"network\.hidden_layers"),
        ('activation = "swish"', NETWORK, r"network\.activation: Input should be 'relu', .* or 'silu'"),
        (f"{NETWORK}\ndropout = 1.0", NETWORK, r"network\.dropout: Input should be less than 1"),
        (f'{NETWORK}\nhead = "ordinal"', NETWORK, "network: an ordinal head needs a link: probit or logit"),
        (f'{NETWORK}\nlink = "probit"', NETWORK, "network: a link belongs to an ordinal head; leave it out"),
        (
            f"hidden_layers = []\ndropout = 0.5\n{NETWORK}",
            f"hidden_layers = [8]\n{NETWORK}",
            "there are none",
        ),
        (
            f"hidden_layers = []\nlinear_path = true\n{NETWORK}",
            f"hidden_layers = [8]\n{NETWORK}",
            "linear already; leave linear_path out",
        ),
        (
            f"hidden_layers = []\nbatch_normalisation = true\n{NETWORK}",
            f"hidden_layers = [8]\n{NETWORK}",
            "batch normalisation and dropout act on hidden layers, and there are none",
        ),
        (
            f"{NETWORK}\nlinear_path = true",
            NETWORK,
            r"network\.linear_path = true and a table \[linear_path\] go together; add the one",
        ),
        (
            f"{OPTIMIZER}\n[linear_path]\nridge = 1.0\nreweight_every = 2",
            OPTIMIZER,
            r"network\.linear_path = true and a table \[linear_path\] go together; add the one",
        ),
        (
            f'{OPTIMIZER}\n[schedule]\nname = "sine"',
            OPTIMIZER,
            "schedule.name: Input should be one of 'constant', .*, 'cosine'$",
        ),
        (
            f'{OPTIMIZER}\n[schedule]\nname = "step"\nfactor = 0.5',
            OPTIMIZER,
            r"schedule\.every: Field required$",
        ),
        (
            f'{OPTIMIZER}\n[schedule]\nname = "multistep"\nat = [1, 3]\nfactor = 0.5',
            OPTIMIZER,
            r"schedule\.at: after epoch 3 of 3 nothing is learnt; name earlier epochs, or set more",
        ),
        (
            f'{OPTIMIZER}\n[schedule]\nname = "one_cycle"\n[early_stopping]\nvalidation = 0.2\npatience = 1',
            OPTIMIZER,
            "schedule one_cycle needs all its epochs; leave early_stopping out, or choose cosine",
        ),
        (f"{OPTIMIZER}\n[schedule]\nfactor = 0.5", OPTIMIZER, r"schedule\.name: Field required$"),
        (
            f'{OPTIMIZER}\n[schedule]\nname = "cosine"\nfactor = 0.5',
            OPTIMIZER,
            r"schedule\.factor: Extra inputs are not permitted$",
        ),
        (
            f'{OPTIMIZER}\n[schedule]\nname = "multistep"\nat = []\nfactor = 0.5',
            OPTIMIZER,
            r"schedule\.at: Tuple should have at least 1 item",
        ),
        (
            f'{OPTIMIZER}\n[schedule]\nname = "exponential"\nfactor = 1.1',
            OPTIMIZER,
            r"schedule\.factor: Input should be less than or equal to 1",
        ),
        (
            f"{OPTIMIZER}\n[early_stopping]\nvalidation = 0.0\npatience = 0",
            OPTIMIZER,
            r"early_stopping\.validation: .* greater than 0; early_stopping\.patience: .* greater than 0",
        ),
        (
            f"{NETWORK}\nlinear_path = true\n[linear_path]\nridge = -1\nreweight_every = 0",
            NETWORK,
            r"linear_path\.ridge: .* equal to 0; linear_path\.reweight_every: .* greater than 0",
        ),
        (f"{OPTIMIZER}\n[calibration]\nfolds = 1", OPTIMIZER, r"calibration\.folds"),
        (f"{OPTIMIZER}\n[calibration]\ncoverage = 1.0", OPTIMIZER, r"calibration\.coverage"),
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


def test_batch_normalisation_of_single_phones_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    single = TINY_RECIPE.replace("batch_size = 16", "batch_size = 1")
    path.write_text(single.replace(NETWORK, f"{NETWORK}\nbatch_normalisation = true"))
    with pytest.raises(
        RecipeError, match=r"network\.batch_normalisation needs .*; choose a batch_size above 1"
    ):
        Recipe.load(str(path))


def test_choices_that_go_together_are_taken(tiny_recipe: Recipe) -> None:
    """The other side of the refusals: none of them goes too far."""
    together: list[dict[str, Any]] = [
        {"network.batch_normalisation": True},
        {"batch_size": 1},
        {"schedule": {"name": "multistep", "at": [2, 1], "factor": 0.1}},
        {"early_stopping": {"validation": 0.2, "patience": 1}, "schedule": {"name": "cosine"}},
        {"optimizer.name": "momentum", "optimizer.momentum": 0.9},
        {"network.hidden_layers": [], "network.head": "ordinal", "network.link": "logit"},
    ]
    for choices in together:
        with_choices(tiny_recipe, choices)


def test_what_a_recipe_leaves_out_has_its_default(tiny_recipe: Recipe) -> None:
    assert tiny_recipe.device == "cpu"
    assert tiny_recipe.standardise
    assert tiny_recipe.initialisation == "suited"
    assert tiny_recipe.schedule == Constant()
    assert tiny_recipe.linear_path is None
    assert tiny_recipe.early_stopping is None
    assert tiny_recipe.calibration == Calibration(folds=5, temperature=False, coverage=0.99)
    assert (tiny_recipe.network.head, tiny_recipe.network.dropout) == ("softmax", 0.0)
    assert OneCycle(name="one_cycle").rise == 0.3


def test_a_network_too_large_for_a_bundle_is_refused_in_words(tiny_recipe: Recipe) -> None:
    choices = tiny_recipe.model_dump(exclude_none=True)
    choices["network"]["hidden_layers"] = (1_000_000, 1_000_000)
    with pytest.raises(RecipeError, match=r"network of 1e\+12 parameters.*choose fewer or smaller"):
        Recipe.of(choices, origin="large.toml")


def test_a_file_name_that_can_name_no_recipe_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "leaky_relu.toml"
    path.write_bytes(Recipe.load("best").to_toml())
    with pytest.raises(RecipeError, match=r"'leaky_relu' .*lowercase letters, digits and hyphens.*rename"):
        Recipe.load(str(path))


def test_a_recipe_saved_with_a_byte_order_mark_is_read_and_utf_16_is_named(tmp_path: Path) -> None:
    path, saved = tmp_path / "saved.toml", Recipe.load("best").to_toml().decode()
    path.write_text(saved, encoding="utf-8-sig")
    assert Recipe.load(str(path)).network == Recipe.load("best").network
    path.write_text(saved, encoding="utf-16")
    with pytest.raises(RecipeError, match="UTF-16"):
        Recipe.load(str(path))
