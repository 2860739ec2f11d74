"""cross-validate: a recipe measured on every phone."""

from typing import Annotated

import typer

from contract.cluster import Where
from training.commands.copies import print_copies
from training.commands.engine import AddressOption, EngineOption, GpusOption, means
from training.commands.terminal import (
    DataOption,
    JsonOption,
    RecipeOption,
    SeedOption,
    check_writable,
    console,
    failures_as_messages,
    write_figures,
)
from training.recipe import DEFAULT, Recipe


def cross_validate(
    recipe_name: RecipeOption = DEFAULT,
    data: DataOption = None,
    folds: Annotated[int, typer.Option(min=2, max=100)] = 10,
    repeats: Annotated[int, typer.Option(min=1, max=100)] = 1,
    seed: SeedOption = 0,
    engine: EngineOption = Where.LOCAL,
    address: AddressOption = None,
    gpus_per_trial: GpusOption = 0.0,
    json: JsonOption = None,
) -> None:
    """Measure a recipe on every phone, by models that have not learnt it."""
    with failures_as_messages("nothing was written"):
        recipe = Recipe.load(recipe_name)
        check_writable(json)

        from training.cross_validation import cross_validate
        from training.dataset import default_path, read_dataset
        from training.progress import counting

        dataset = read_dataset(data or default_path())
        print_copies(dataset.phones.copies)
        with (
            means(engine, address, gpus_per_trial) as made_with,
            counting(console, "folds", folds * repeats) as (count, _),
        ):
            result = cross_validate(
                recipe, dataset.phones, folds, repeats, seed, lambda _: count(), made_with.in_order
            )
        console.print(
            f"{recipe.name}, {folds} folds, {repeats} times, seed {seed}: "
            f"accuracy {result.accuracy_mean:.4f} ± {result.accuracy_std:.4f} from fold to fold, "
            f"log-loss {result.log_loss_mean:.4f}, ECE {result.ece:.4f}, "
            f"Brier {result.brier_score_mean:.4f}, {result.off_by_more_than_one} off by more than one range"
        )
        console.print(
            f"prediction sets: {result.coverage:.2%} hold the true range "
            f"(meant: {result.target_coverage:.0%}), {result.mean_set_size:.3f} ranges on average"
        )
        write_figures(json, result)
