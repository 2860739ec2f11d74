"""recipes: what is shipped. summary: what a recipe's network is made of."""

from typing import Annotated

import typer

from training.commands.terminal import JsonOption, console, failures_as_messages, table, write_figures
from training.recipe import DEFAULT, Recipe, shipped_names


def recipes(json: JsonOption = None) -> None:
    """List the shipped recipes."""
    with failures_as_messages():
        shipped = [Recipe.load(name) for name in shipped_names()]
        shown = table("recipe", "what it is")
        for recipe in shipped:
            name = f"{recipe.name} (default)" if recipe.name == DEFAULT else recipe.name
            shown.add_row(name, recipe.description)
        console.print(shown)
        write_figures(json, shipped)


def summary(
    recipe_name: Annotated[str, typer.Argument(metavar="RECIPE", help="A name, or the path of a .toml.")],
    json: JsonOption = None,
) -> None:
    """Show a recipe's layers, their shapes and parameters."""
    with failures_as_messages():
        recipe = Recipe.load(recipe_name)

        from training.summary import summarise

        network, layers = summarise(recipe)
        console.print(layers, markup=False)
        write_figures(json, network)
