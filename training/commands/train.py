"""train: a table in, a bundle out, and it is the served one."""

from pathlib import Path
from typing import Annotated

import typer

from training.commands.copies import print_copies
from training.commands.metrics_table import print_metrics
from training.commands.prune import print_removal
from training.commands.terminal import (
    ARTIFACTS,
    DataOption,
    JsonOption,
    RecipeOption,
    check_writable,
    console,
    failures_after_publication,
    failures_as_messages,
    write_figures,
)
from training.recipe import DEFAULT, Recipe


def train(
    data: DataOption = None,
    recipe_name: RecipeOption = DEFAULT,
    out: Annotated[Path, typer.Option(help="Folder of the bundles.")] = ARTIFACTS,
    keep: Annotated[
        int | None,
        typer.Option(min=1, help="Afterwards prune: so many of the newest versions stay. Default: all."),
    ] = None,
    json: JsonOption = None,
) -> None:
    """Train, measure on the part held out, write the bundle and make it the served one."""
    with failures_as_messages():
        recipe = Recipe.load(recipe_name)
        check_writable(out / "CURRENT", json)

        from contract.bundle import read_version, remove_old_versions
        from training.dataset import default_path
        from training.pipeline import train
        from training.progress import both, watching
        from training.signing import key_of_environment
        from training.tracking import tracked

        key = key_of_environment()
        table = data or default_path()
        console.print(f"recipe {recipe.name} on {table}")
        with tracked(recipe) as run:
            with watching(console, recipe) as watch:
                told = both(watch.training, run.watch)
                trained = train(recipe, table, out, told, watch.calibration, key)
            print_copies(trained.copies)
            print_metrics(trained.metrics, "phones held out")
            console.print(f"{out / 'CURRENT'} now names {trained.version}")
            with failures_after_publication(trained.version):
                write_figures(json, trained.metrics)
                run.finish(out / trained.version, read_version(out, trained.version, key).manifest)
                if keep:
                    print_removal(remove_old_versions(out, keep))
