"""tune: look for better choices, and say honestly what they are worth."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    write_whole,
)
from training.recipe import DEFAULT, Recipe

if TYPE_CHECKING:
    from training.tuning import Tuning


def tune(
    recipe_name: RecipeOption = DEFAULT,
    data: DataOption = None,
    space: Annotated[
        Path | None, typer.Option(help="TOML file of what to try. Default: the one shipped for the recipe.")
    ] = None,
    folds: Annotated[int, typer.Option(min=2, max=20, help="Outer folds, to report on.")] = 5,
    inner_folds: Annotated[int, typer.Option(min=2, max=20, help="Inner folds, to choose on.")] = 5,
    trials: Annotated[int, typer.Option(min=1, max=10_000, help="For each outer fold, and for all.")] = 20,
    seed: SeedOption = 0,
    storage: Annotated[
        Path, typer.Option(help="SQLite file of the trials; the same command goes on where it was.")
    ] = Path("tuning.db"),
    out: Annotated[Path | None, typer.Option(help="Recipe to write, with what was chosen.")] = None,
    engine: EngineOption = Where.LOCAL,
    address: AddressOption = None,
    gpus_per_trial: GpusOption = 0.0,
    json: JsonOption = None,
) -> None:
    """Choose on inner folds, report on outer ones; every trial is kept, so that it resumes after Ctrl-C."""
    with failures_as_messages(f"the trials are in {storage}, and the same command goes on from there"):
        recipe = Recipe.load(recipe_name)
        check_writable(out, json)

        from training.dataset import default_path, read_dataset
        from training.progress import counting
        from training.search_space import SHIPPED, SearchSpace, with_choices
        from training.tuning import Plan, tune

        tried = SearchSpace.load(space or SHIPPED / f"{recipe.name}.toml")
        dataset = read_dataset(data or default_path())
        print_copies(dataset.phones.copies)
        plan = Plan(folds, inner_folds, trials, seed)
        with (
            means(engine, address, gpus_per_trial) as made_with,
            counting(console, "trials", (folds + 1) * trials) as (count, _),
        ):
            result = tune(recipe, tried, dataset, plan, storage, count, made_with)
        _print(result)
        if out is not None:
            chosen = with_choices(recipe, result.choices)
            write_whole(out, chosen.to_toml())
            console.print(f"{out} has these choices")
        write_figures(json, result)


def _print(result: "Tuning") -> None:
    for number, fold in enumerate(result.outer_folds, start=1):
        console.print(
            f"outer fold {number}: accuracy {fold.metrics.accuracy:.4f} "
            f"log-loss {fold.metrics.log_loss:.4f} with {_told(fold.choices)}"
        )
    console.print(
        f"to be expected of tuning: accuracy {result.accuracy_mean:.4f} log-loss {result.log_loss_mean:.4f}"
    )
    console.print(f"chosen on inner folds of all phones: {_told(result.choices)}")


def _told(choices: dict[str, object]) -> str:
    return ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in choices.items()
    )
